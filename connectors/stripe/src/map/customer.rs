//! Customers: <https://docs.stripe.com/api/customers/object>, and what belongs to their account.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{locale, money};

use super::person::Person;
use super::sum::{Currency, sum};
use super::{Story, Told, address, id, shipping, take_id, when};

/// A customer's record, whole.
pub fn told(kind: &'static str, story: &mut Story) -> Option<Told> {
    let id = id(&story.object, "id")?;
    let mut data = Fields::new();
    data.leave("contact_change", (kind == "crm.contact.updated").then(|| change(story)));
    let from = &mut story.object;
    from.shift_remove("id");
    let mut person = Person::default();
    person.record(&id);
    person.name(from.text("name"));
    person.email(from.text("email"));
    person.phone(from.text("phone"));
    traits(from, &mut person.traits);
    if kind == "crm.contact.deleted" {
        person.traits.leave("deleted_at", story.at.clone());
    }
    data.leave("customer", Value::from(person));
    Told::new(kind, format!("customer/{id}"), data)
}

fn traits(from: &mut Fields, traits: &mut Fields) {
    traits.extend(from.texts(&[("description", "note")]));
    traits.leave("tax_exempt", from.take("tax_exempt", exempt));
    traits.leave("currency", from.take("currency", |code| money::currency(code.as_str()?)));
    traits.leave("created_at", when(from, "created"));
    if let Some(first) = from.get_mut("preferred_locales").and_then(|list| list.get_mut(0))
        && let Some(language) = first.as_str().and_then(locale::tag)
    {
        traits.insert("language".into(), language.into());
        *first = Value::Null;
    }
    let mut addresses = Vec::new();
    if let Some(mut inner) = from.object("address") {
        let found = address(&mut inner);
        from.leave("address", inner);
        addresses.extend((!found.is_empty()).then_some((found, "billing")));
    }
    let found = shipping(from, "shipping").filter(|found| !found.is_empty());
    addresses.extend(found.map(|found| (found, "shipping")));
    let kind = |(mut address, kind): (Fields, &str)| {
        address.insert("kind".into(), kind.into());
        Value::Object(address)
    };
    traits.leave("addresses", addresses.into_iter().map(kind).collect::<Vec<_>>());
    // What the company attached is its own traits.
    if let Some(mut metadata) = from.object("metadata") {
        let names: Vec<String> = metadata.keys().cloned().collect();
        let custom: Fields =
            names.into_iter().filter_map(|name| Some((name.clone(), metadata.text(&name)?.into()))).collect();
        traits.leave("custom", custom);
        from.leave("metadata", metadata);
    }
}

pub fn exempt(value: &Value) -> Option<bool> {
    match value.as_str()? {
        "none" => Some(false),
        "exempt" => Some(true),
        _ => None,
    }
}

/// What was another value before, as far as both are scalars.
fn change(story: &mut Story) -> Fields {
    let scalar =
        |value: &Value| !value.is_null() && !value.is_object() && !value.is_array() && *value != json!("");
    let mut names: Vec<String> = story.previous.keys().cloned().collect();
    names.sort_unstable();
    let mut changed = Vec::new();
    for name in names {
        let now = story.object.get(&name).filter(|now| scalar(now)).cloned();
        let before = story.previous.get(&name);
        let known = before.is_some_and(scalar) || before.is_some_and(Value::is_null) && now.is_some();
        if !known {
            continue;
        }
        let mut field = Fields::new();
        field.insert("name".into(), name.as_str().into());
        field.leave("old", story.previous.shift_remove(&name));
        field.leave("new", now);
        changed.push(Value::Object(field));
    }
    let mut change = Fields::new();
    change.leave("fields", changed);
    change
}

