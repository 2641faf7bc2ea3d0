//! An event for the Conversions API:
//! <https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/server-event>.

mod app;
mod bought;
mod person;

use serde::Serialize;
use serde_json::{Map, Value, json};
use snodo_connector::canonical::{self, Consent, Purpose};
use snodo_connector::{Delivery, Fault, Outcome, time};

use crate::config::{Config, PurchaseId};

const DAY_MS: i64 = 86_400_000;
/// "event_time can be up to 7 days before": one older event, and Meta refuses the whole request.
const AGE_MAX_MS: i64 = 7 * DAY_MS;
/// What was bought in a shop may be told for longer.
const AGE_IN_STORE_MAX_MS: i64 = 62 * DAY_MS;

#[derive(Serialize)]
pub struct Body<'a> {
    pub data: Vec<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_event_code: Option<&'a str>,
}

pub fn event(config: &Config, now_ms: u64, delivery: &Delivery) -> Result<Value, Outcome> {
    let kind = &delivery.event.kind;
    let name =
        config.event(kind).ok_or_else(|| Outcome::ignored(format!("the channel sends no {kind} to Meta")))?;
    let data: Value = delivery.event.data()?;
    allowed(config, &canonical::part(data.get("consent"), "/consent")?)?;
    let source = action_source(kind, &data);
    let at = time::epoch_millis(&delivery.event.time)
        .ok_or_else(|| Outcome::Failed(Fault::permanent("the event's time cannot be read")))?;
    let age = i64::try_from(now_ms).unwrap_or(i64::MAX).saturating_sub(at);
    if age > if source == "physical_store" { AGE_IN_STORE_MAX_MS } else { AGE_MAX_MS } {
        return Err(Outcome::Failed(Fault::permanent(
            "the event is too old for Meta: it takes those of a week",
        )));
    }
    let user = person::user_data(delivery, &data, at);
    if !person::can_be_found(&user) {
        return Err(Outcome::ignored("the event says nothing by which Meta could find the customer"));
    }
    let custom = bought::custom_data(config, kind, &data);
    if name == "Purchase" && !custom.contains_key("value") {
        let fault =
            Fault::permanent_at(bought::total_at(kind), "Meta takes no purchase without a sum and currency");
        return Err(Outcome::Failed(fault));
    }
    let id = match (name, config.purchase_event_id) {
        ("Purchase", PurchaseId::Order) => custom.get("order_id").and_then(Value::as_str),
        _ => None,
    };
    let mut event = json!({
        "event_name": name,
        "event_time": at.div_euclid(1_000),
        "event_id": id.unwrap_or(&delivery.idempotency_key),
        "action_source": source,
        "user_data": user,
    });
    match source {
        "website" => {
            let url = data["touchpoint"]["page"]["url"].as_str().or_else(|| data["page"]["url"].as_str());
            if let Some(url) = url {
                event["event_source_url"] = url.into();
            }
            if event["user_data"]["client_user_agent"].is_null() {
                let what = "Meta takes no event of a web site without the browser's user agent";
                return Err(Outcome::Failed(Fault::permanent_at("/touchpoint/user_agent", what)));
            }
        }
        "app" => {
            let app = app::app_data(&data["touchpoint"]).ok_or_else(|| {
                let what =
                    "Meta takes no event of an app without its system, iOS or Android, and the version";
                Outcome::Failed(Fault::permanent_at("/touchpoint/device/os", what))
            })?;
            event["app_data"] = app;
        }
        _ => {}
    }
    if !custom.is_empty() {
        event["custom_data"] = custom.into();
    }
    if sale_is_refused(&data["consent"]) {
        // Limited Data Use, in the state that Meta takes from the customer's address.
        event["data_processing_options"] = json!(["LDU"]);
        event["data_processing_options_country"] = 0.into();
        event["data_processing_options_state"] = 0.into();
    }
    Ok(event)
}

/// What the event itself says; what the customer said before, the hub has judged by the route's purpose.
fn allowed(config: &Config, consent: &Consent) -> Result<(), Outcome> {
    let refuses = |said: &Purpose| matches!(said.state.as_str(), "denied" | "withdrawn" | "pending");
    match config.purposes.iter().find(|purpose| consent.about(purpose).is_some_and(refuses)) {
        Some(purpose) => Err(Outcome::ignored(format!("the customer has not agreed to {purpose}"))),
        None => Ok(()),
    }
}

/// The third letter of IAB's US privacy string: whether the customer has opted out of the sale of their data.
fn sale_is_refused(consent: &Value) -> bool {
    consent["strings"]["us_privacy"].as_str().is_some_and(|text| text.as_bytes().get(2) == Some(&b'Y'))
}

/// Where it came about: <https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/server-event#action-source>.
fn action_source(kind: &str, data: &Value) -> &'static str {
    match data["touchpoint"]["channel"].as_str().unwrap_or_default() {
        "web" => "website",
        "mobile" => "app",
        "pos" | "kiosk" | "event_venue" => "physical_store",
        "contact_center.voice" => "phone_call",
        "contact_center.chat" | "contact_center.messaging" | "chatbot" | "sms" | "social" => "chat",
        "contact_center.email" | "email" => "email",
        "crm" | "commerce_backoffice" => "system_generated",
        "" if kind.starts_with("web.") => "website",
        "" if kind.starts_with("pos.") => "physical_store",
        _ => "other",
    }
}

/// An object from what there is.
fn filled(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Map<String, Value> {
    let filled = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    filled.collect()
}
