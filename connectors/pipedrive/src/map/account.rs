//! Companies, which Pipedrive calls organizations: <https://developers.pipedrive.com/docs/api/v1/Organizations>.

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};
use snodo_connector::locale;

use super::{Told, person};
use crate::hook::{Action, Hook, reference, utc};

pub fn told(hook: &mut Hook) -> Option<Told> {
    let kind = if hook.action == Action::Create { "crm.account.created" } else { "crm.account.updated" };
    let mut change = hook.change();
    let absorbed = hook.absorbed();
    if let Some(absorbed) = absorbed {
        change.leave("kept_id", hook.id.clone());
        change.leave("merged_ids", vec![absorbed]);
    }
    let record = &mut hook.record;
    record.shift_remove("id");
    let mut account = Fields::from_iter([("id".to_owned(), hook.id.clone().into())]);
    account.extend(record.texts(&[("name", "name"), ("website", "website"), ("industry", "industry")]));
    account.leave("employees", record.take("employee_count", Value::as_u64));
    let mut address = person::address(record, "address");
    if let Some(code) = record.take("country_code", |value| locale::country(value.as_str()?)) {
        let address = address.get_or_insert_with(|| json!({}));
        address["country_code"] = code.into();
    }
    account.leave("addresses", address.map(|address| vec![address]));
    account.leave("owner", owner(record, "owner_id"));
    account.leave("created_at", record.take("add_time", utc));
    account.leave("updated_at", record.take("update_time", utc));
    let mut data = Fields::new();
    data.leave("account", account);
    data.leave("contact_change", change);
    Some(Told { kind, subject: format!("account/{}", hook.id), data })
}

/// The company that a person, a deal or an activity belongs to.
pub fn named(hook: &mut Hook) -> Option<Value> {
    let record = &mut hook.record;
    let (id, named) = reference(record, "org_id")?;
    let within = record.get_mut("organization").and_then(Value::as_object_mut);
    let within = within.and_then(|company| company.text("name"));
    let mut account = Fields::from_iter([("id".to_owned(), id.into())]);
    account.leave("name", record.text("org_name").or(named).or(within));
    Some(account.into())
}

/// The employee who looks after it.
pub fn owner(record: &mut Fields, name: &str) -> Option<Value> {
    let (id, named) = reference(record, name)?;
    let mut owner = Fields::from_iter([("id".to_owned(), id.into())]);
    owner.leave("name", record.text("owner_name").or(named));
    Some(owner.into())
}
