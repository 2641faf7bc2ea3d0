//! Orders: <https://shopify.dev/docs/api/admin-rest/latest/resources/order>.

use super::address::address;
use super::customer::Person;
use super::line::{Document, grams, taxes};
use super::{
    Hook, Told, attributes, consent, drop_echo, drop_gid, fulfilment, is_currency, money, refund, tags,
    touchpoint,
};
use crate::tree::{Node, Object, Text, is_time};

pub fn told<'a>(hook: Hook<'a>, kind: &'static str, mut body: Object<'a>) -> Option<Told<'a>> {
    let id = body.text("id")?;
    drop_gid(&mut body, "admin_graphql_api_id", &id);
    let times: &[&str] = match kind {
        "commerce.order.placed" => &["processed_at", "created_at"],
        "commerce.order.cancelled" => &["cancelled_at", "updated_at"],
        _ => &["updated_at"],
    };
    let time = times.iter().find_map(|name| body.peek(name).filter(|time| is_time(time)));
    let mut purposes = Object::new();
    let mut person = Person::default();
    if let Some(record) = body.object("customer") {
        purposes = consent::of_customer(record);
        person = Person::known(hook, record);
    }
    if kind == "commerce.order.placed" || person.is_unknown() {
        person.order(hook, &id);
    }
    if let Some(cart) = body.peek("cart_token").filter(|_| kind == "commerce.order.placed") {
        person.cart(hook, &cart);
    }
    // The buyer's own address is the better one: an order's may be that of whoever paid.
    person.email_if_none(body.peek("email").or_else(|| body.peek("contact_email")));
    person.phone_if_none(body.peek("phone"));
    consent::of_checkout(&mut body, "buyer_accepts_marketing", consent::EMAIL, &mut purposes);

    let mut data = Object::new();
    data.put("customer", person);
    data.put("consent", consent::within(purposes));
    data.put("touchpoint", touchpoint::of_sale(hook, &mut body));
    let subject = Some(format!("order/{id}"));
    if kind == "commerce.order.fulfilled" {
        let mut fulfilment = Object::new();
        fulfilment.put("order_id", id.clone());
        fulfilment.put("status", body.peek("fulfillment_status"));
        data.put("fulfilment", fulfilment);
    }
    data.put("order", order(id, &mut body));
    data.put("vendor", body);
    Some(Told { kind, subject, time, data })
}

fn order<'a>(id: Text<'a>, from: &mut Object<'a>) -> Object<'a> {
    let currency = from.text_if("currency", is_currency);
    let mut document = Document::in_currency(currency.clone());
    let mut order = Object::new();
    order.put("id", id);
    order.put("number", from.text("order_number"));
    order.put("name", from.text("name"));
    order.put("confirmation_number", from.text("confirmation_number"));
    order.put("purchase_order", from.text("po_number"));
    order.put("status", status(from));
    order.put("payment_status", from.text("financial_status"));
    order.put("fulfilment_status", from.text("fulfillment_status"));
    order.put("placed_at", from.time("processed_at"));
    order.put("created_at", from.time("created_at"));
    order.put("updated_at", from.time("updated_at"));
    order.put("closed_at", from.time("closed_at"));
    order.put("cancelled_at", from.time("cancelled_at"));
    order.put("cancel_reason", from.text("cancel_reason"));
    contact(&mut order, from);
    sums(&mut order, from, currency.as_ref());
    if let Some(currency) = &currency {
        from.drop_if("presentment_currency", currency);
    }
    order.put("currency", currency);
    let (discounts, names) = discounts(from, document.currency.as_ref());
    order.put("discounts", discounts);
    document.discounts = names;
    order.put("taxes", taxes(from, document.currency.as_ref()));
    order.put("shipping_methods", shipping(from, &document));
    order.put("lines", document.lines(from));
    order.put("payment_gateways", from.texts("payment_gateway_names"));
    if let Some(terms) = from.object("payment_terms") {
        order.put("payment_terms", terms.text("payment_terms_name"));
    }
    order.put("fulfilments", fulfilment::list(from, &document));
    order.put("refunds", refund::list(from, &document));
    order.put("weight", grams(from, "total_weight"));
    order.put("source", from.text("source_name"));
    order.put("tags", tags(from));
    order.put("test", from.bool("test"));
    order.put("cart_id", from.text("cart_token"));
    order.put("checkout_id", from.text("checkout_id").or_else(|| from.text("checkout_token")));
    order.put("url", from.text("order_status_url"));
    order
}

/// What orders and checkouts say of contact, addresses and origin.
pub fn contact<'a>(to: &mut Object<'a>, from: &mut Object<'a>) {
    let email = from.text("email");
    if let Some(email) = &email {
        from.drop_if("contact_email", email);
    }
    to.put("email", email.or_else(|| from.text("contact_email")));
    to.put("phone", from.text("phone"));
    to.put("note", from.text("note"));
    to.put("attributes", attributes(from, "note_attributes"));
    for name in ["billing_address", "shipping_address"] {
        to.put(name, from.object(name).map(|from| address(from, None)));
    }
    to.put("landing_url", from.text("landing_site"));
    to.put("referrer", from.text("referring_site"));
}

