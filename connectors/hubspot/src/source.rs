//! What HubSpot tells by itself: an app's webhooks, a list of events in one message, and what a workflow sends, a record as it is.
//! Shapes as in <https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide>.

mod happened;
mod person;
mod record;
mod snapshot;

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};
use snodo_connector::{Context, Draft, Fault, Message, Source, time};

use crate::Hubspot;
use crate::config::Config;

impl Source for Hubspot {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let body: Value = message.json()?;
        Ok(match body {
            Value::Array(events) => events.iter().map(|event| happened::draft(event, &config)).collect(),
            record if record.get("properties").is_some() => vec![snapshot::draft(&record, &config)],
            event => vec![happened::draft(&event, &config)],
        })
    }
}

/// An event without what all of them have.
struct Told {
    kind: &'static str,
    /// `contact/7`.
    subject: String,
    data: Fields,
}

impl Told {
    fn new(kind: &'static str, object: &str, id: &str, data: Fields) -> Self {
        Self { kind, subject: format!("{object}/{id}"), data }
    }
}

/// HubSpot's ids are one's own within an account, which it calls a portal.
fn own(portal: Option<&str>, id: &str) -> Option<String> {
    Some(format!("{}/{id}", portal?))
}

fn contact(portal: Option<&str>, id: &str) -> Option<Value> {
    Some(json!({"namespace": "hubspot:contact", "value": own(portal, id)?, "kind": "person"}))
}

/// Who did it, where HubSpot names an employee: `userId:123`.
fn operator(source: Option<&str>) -> Option<Value> {
    let id = source?.strip_prefix("userId:").filter(|id| !id.is_empty())?;
    Some(json!({"id": id}))
}

fn touchpoint(operator: Option<Value>) -> Value {
    let mut touchpoint = Fields::from_iter([("channel".to_owned(), "crm".into())]);
    touchpoint.leave("operator", operator);
    touchpoint.into()
}

/// A property that holds a moment: milliseconds since 1970, or RFC 3339.
fn moment(value: &Value) -> Option<String> {
    let text = snodo_connector::fields::text(value)?;
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => time::from_epoch_millis(text),
        false => time::rfc3339(&text),
    }
}

/// Ids of HubSpot's own kinds of record:
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/understanding-the-crm#object-type-ids>.
fn object(type_id: &str) -> Option<&'static str> {
    Some(match type_id {
        "0-1" => "contact",
        "0-2" => "company",
        "0-3" => "deal",
        "0-5" => "ticket",
        "0-7" => "product",
        "0-8" => "line_item",
        "0-18" => "communication",
        "0-27" => "task",
        "0-46" => "note",
        "0-47" => "meeting",
        "0-48" => "call",
        "0-49" => "email",
        "0-116" => "postal_mail",
        "0-136" => "lead",
        _ => return None,
    })
}
