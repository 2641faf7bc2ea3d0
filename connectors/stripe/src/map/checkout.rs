//! Checkout sessions: <https://docs.stripe.com/api/checkout/sessions/object>. The page stands on the web, so does the touchpoint.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::locale;

use super::person::Person;
use super::sum::{Currency, sum};
use super::{Story, Told, address, id, metadata, shipping, take_id, when};

pub fn told(story: &mut Story) -> Option<Told> {
    let session = id(&story.object, "id")?;
    let sets_up = story.object.get("mode") == Some(&json!("setup"));
    let kind = match story.kind.as_str() {
        // Only a means of payment was left there, nothing was bought.
        "checkout.session.completed" if sets_up => "commerce.checkout.step_completed",
        "checkout.session.completed" => "commerce.order.placed",
        "checkout.session.async_payment_succeeded" => "commerce.order.paid",
        "checkout.session.async_payment_failed" => "commerce.order.edited",
        "checkout.session.expired" => "commerce.cart.abandoned",
        _ => return None,
    };
    let at = story.at.clone();
    let from = &mut story.object;
    let mut data = Fields::new();
    let mut person = Person::of(from);
    let mut bought = Fields::new();
    details(from, &mut person, &mut bought);
    data.leave("consent", consent(from, at.as_deref()));
    let mut touchpoint = Fields::new();
    touchpoint.insert("channel".into(), "web".into());
    // "auto" is the browser's, which Stripe does not tell.
    let language = |value: &Value| value.as_str().filter(|word| *word != "auto").and_then(locale::tag);
    touchpoint.leave("locale", from.take("locale", language));
    data.leave("touchpoint", touchpoint);
    sums(from, &mut bought);
    bought.leave("created_at", when(from, "created"));
    from.shift_remove("id");
    match kind {
        "commerce.order.placed" | "commerce.order.paid" | "commerce.order.edited" => {
            let order = order_id(from).unwrap_or_else(|| session.clone());
            person.order(&order);
            let subject = format!("order/{order}");
            data.leave("order", self::order(from, bought, [&order, &session], (kind, at)));
            data.leave("customer", Value::from(person));
            Told::new(kind, subject, data)
        }
        _ => {
            let expired = kind == "commerce.cart.abandoned";
            let mut checkout = Fields::new();
            checkout.insert("id".into(), session.clone().into());
            let status = |value: &Value| {
                value.as_str().map(|word| if word == "complete" { "completed" } else { word }.to_owned())
            };
            checkout.leave("status", from.take("status", status));
            let ended = if expired { "abandoned_at" } else { "completed_at" };
            checkout.leave(ended, at.clone());
            if expired {
                checkout.leave("abandoned_url", recovery(from));
                data.leave("cart", cart(&session, &mut bought, at));
            } else {
                checkout.insert("step".into(), "payment".into());
            }
            checkout.extend(bought);
            data.leave("checkout", checkout);
            data.leave("customer", Value::from(person));
            Told::new(kind, format!("checkout/{session}"), data)
        }
    }
}

/// The order is known by what its payments will name.
fn order_id(of: &Fields) -> Option<String> {
    ["payment_intent", "invoice"].iter().find_map(|name| id(of, name))
}

fn order(
    from: &mut Fields,
    bought: Fields,
    [order_id, session]: [&str; 2],
    (kind, at): (&str, Option<String>),
) -> Fields {
    let mut order = bought;
    order.insert("id".into(), order_id.into());
    order.insert("checkout_id".into(), session.into());
    order.leave("subscription_id", take_id(from, "subscription"));
    if kind == "commerce.order.placed" {
        order.leave("placed_at", at);
    }
    let failed = kind == "commerce.order.edited";
    let paid = |value: &Value| {
        Some(match value.as_str()? {
            _ if failed => "failed".to_owned(),
            "unpaid" => "pending".to_owned(),
            other => other.to_owned(),
        })
    };
    order.leave("payment_status", from.take("payment_status", paid));
    order.leave("test", from.get("livemode").and_then(Value::as_bool).map(|live| !live));
    order.leave("attributes", custom_fields(from));
    order.leave("discounts", discounts(from));
    metadata(from, &mut order);
    for name in ["payment_intent", "invoice"] {
        if from.get(name).and_then(Value::as_str) == Some(order_id) {
            from.shift_remove(name);
        }
    }
    order
}

