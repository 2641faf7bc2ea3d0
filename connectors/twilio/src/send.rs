//! A text message from an event: <https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource>.

use std::collections::BTreeMap;

use serde_json::Value;
use snodo_connector::canonical::{self, Customer};
use snodo_connector::{Delivery, Fault, Outcome, Request, url};

use crate::config::Config;

/// Twilio refuses what is longer (21617).
const CHARACTERS_MAX: usize = 1600;

pub fn request(config: &Config, delivery: &Delivery) -> Result<Request, Outcome> {
    let kind = &delivery.event.kind;
    let texts =
        config.texts(kind).ok_or_else(|| Outcome::ignored(format!("the channel has no text for {kind}")))?;
    let missing = |what| Outcome::Failed(Fault::misconfigured(what));
    let target = config.url().ok_or_else(|| missing("set the channel's account_sid"))?;
    let sender = match (&config.messaging_service_sid, &config.from) {
        (Some(service), _) => ("MessagingServiceSid", service.as_str()),
        (None, Some(number)) => ("From", number.as_str()),
        (None, None) => return Err(missing("set the channel's from, or its messaging_service_sid")),
    };
    let data: Value = delivery.event.data()?;
    let customer: Customer = canonical::part(data.get("customer"), "/customer")?;
    let to = customer
        .phone()
        .ok_or_else(|| Outcome::ignored("the customer has no telephone number with its country code"))?;
    let body = written(text(texts, &data), &data)?;
    if body.chars().count() > CHARACTERS_MAX {
        return Err(Outcome::Failed(Fault::permanent(
            "the text is longer than the 1600 letters that Twilio takes",
        )));
    }
    let mut pairs = vec![("To", to.as_str()), sender, ("Body", body.as_str())];
    pairs.extend(config.status_callback.as_deref().map(|callback| ("StatusCallback", callback)));
    Ok(Request {
        method: "POST".into(),
        target,
        headers: vec![("content-type".into(), "application/x-www-form-urlencoded".into())],
        body: url::form(pairs).into_bytes(),
    })
}

/// In the customer's language if there is one, else the default.
fn text<'a>(texts: &'a BTreeMap<String, String>, data: &Value) -> &'a str {
    let spoken = ["locale", "language"].into_iter();
    let spoken = spoken.filter_map(|name| data["customer"]["traits"][name].as_str());
    let found = spoken.flat_map(|tag| {
        let tag = tag.replace('_', "-").to_ascii_lowercase();
        let base = tag.split('-').next().unwrap_or_default();
        [texts.get(&tag), texts.get(base)]
    });
    found.flatten().next().or_else(|| texts.get("default")).map_or("", String::as_str)
}

/// Fills `{/order/number}` and `{/customer/traits/given_name|customer}`. Braces that hold no pointer stand as they are.
fn written(text: &str, data: &Value) -> Result<String, Fault> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{/") {
        let Some((place, left)) = after.split_once('}') else { break };
        out.push_str(before);
        let (at, otherwise) = place.split_once('|').map_or((place, None), |(at, other)| (at, Some(other)));
        let at = format!("/{at}");
        let found = data.pointer(&at).and_then(value).or_else(|| otherwise.map(str::to_owned));
        let found = found.ok_or_else(|| {
            Fault::permanent_at(
                &at,
                "the event says nothing there for the text: give the place an alternative after |",
            )
        })?;
        out.push_str(&found);
        rest = left;
    }
    out.push_str(rest);
    Ok(out)
}

/// Text, numbers, yes and no as they are; a sum of money with its currency.
fn value(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Object(money) => {
            Some(format!("{} {}", money.get("amount")?.as_str()?, money.get("currency")?.as_str()?))
        }
        _ => None,
    }
}
