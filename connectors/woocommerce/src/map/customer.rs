//! Who it is: the account, and whoever is named on the bill.

use serde_json::{Value, json};
use snodo_connector::contact;
use snodo_connector::fields::{self, Fields, Take};

use super::address::address;
use super::{Hook, Told, moment, money};

fn account(hook: Hook<'_>, id: &str) -> Option<Value> {
    let value = format!("{}/{id}", hook.shop?);
    Some(json!({"namespace": "woocommerce:customer", "value": value, "kind": "person"}))
}

pub fn record(hook: Hook<'_>, kind: &'static str, id: &str, object: &mut Fields) -> Option<Told> {
    let mut identifiers: Vec<Value> = account(hook, id).into_iter().collect();
    let mut traits = object.texts(&[
        ("first_name", "given_name"),
        ("last_name", "family_name"),
        ("username", "nickname"),
        ("avatar_url", "avatar_url"),
    ]);
    email(object, &mut traits, &mut identifiers);
    let mut addresses = Vec::new();
    for (name, kind) in [("billing", "billing"), ("shipping", "shipping")] {
        let Some(mut within) = object.object(name) else { continue };
        if name == "billing" {
            // Says once more what the account says, or another address of the same person.
            email(&mut within, &mut traits, &mut identifiers);
            phone(&within, &mut traits, &mut identifiers);
        }
        if let Some(mut found) = address(&mut within) {
            found.insert("kind".into(), kind.into());
            addresses.push(found);
        }
        object.leave(name, within);
    }
    traits.leave("addresses", addresses);
    traits.leave("orders_count", object.take("orders_count", Value::as_u64));
    traits.leave("total_spent", money(object, "total_spent", hook.currency));
    let created = moment(object, "date_created");
    let time = created.clone().filter(|_| kind == "crm.contact.created");
    traits.leave("created_at", created);
    traits.leave("updated_at", moment(object, "date_modified"));
    if identifiers.is_empty() {
        return None;
    }
    let mut data = Fields::new();
    let mut customer = Fields::from_iter([("identifiers".to_owned(), identifiers.into())]);
    customer.leave("traits", traits);
    data.insert("customer".into(), customer.into());
    data.insert("contact_change".into(), json!({"record_id": id}));
    data.insert("touchpoint".into(), json!({"channel": "commerce_backoffice"}));
    Some(Told { kind, subject: format!("customer/{id}"), time, data })
}

/// Whoever an order's bill goes to; the account is 0 for a guest. The address itself is the order's.
pub fn of_order(hook: Hook<'_>, object: &mut Fields) -> Option<Value> {
    let guest = |value: &Value| fields::text(value).filter(|id| id == "0");
    let mut identifiers = Vec::new();
    if object.take("customer_id", guest).is_none()
        && let Some(known) =
            object.get("customer_id").and_then(fields::text).and_then(|id| account(hook, &id))
    {
        object.shift_remove("customer_id");
        identifiers.push(known);
    }
    let mut traits = Fields::new();
    if let Some(billing) = object.get_mut("billing").and_then(Value::as_object_mut) {
        email(billing, &mut traits, &mut identifiers);
        for (from, to) in [("first_name", "given_name"), ("last_name", "family_name"), ("company", "company")]
        {
            traits.leave(to, billing.get(from).and_then(fields::text));
        }
        phone(billing, &mut traits, &mut identifiers);
    }
    let mut customer = Fields::new();
    customer.leave("identifiers", identifiers);
    customer.leave("traits", traits);
    (!customer.is_empty()).then(|| customer.into())
}

fn email(from: &mut Fields, traits: &mut Fields, identifiers: &mut Vec<Value>) {
    let Some(email) = from.take("email", |value| contact::email(value.as_str()?)) else { return };
    let found = json!({"namespace": "email", "value": email, "kind": "person", "authenticated": "asserted"});
    if !identifiers.contains(&found) {
        identifiers.push(found);
    }
    traits.entry("email").or_insert_with(|| email.into());
}

/// Stays where it is, as part of the address. Without its country's code it is nobody's identifier.
fn phone(from: &Fields, traits: &mut Fields, identifiers: &mut Vec<Value>) {
    let Some(phone) = from.get("phone").and_then(fields::text) else { return };
    let number = contact::phone(&phone);
    if let Some(number) = &number {
        let found =
            json!({"namespace": "phone", "value": number, "kind": "person", "authenticated": "asserted"});
        identifiers.push(found);
    }
    traits.insert("phone".into(), number.unwrap_or(phone).into());
}