/// What the shop asked for on the page: each field has its value in an object that is called as its type.
fn custom_fields(from: &mut Fields) -> Vec<Value> {
    let filled = |field: &Value| {
        let kind = field.get("type")?.as_str()?;
        let value = fields::text(field.get(kind)?.get("value")?)?;
        Some(json!({"name": fields::text(field.get("key")?)?, "value": value}))
    };
    let all = |list: &Value| list.as_array()?.iter().map(filled).collect::<Option<Vec<_>>>();
    from.take("custom_fields", all).unwrap_or_default()
}

fn discounts(from: &mut Fields) -> Vec<Value> {
    let items = from.get_mut("discounts").and_then(Value::as_array_mut).into_iter().flatten();
    let discount = |item: &mut Fields| {
        let mut discount = Fields::new();
        discount.leave("id", take_id(item, "coupon"));
        discount.leave("promotion_id", take_id(item, "promotion_code"));
        Value::Object(discount)
    };
    items.filter_map(Value::as_object_mut).map(discount).collect()
}

/// What was in it when the customer left.
fn cart(session: &str, bought: &mut Fields, at: Option<String>) -> Fields {
    let mut cart = Fields::new();
    cart.insert("id".into(), session.into());
    for name in ["currency", "subtotal", "discount", "total"] {
        if let Some(value) = bought.shift_remove(name) {
            cart.insert(name.into(), value);
        }
    }
    cart.leave("abandoned_at", at);
    cart
}

fn recovery(from: &mut Fields) -> Option<String> {
    let mut after = from.object("after_expiration")?;
    let mut recovery = after.object("recovery").unwrap_or_default();
    let url = recovery.text("url");
    after.leave("recovery", recovery);
    from.leave("after_expiration", after);
    url
}

fn sums(from: &mut Fields, to: &mut Fields) {
    let currency = Currency::of(from);
    to.leave("subtotal", sum(from, "amount_subtotal", currency.as_ref()));
    if let Some(mut details) = from.object("total_details") {
        for (name, ours) in
            [("amount_discount", "discount"), ("amount_shipping", "shipping"), ("amount_tax", "tax")]
        {
            to.leave(ours, sum(&mut details, name, currency.as_ref()));
        }
        from.leave("total_details", details);
    }
    to.leave("total", sum(from, "amount_total", currency.as_ref()));
    to.leave("currency", currency.map(|currency| currency.code));
}

/// `customer_details` is what the customer typed in; `customer_email` what the shop knew before.
fn details(from: &mut Fields, person: &mut Person, to: &mut Fields) {
    if let Some(mut details) = from.object("customer_details") {
        let (name, email, phone) = (details.text("name"), details.text("email"), details.text("phone"));
        if let Some(mut inner) = details.object("address") {
            let mut found = address(&mut inner);
            if !found.is_empty() {
                found.leave("name", name.clone());
            }
            to.leave("billing_address", found);
            details.leave("address", inner);
        }
        to.leave("email", email.clone());
        to.leave("phone", phone.clone());
        person.name(name);
        person.email(email);
        person.phone(phone);
        person.traits.leave("tax_exempt", details.take("tax_exempt", super::customer::exempt));
        from.leave("customer_details", details);
    }
    if let Some(email) = from.text("customer_email") {
        person.email(Some(email.clone()));
        to.entry("email").or_insert_with(|| email.into());
    }
    let mut collected = from.object("collected_information").unwrap_or_default();
    let found = shipping(from, "shipping_details").or_else(|| shipping(&mut collected, "shipping_details"));
    to.leave("shipping_address", found);
    from.leave("collected_information", collected);
}

/// What the customer said to e-mails about offers: <https://docs.stripe.com/payments/checkout/promotional-emails-consent>.
fn consent(from: &mut Fields, at: Option<&str>) -> Option<Value> {
    let mut said = from.object("consent")?;
    let state = said.take("promotions", |value| match value.as_str()? {
        "opt_in" => Some("granted"),
        "opt_out" => Some("denied"),
        _ => None,
    });
    from.leave("consent", said);
    let mut purpose = json!({"state": state?, "source": "Stripe Checkout"});
    if let Some(at) = at {
        purpose["at"] = at.into();
    }
    Some(json!({"purposes": {"marketing.email": purpose}}))
}
