//! A message from an event: <https://docs.slack.dev/reference/methods/chat.postMessage/>.

mod summary;

use serde_json::{Value, json};
use snodo_connector::{Delivery, Fault, Request};

use crate::config::Config;

/// Slack advises no more, and cuts off what is far longer.
const CHARACTERS_MAX: usize = 4000;

pub fn request(config: &Config, delivery: &Delivery) -> Result<Request, Fault> {
    let event = &delivery.event;
    let channel = config
        .channel(&event.kind)
        .ok_or_else(|| Fault::misconfigured("set the channel's channel: where in Slack the messages go"))?;
    let data: Value = event.data()?;
    let text = match config.text(&event.kind) {
        Some(text) => written(text, &data),
        None => summary::of(event, &data),
    };
    let body = json!({"channel": channel, "text": cut(&text), "unfurl_links": false, "unfurl_media": false});
    let request = Request::json("POST", config.url(), &body);
    // Slack warns about a missing charset.
    let headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
    Ok(Request { headers, ..request })
}

/// Fills `{/order/number}` and `{/customer/traits/name|somebody}`; without an alternative, what is not there is a dash.
fn written(text: &str, data: &Value) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{/") {
        let Some((place, left)) = after.split_once('}') else { break };
        out.push_str(before);
        let (at, otherwise) = place.split_once('|').unwrap_or((place, "–"));
        let found = data.pointer(&format!("/{at}")).and_then(shown);
        match found {
            Some(found) => out.push_str(&escaped(&found)),
            None => out.push_str(otherwise),
        }
        rest = left;
    }
    out.push_str(rest);
    out
}

/// A value as people read it: a sum with its currency, a list with commas.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(shown).collect();
            (!items.is_empty()).then(|| items.join(", "))
        }
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            text("amount").zip(text("currency")).map(|(amount, currency)| format!("{amount} {currency}"))
        }
        Value::Null => None,
    }
}

/// These three characters, and no others: <https://docs.slack.dev/messaging/formatting-message-text#escaping>. So nothing that a
/// customer wrote becomes a link or calls the whole channel.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS_MAX) {
        None => text.to_owned(),
        Some(_) => text.chars().take(CHARACTERS_MAX - 1).chain(['…']).collect(),
    }
}