/// A card, a bank account, a tax number: something of the account that changed.
pub fn changed(story: &mut Story) -> Option<Told> {
    let (what, done) = story.kind.rsplit_once('.')?;
    let is_known =
        matches!(what, "customer.source" | "customer.tax_id" | "customer.discount" | "payment_method")
            && matches!(
                done,
                "created" | "updated" | "deleted" | "attached" | "detached" | "automatically_updated"
            );
    let (what, done) = (what.to_owned(), done.to_owned());
    let customer = id(&story.object, "customer").or_else(|| id(&story.previous, "customer"));
    let customer = customer.filter(|_| is_known)?;
    for side in [&mut story.object, &mut story.previous] {
        if side.get("customer").and_then(Value::as_str) == Some(&customer) {
            side.shift_remove("customer");
        }
    }
    let mut person = Person::default();
    person.record(&customer);
    let from = &mut story.object;
    if what == "payment_method" {
        // The payer's name and address are the card's, so they are not told of the customer.
        let mut billing = from.object("billing_details").unwrap_or_default();
        person.email(billing.text("email"));
        person.phone(billing.text("phone"));
        from.leave("billing_details", billing);
    }
    if what == "customer.tax_id" && story.kind != "customer.tax_id.deleted" {
        person.traits.extend(from.texts(&[("value", "vat_number")]));
    }
    let side = if matches!(done.as_str(), "deleted" | "detached") { "old" } else { "new" };
    let mut changed = part(what.rsplit('.').next().unwrap_or(&what), from, side);
    if let Some(mut card) = from.object("card") {
        changed.extend(part("card", &mut card, side));
        from.leave("card", card);
    }
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.leave("contact_change", json!({"record_id": customer, "fields": changed}));
    Told::new("crm.contact.updated", format!("customer/{customer}"), data)
}

/// What is a part of the customer's account, as fields of it: each plain one, with the part's name before it.
fn part(name: &str, of: &mut Fields, side: &str) -> Vec<Value> {
    let is_plain = |(field, value): &(&String, &Value)| {
        !matches!(field.as_str(), "object" | "livemode")
            && (value.is_boolean() || fields::text(value).is_some())
    };
    let mut plain: Vec<String> = of.iter().filter(is_plain).map(|(field, _)| field.clone()).collect();
    // An object's fields have no order, a list has.
    plain.sort_unstable();
    let told = |field: String| {
        let value = of.shift_remove(&field);
        json!({"name": format!("{name}.{field}"), side: value})
    };
    plain.into_iter().map(told).collect()
}

/// <https://docs.stripe.com/api/discounts/object>
pub fn discounted(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    let person = Person::of(from);
    let mut found = Fields::new();
    if let Some(mut coupon) = from.object("coupon") {
        found = coupon.texts(&[("id", "id"), ("name", "name")]);
        let currency = Currency::of(&mut coupon);
        if let Some(percent) = coupon.decimal("percent_off") {
            found.insert("kind".into(), "percentage".into());
            found.insert("value".into(), percent.into());
        } else if let Some(off) = sum(&mut coupon, "amount_off", currency.as_ref()) {
            found.insert("kind".into(), "fixed_amount".into());
            found.insert("value".into(), off["amount"].clone());
            found.insert("discount".into(), off);
        }
        found.leave("expires_at", when(&mut coupon, "redeem_by"));
        from.leave("coupon", coupon);
    } else if let Some(mut source) = from.object("source") {
        // Since API version 2025-09-30 the coupon is named only.
        found.leave("id", take_id(&mut source, "coupon"));
        from.leave("source", source);
    }
    let coupon = found.get("id").and_then(fields::text)?;
    found.leave("order_id", take_id(from, "invoice"));
    found.leave("cart_id", take_id(from, "checkout_session"));
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.leave("coupon", found);
    Told::new("commerce.coupon.applied", format!("coupon/{coupon}"), data)
}

/// Who has proved who they are: <https://docs.stripe.com/api/identity/verification_sessions/object>.
pub fn verified(story: &mut Story) -> Option<Told> {
    let session = id(&story.object, "id")?;
    let from = &mut story.object;
    let mut person = Person::default();
    if let Some(customer) = take_id(from, "related_customer") {
        person.identify("stripe:customer", &customer, Some("verified"));
    }
    if let Some(mut given) = from.object("provided_details") {
        person.email(given.text("email"));
        person.phone(given.text("phone"));
        from.leave("provided_details", given);
    }
    if person.is_unknown() {
        return None;
    }
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    Told::new("identity.user.identified", format!("verification/{session}"), data)
}
