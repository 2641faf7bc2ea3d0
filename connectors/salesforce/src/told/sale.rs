//! Opportunities: <https://developer.salesforce.com/docs/platform/object-reference/guide/sforce-api-objects-opportunity.html>.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::time;

use super::{Record, Told, person};

/// As it is now. `stage_entered_at` says when it last moved.
pub fn opportunity(record: &mut Record<'_>) -> Option<Told> {
    let stage = record.fields.text("StageName")?;
    let mut sale =
        Fields::from_iter([("id".to_owned(), record.id.clone().into()), ("stage".to_owned(), stage.into())]);
    sale.extend(record.fields.texts(&[
        ("Name", "name"),
        ("LeadSource", "source"),
        ("NextStep", "next_step"),
    ]));
    let truth = Value::as_bool;
    let (closed, won) = (record.fields.take("IsClosed", truth), record.fields.take("IsWon", truth));
    let status = match (closed, won) {
        (Some(false), _) => Some("open"),
        (_, Some(true)) => Some("won"),
        (Some(true), Some(false)) => Some("lost"),
        _ => None,
    };
    sale.leave("status", status);
    sale.leave("amount", record.money("Amount"));
    let share = |value: &Value| value.as_f64().filter(|percent| (0.0..=100.0).contains(percent));
    sale.leave("probability", record.fields.take("Probability", share).map(|percent| percent / 100.0));
    sale.leave("expected_close_on", record.fields.take("CloseDate", |value| time::day(value.as_str()?)));
    sale.leave("stage_entered_at", record.fields.take("LastStageChangeDate", fields::moment));
    sale.leave("created_at", record.fields.take("CreatedDate", fields::moment));
    sale.leave("updated_at", record.fields.take("LastModifiedDate", fields::moment));
    sale.leave("owner", record.owner());
    let mut data = Fields::new();
    if let Some(id) = record.fields.text("ContactId") {
        let known = person::by_id(record, &id);
        data.leave("customer", known.map(|known| json!({"identifiers": [known]})));
        sale.leave("contact_ids", vec![id]);
    }
    let account = record.account();
    sale.leave("account_id", account.as_ref().map(|account| account["id"].clone()));
    data.leave("opportunity", sale);
    data.leave("account", account);
    Some(Told {
        kind: "crm.opportunity.stage_changed",
        subject: record.subject("opportunity"),
        time: None,
        data,
    })
}
