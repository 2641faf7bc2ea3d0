//! Customers: who a payload is about, and what Shopify knows of them.

use std::borrow::Cow;

use snodo_connector::contact;

use super::address::address;
use super::{Hook, Told, consent, drop_gid, gid, id, is_currency, money, priced, tags, touchpoint};
use crate::tree::{Node, Object, Text};

/// The event's `customer`.
#[derive(Default)]
pub struct Person<'a> {
    identifiers: Vec<Node<'a>>,
    traits: Object<'a>,
}

impl<'a> Person<'a> {
    /// Takes what a customer's record holds.
    pub fn known(hook: Hook<'a>, record: &mut Object<'a>) -> Self {
        let mut person = Self::default();
        let id = record.peek("id").filter(|_| hook.shop.is_some());
        if let Some(id) = &id {
            record.take("id");
            drop_gid(record, "admin_graphql_api_id", id);
            person.shopify(hook, id);
        }
        let verified = record.bool("verified_email");
        person.email(record.text("email"), verified);
        person.phone(record.text("phone"));
        person.traits(record, id.as_deref());
        person
    }

    fn traits(&mut self, record: &mut Object<'a>, id: Option<&str>) {
        let traits = &mut self.traits;
        traits.put("given_name", record.text("first_name"));
        traits.put("family_name", record.text("last_name"));
        traits.put("locale", record.text("locale"));
        traits.put("state", record.text("state"));
        traits.put("note", record.text("note"));
        traits.put("tags", tags(record));
        traits.put("tax_exempt", record.bool("tax_exempt"));
        traits.put("tax_exemptions", record.texts("tax_exemptions"));
        traits.put("orders_count", record.count("orders_count"));
        let currency = record.text_if("currency", is_currency);
        traits.put("total_spent", money(record, "total_spent_set", currency.as_ref()));
        traits.put("currency", currency);
        traits.put("last_order_id", record.text("last_order_id"));
        traits.put("created_at", record.time("created_at"));
        traits.put("updated_at", record.time("updated_at"));
        traits.put("addresses", addresses(record, id));
    }

    pub fn shopify(&mut self, hook: Hook<'a>, id: &str) {
        self.numbered(hook, "shopify:customer", id);
    }

    /// An order has one buyer, so its id finds them: told when it is placed, used by messages that name the order only.
    pub fn order(&mut self, hook: Hook<'a>, id: &str) {
        self.numbered(hook, "shopify:order", id);
    }

    /// The token of a cart is what the `cart` cookie of the browser holds. It says less than any other identifier: whoever
    /// sits at that browser next may go on with the cart.
    pub fn cart(&mut self, hook: Hook<'a>, token: &str) {
        self.numbered(hook, "cookie", token);
    }

    /// Shopify's ids are one's own within a shop.
    pub fn numbered(&mut self, hook: Hook<'a>, namespace: &'static str, id: &str) {
        if let Some(shop) = hook.shop {
            self.identify(namespace, format!("{shop}/{id}"), None);
        }
    }

    pub fn email(&mut self, email: Option<Text<'a>>, verified: Option<bool>) {
        let Some(email) = email else { return };
        if email.contains('@') && !self.traits.has("email") {
            let authenticated = if verified == Some(true) { "verified" } else { "asserted" };
            self.identify("email", lower(email.clone()), Some(authenticated));
        }
        self.traits.put("email", email);
        self.traits.put("verified_email", verified);
    }

    pub fn phone(&mut self, phone: Option<Text<'a>>) {
        let Some(phone) = phone else { return };
        // Without its country code nobody can tell whose it is, so it is a trait only.
        if let Some(number) = contact::phone(&phone) {
            self.identify("phone", number, Some("asserted"));
        }
        self.traits.put("phone", phone);
    }

    pub fn email_if_none(&mut self, email: Option<Text<'a>>) {
        if !self.traits.has("email") {
            self.email(email, None);
        }
    }

    pub fn phone_if_none(&mut self, phone: Option<Text<'a>>) {
        if !self.traits.has("phone") {
            self.phone(phone);
        }
    }

    pub fn identify(
        &mut self,
        namespace: &'static str,
        value: impl Into<Node<'a>>,
        authenticated: Option<&'static str>,
    ) {
        let mut identifier = Object::new();
        identifier.put("namespace", namespace);
        identifier.put("value", value);
        identifier.put("authenticated", authenticated);
        self.identifiers.push(identifier.into());
    }

    pub fn is_unknown(&self) -> bool {
        self.identifiers.is_empty()
    }

    pub fn describe(&mut self, trait_name: &'static str, value: impl Into<Node<'a>>) {
        self.traits.put(trait_name, value);
    }
}

impl<'a> From<Person<'a>> for Node<'a> {
    fn from(person: Person<'a>) -> Self {
        let mut customer = Object::new();
        customer.put("identifiers", person.identifiers);
        customer.put("traits", person.traits);
        customer.into()
    }
}

