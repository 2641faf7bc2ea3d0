//! Companies that buy, and the customers who buy for them (Shopify's B2B).

use super::customer::{Person, about};
use super::{Hook, Told, drop_gid, id, touchpoint};
use crate::tree::{Object, is_time};

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
    let mut person = Person::default();
    let customer = id(&mut body, "customer_admin_graphql_api_id")?;
    person.shopify(hook, &customer);
    person.describe("job_title", body.text("title"));
    person.describe("locale", body.text("locale"));
    let mut account_found = None;
    if let Some(company) = body.object("company") {
        person.describe("company", company.peek("name"));
        account_found = account(company).map(|(account, _)| account);
    }
    let mut data = about(person)?;
    data.put("touchpoint", touchpoint::backoffice());
    data.put("account", account_found);
    data.put("vendor", body);
    Some(Told { kind: "crm.contact.updated", subject: Some(format!("customer/{customer}")), time, data })
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