/// The sums of orders and checkouts. Those after later edits and refunds are dropped while they are still the same.
pub fn sums<'a>(to: &mut Object<'a>, from: &mut Object<'a>, currency: Option<&Text<'a>>) {
    for (name, set, now) in [
        ("subtotal", "subtotal_price_set", "current_subtotal_price_set"),
        ("discount", "total_discounts_set", "current_total_discounts_set"),
        ("shipping", "total_shipping_price_set", "current_shipping_price_set"),
        ("tax", "total_tax_set", "current_total_tax_set"),
        ("tip", "total_tip_received_set", "current_total_tip_received_set"),
        ("duty", "original_total_duties_set", "current_total_duties_set"),
        ("total", "total_price_set", "current_total_price_set"),
        ("outstanding", "total_outstanding_set", "current_total_outstanding_set"),
    ] {
        let mut sum = money(from, set, currency);
        drop_echo(from, now, &mut sum);
        if name == "subtotal" {
            drop_echo(from, "total_line_items_price_set", &mut sum);
        }
        to.put(name, sum);
    }
    to.put("taxes_included", from.bool("taxes_included"));
}

fn status(from: &mut Object) -> &'static str {
    if from.peek("cancelled_at").is_some() {
        "cancelled"
    } else if from.peek("closed_at").is_some() {
        "closed"
    } else {
        "open"
    }
}

type Names<'a> = Vec<[Option<Text<'a>>; 2]>;

/// The discounts, and their codes and titles for the lines. Codes and applications are two views of the same thing.
fn discounts<'a>(from: &mut Object<'a>, currency: Option<&Text<'a>>) -> (Vec<Node<'a>>, Names<'a>) {
    let mut names = Names::new();
    let mut found: Vec<Object> = Vec::new();
    for application in from.objects("discount_applications") {
        let mut discount = Object::new();
        let code = application.text("code");
        let title = application.text("title");
        names.push([code.clone(), title.clone()]);
        if application.peek("type").is_some_and(|kind| kind == "automatic") {
            application.take("type");
            discount.put("automatic", true);
        } else if code.is_some() {
            application.drop_if("type", "discount_code");
        }
        discount.put("code", code);
        discount.put("title", title);
        discount.put("description", application.text("description"));
        discount.put("kind", application.text("value_type"));
        discount.put("value", application.decimal("value"));
        found.push(discount);
    }
    for entry in from.objects("discount_codes") {
        let amount = money(entry, "amount_set", currency);
        let Some(code) = entry.text("code") else { continue };
        let same = found.iter_mut().find(|discount| discount.peek("code").as_ref() == Some(&code));
        if let Some(discount) = same {
            if let Some(kind) = discount.peek("kind") {
                entry.drop_if("type", &kind);
            }
            discount.put("amount", amount);
        } else {
            let mut discount = Object::new();
            discount.put("code", code);
            discount.put("kind", entry.text("type"));
            discount.put("amount", amount);
            found.push(discount);
        }
    }
    (found.into_iter().map(Node::from).collect(), names)
}

pub fn shipping<'a>(from: &mut Object<'a>, document: &Document<'a>) -> Vec<Node<'a>> {
    let currency = document.currency.as_ref();
    let method = |from: &mut Object<'a>| {
        let mut method = Object::new();
        method.put("id", from.text("id"));
        let code = from.text("code");
        let title = from.text("title");
        method.put("code", code);
        method.put("title", title);
        let mut price = money(from, "price_set", currency);
        drop_echo(from, "discounted_price_set", &mut price);
        method.put("price", price);
        let mut discounted = money(from, "discounted_price_set", currency);
        drop_echo(from, "current_discounted_price_set", &mut discounted);
        method.put("discounted_price", discounted);
        method.put("carrier", from.text("carrier_identifier"));
        method.put("phone", from.text("phone"));
        method.put("taxes", taxes(from, currency));
        method.put("discounts", document.discounts(from));
        Node::from(method)
    };
    from.objects("shipping_lines").map(method).collect()
}

/// `orders/edited` tells what was changed, not the order.
pub fn edited<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let edit = body.object("order_edit")?;
    let id = edit.text("order_id")?;
    let time = edit.time("committed_at").or_else(|| edit.time("created_at"));
    let mut person = Person::default();
    person.order(hook, &id);
    let mut edits = Vec::new();
    if let Some(items) = edit.object("line_items") {
        for (field, change) in [("additions", "added"), ("removals", "removed")] {
            edits.extend(items.objects(field).map(|item| {
                let mut edit = Object::new();
                edit.put("line_id", item.text("id"));
                edit.put("change", change);
                edit.put("quantity", item.decimal("delta"));
                Node::from(edit)
            }));
        }
    }
    let mut touchpoint = touchpoint::backoffice();
    let mut staff = Object::new();
    staff.put("id", edit.text("user_id"));
    touchpoint.put("operator", staff);
    let mut order = Object::new();
    order.put("id", id.clone());
    order.put("edits", edits);
    let mut data = Object::new();
    data.put("customer", person);
    data.put("touchpoint", touchpoint);
    data.put("order", order);
    data.put("vendor", body);
    Some(Told { kind: "commerce.order.edited", subject: Some(format!("order/{id}")), time, data })
}
