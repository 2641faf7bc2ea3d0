//! Deals and leads: <https://developers.pipedrive.com/docs/api/v1/Deals>, <https://developers.pipedrive.com/docs/api/v1/Leads>.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::money::Money;
use snodo_connector::time;

use super::{Told, account, person};
use crate::hook::{Hook, utc};

/// A deal as it is now. It is in a stage from the first; `previous_stage` says that it has moved.
pub fn moved(hook: &mut Hook) -> Option<Told> {
    let stage = hook.record.text("stage_id")?;
    let mut deal =
        Fields::from_iter([("id".to_owned(), hook.id.clone().into()), ("stage".to_owned(), stage.into())]);
    hook.record.shift_remove("id");
    deal.leave("previous_stage", hook.previous.text("stage_id"));
    let contact = hook.record.get("person_id").and_then(fields::text);
    deal.leave("contact_ids", contact.map(|id| vec![id]));
    let customer = person::of(hook);
    let account = account::named(hook);
    deal.leave("account_id", account.as_ref().map(|account| account["id"].clone()));
    let record = &mut hook.record;
    deal.extend(record.texts(&[
        ("title", "name"),
        ("pipeline_id", "pipeline"),
        ("lost_reason", "loss_reason"),
        ("origin", "source"),
        ("next_activity_subject", "next_step"),
    ]));
    let status = |value: &Value| match value.as_str()? {
        status @ ("open" | "won" | "lost") => Some(status.to_owned()),
        _ => None,
    };
    deal.leave("status", record.take("status", status));
    deal.leave("amount", amount(record));
    let share = |value: &Value| value.as_f64().filter(|percent| (0.0..=100.0).contains(percent));
    deal.leave("probability", record.take("probability", share).map(|percent| percent / 100.0));
    let day = |value: &Value| time::day(value.as_str()?);
    deal.leave("expected_close_on", record.take("expected_close_date", day));
    let closed = ["close_time", "won_time", "lost_time"];
    deal.leave("closed_at", closed.iter().find_map(|name| record.take(name, utc)));
    let owner = account::owner(record, "owner_id").or_else(|| account::owner(record, "user_id"));
    deal.leave("owner", owner);
    deal.leave("created_at", record.take("add_time", utc));
    deal.leave("updated_at", record.take("update_time", utc));
    deal.leave("stage_entered_at", record.take("stage_change_time", utc));
    let mut data = Fields::new();
    data.leave("customer", customer);
    data.leave("opportunity", deal);
    data.leave("account", account);
    Some(Told { kind: "crm.opportunity.stage_changed", subject: format!("deal/{}", hook.id), data })
}

/// `value` in `currency`, side by side.
fn amount(record: &mut Fields) -> Option<Value> {
    let currency = record.get("currency").and_then(fields::text)?;
    let money = record.take("value", |value| Money::new(&fields::decimal(value)?, &currency))?;
    record.shift_remove("currency");
    Some(json!(money))
}

pub fn lead(hook: &mut Hook) -> Option<Told> {
    let customer = person::of(hook);
    let record = &mut hook.record;
    record.shift_remove("id");
    let mut lead = Fields::from_iter([("id".to_owned(), hook.id.clone().into())]);
    lead.extend(record.texts(&[("source_name", "source")]));
    lead.leave("owner", account::owner(record, "owner_id"));
    lead.leave("created_at", record.take("add_time", utc));
    let value = |value: &Value| Money::new(&fields::decimal(&value["amount"])?, value["currency"].as_str()?);
    lead.leave("value", record.take("value", value).map(|money| json!(money)));
    let mut data = Fields::new();
    data.leave("customer", customer);
    data.leave("lead", lead);
    Some(Told { kind: "crm.lead.created", subject: format!("lead/{}", hook.id), data })
}