/// A customer's record, whole.
pub fn told<'a>(hook: Hook<'a>, kind: &'static str, mut body: Object<'a>) -> Option<Told<'a>> {
    let subject = body.peek("id").map(|id| format!("customer/{id}"));
    let time = if kind == "crm.contact.created" { body.peek("created_at") } else { body.peek("updated_at") };
    let purposes = consent::of_customer(&mut body);
    let person = Person::known(hook, &mut body);
    let mut data = about(person)?;
    data.put("consent", consent::within(purposes));
    data.put("touchpoint", touchpoint::backoffice());
    data.put("vendor", body);
    Some(Told { kind, subject, time, data })
}

/// A merge that was asked for, is on its way or failed changes nothing.
pub fn merged<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    if !body.text("status")?.eq_ignore_ascii_case("completed") {
        return None;
    }
    let kept = id(&mut body, "admin_graphql_api_customer_kept_id")?;
    let absorbed = id(&mut body, "admin_graphql_api_customer_deleted_id")?;
    let mut person = Person::default();
    person.shopify(hook, &kept);
    person.shopify(hook, &absorbed);
    let mut change = Object::new();
    let subject = Some(format!("customer/{kept}"));
    change.put("kept_id", kept);
    change.put("merged_ids", vec![Node::from(absorbed)]);
    let mut data = about(person)?;
    data.put("touchpoint", touchpoint::backoffice());
    data.put("contact_change", change);
    data.put("vendor", body);
    Some(Told { kind: "crm.contact.merged", subject, time: None, data })
}

/// Payloads that tell a part of the record. Tags that came or went are not all the tags, so they are no trait.
pub fn changed<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let customer = id(&mut body, "customerId")?;
    let mut person = Person::default();
    person.shopify(hook, &customer);
    let time = body.time("occurredAt");
    person.describe("orders_count", body.count("numberOfOrders"));
    if let Some(spent) = body.object("amountSpent")
        && let Some(currency) = spent.text_if("currencyCode", is_currency)
        && let Some(amount) = spent.decimal("amount")
    {
        person.describe("total_spent", priced(amount, currency));
    }
    person.describe("last_order_id", id(&mut body, "lastOrderId"));
    let mut data = about(person)?;
    data.put("touchpoint", touchpoint::backoffice());
    data.put("vendor", body);
    Some(Told { kind: "crm.contact.updated", subject: Some(format!("customer/{customer}")), time, data })
}

/// What a customer has left to pay with is a part of their record.
pub fn pays_with<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let subject = body.peek("customer_id").map(|id| format!("customer/{id}"));
    let person = named(hook, &mut body, "customer_id", "admin_graphql_api_customer_id");
    let side = if hook.topic.ends_with("/revoke") { "old" } else { "new" };
    let field = |(name, value): (Text<'a>, Node<'a>)| {
        let mut field = Object::new();
        field.put("name", format!("payment_instrument.{name}"));
        field.put(side, value);
        Node::from(field)
    };
    let mut change = Object::new();
    let mut pairs = body.pairs("payment_instrument");
    // An object's fields have no order, a list has.
    pairs.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    change.put("fields", pairs.into_iter().map(field).collect::<Vec<_>>());
    let mut data = about(person)?;
    data.put("touchpoint", touchpoint::backoffice());
    data.put("contact_change", change);
    data.put("vendor", body);
    Some(Told { kind: "crm.contact.updated", subject, time: None, data })
}

/// A body that begins with its customer; none without an identifier.
pub fn about<'a>(person: Person<'a>) -> Option<Object<'a>> {
    if person.is_unknown() {
        return None;
    }
    let mut data = Object::new();
    data.put("customer", person);
    Some(data)
}

/// All addresses; the default one is mostly among them already.
fn addresses<'a>(record: &mut Object<'a>, owner: Option<&str>) -> Vec<Node<'a>> {
    let default = record.take("default_address");
    let mut known = false;
    let mut list: Vec<Node> = Vec::new();
    if let Node::List(all) = record.take("addresses") {
        let mut left = Vec::new();
        for mut node in all {
            known = known || node == default;
            if let Node::Object(from) = &mut node {
                list.push(address(from, owner).into());
            }
            left.push(node);
        }
        record.put("addresses", left);
    }
    if let Node::Object(mut from) = default
        && !known
    {
        list.push(address(&mut from, owner).into());
        record.put("default_address", from);
    }
    list
}

fn lower(text: Text<'_>) -> Text<'_> {
    let is_lower =
        !text.bytes().any(|byte| byte.is_ascii_uppercase()) && text.is_ascii() && text.trim() == text;
    if is_lower { text } else { Cow::Owned(text.trim().to_lowercase()) }
}

/// The customer that a payload names by a second kind of id.
pub fn named<'a>(hook: Hook<'a>, from: &mut Object<'a>, name: &str, global: &str) -> Person<'a> {
    let mut person = Person::default();
    if let Some(customer) = from.text(name) {
        drop_gid(from, global, &customer);
        person.shopify(hook, &customer);
    } else if let Some(customer) = from.text(global) {
        person.shopify(hook, gid(&customer));
    }
    person
}
