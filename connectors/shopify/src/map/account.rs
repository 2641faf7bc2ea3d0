//! Companies that buy, and the customers who buy for them (Shopify's B2B).

use super::address::address;
use super::customer::{Person, about};
use super::{Hook, Told, drop_gid, id, touchpoint};
use crate::tree::{Node, Object, is_time};

pub fn told<'a>(kind: &'static str, mut body: Object<'a>) -> Option<Told<'a>> {
    let of = if kind == "crm.account.created" { "created_at" } else { "updated_at" };
    let time = body.peek(of).filter(|time| is_time(time));
    let (account, id) = account(&mut body)?;
    let mut data = Object::new();
    data.put("touchpoint", touchpoint::backoffice());
    data.put("account", account);
    data.put("vendor", body);
    Some(Told { kind, subject: Some(format!("account/{id}")), time, data })
}

/// A customer who buys for a company.
pub fn contact<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let of = if hook.topic.ends_with("/create") { "created_at" } else { "updated_at" };
    let time = body.peek(of).filter(|time| is_time(time));
    let (mut data, company, customer) = buyer(hook, &mut body)?;
    data.put("account", company);
    data.put("vendor", body);
    Some(Told { kind: "crm.contact.updated", subject: Some(format!("customer/{customer}")), time, data })
}

/// What such a customer may do at one of the company's locations.
pub fn role<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let (mut data, mut company, customer) = buyer(hook, body.object("company_contact")?)?;
    if let (Some(company), Some(from)) = (&mut company, body.object("company_location")) {
        // It is of the same company.
        _ = from.object("company").and_then(account);
        place(company, from);
    }
    data.put("account", company);
    let mut field = Object::new();
    field.put("name", "role");
    let side = if hook.topic.ends_with("/revoke") { "old" } else { "new" };
    field.put(side, body.object("company_contact_role").and_then(|role| role.text("name")));
    let mut change = Object::new();
    change.put("fields", vec![Node::from(field)]);
    data.put("contact_change", change);
    data.put("vendor", body);
    let subject = Some(format!("customer/{customer}"));
    Some(Told { kind: "crm.contact.updated", subject, time: None, data })
}

/// A location of a company: where it is, is where the company is.
pub fn location<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let of = if hook.topic.ends_with("/create") { "created_at" } else { "updated_at" };
    let time = body.peek(of).filter(|time| is_time(time));
    let (mut account, id) = account(body.object("company")?)?;
    place(&mut account, &mut body);
    let mut data = Object::new();
    data.put("touchpoint", touchpoint::backoffice());
    data.put("account", account);
    data.put("vendor", body);
    Some(Told { kind: "crm.account.updated", subject: Some(format!("account/{id}")), time, data })
}

/// What a location says of its company.
fn place<'a>(account: &mut Object<'a>, from: &mut Object<'a>) {
    account.put("phone", from.text("phone"));
    account.put("vat_number", from.object("tax_registration").and_then(|tax| tax.text("tax_id")));
    let mut addresses: Vec<Node> = Vec::new();
    for (name, kind) in [("billing_address", "billing"), ("shipping_address", "shipping")] {
        let Some(from) = from.object(name) else { continue };
        let mut found = address(from, None);
        for (ours, theirs) in [("name", "recipient"), ("region_code", "zone_code")] {
            if !found.has(ours) {
                found.put(ours, from.text(theirs));
            }
        }
        found.put("kind", kind);
        addresses.push(found.into());
    }
    account.put("addresses", addresses);
}

/// An event of the customer, the company they buy for, and the customer's id.
fn buyer<'a>(hook: Hook<'a>, from: &mut Object<'a>) -> Option<(Object<'a>, Option<Object<'a>>, String)> {
    let mut person = Person::default();
    let customer = id(from, "customer_admin_graphql_api_id")?;
    person.shopify(hook, &customer);
    person.describe("job_title", from.text("title"));
    person.describe("locale", from.text("locale"));
    let mut account_found = None;
    if let Some(company) = from.object("company") {
        person.describe("company", company.peek("name"));
        account_found = account(company).map(|(account, _)| account);
    }
    let mut data = about(person)?;
    data.put("touchpoint", touchpoint::backoffice());
    Some((data, account_found, customer.into_owned()))
}

fn account<'a>(from: &mut Object<'a>) -> Option<(Object<'a>, String)> {
    let mut account = Object::new();
    let id = id(from, "id").or_else(|| id(from, "admin_graphql_api_id"))?;
    drop_gid(from, "admin_graphql_api_id", &id);
    let copy = id.to_string();
    account.put("id", id);
    account.put("name", from.text("name"));
    account.put("description", from.text("note"));
    account.put("created_at", from.time("created_at"));
    account.put("updated_at", from.time("updated_at"));
    Some((account, copy))
}
