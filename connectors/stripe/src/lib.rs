//! Stripe's webhooks as canonical events. It asks Stripe for nothing and sends it nothing.
//! Shapes as in <https://docs.stripe.com/api/events> and <https://docs.stripe.com/api/events/types>.

mod map;

use serde_json::Value;
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Context, Draft, Fault, Message, Source, time};

pub struct Stripe;

impl Source for Stripe {
    fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let mut body: Value = message.json()?;
        let Some(event) = body.as_object_mut() else { return Ok(vec![Draft::unknown(None, &body)]) };
        forget(event);
        let text = |name: &str| event.get(name).and_then(fields::text);
        let (key, topic) = (text("id"), text("type"));
        let time = event.get("created").and_then(moment);
        let attributes = attributes(event);
        let mut draft = match map::tell(event.clone()) {
            Some(told) => Draft { subject: told.subject, ..Draft::new(told.kind, &told.data) },
            None => Draft::unknown(topic.as_deref(), &body),
        };
        (draft.key, draft.time, draft.attributes) = (key, time, attributes);
        Ok(vec![draft])
    }
}

/// Events say it in seconds, those of version 2 as RFC 3339.
fn moment(value: &Value) -> Option<String> {
    fields::moment(value).or_else(|| time::from_epoch_seconds(value.as_i64()?))
}

/// What the event says of how it came about. All events of one request have the same request id.
fn attributes(event: &Fields) -> Vec<(String, String)> {
    let text = |name: &str| event.get(name).and_then(fields::text);
    // Until 2017 the request was its id alone.
    let request = event.get("request").and_then(|request| fields::text(request.get("id").unwrap_or(request)));
    let found = [
        ("correlationid", request),
        ("stripeaccount", text("account")),
        ("stripeapiversion", text("api_version")),
        ("stripetype", text("type")),
    ];
    found.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// With it whoever reads the event could finish the payment. Stripe wants it stored nowhere:
/// <https://docs.stripe.com/api/payment_intents/object#payment_intent_object-client_secret>.
fn forget(event: &mut Fields) {
    let Some(mut data) = event.object("data") else { return };
    if let Some(object) = data.get_mut("object").and_then(Value::as_object_mut) {
        object.shift_remove("client_secret");
    }
    event.insert("data".into(), data.into());
}

snodo_connector::export!(Stripe: source);
