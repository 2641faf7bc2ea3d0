//! A template message from an event: <https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/template-messages>.

use serde_json::{Value, json};
use snodo_connector::canonical::{self, Customer};
use snodo_connector::{Delivery, Fault, Outcome, Request, text};

use crate::config::{ButtonKind, Config, HeaderKind, Template};

/// What Meta lets a template's text hold at most.
const TEXT_BYTES_MAX: usize = 1024;

pub fn request(config: &Config, delivery: &Delivery) -> Result<Request, Outcome> {
    let kind = &delivery.event.kind;
    let template = config
        .template(kind)
        .ok_or_else(|| Outcome::ignored(format!("the channel has no template for {kind}")))?;
    let number = config
        .phone_number_id
        .as_deref()
        .ok_or_else(|| Outcome::Failed(Fault::misconfigured("set the channel's phone_number_id")))?;
    let data: Value = delivery.event.data()?;
    let customer = canonical::part(data.get("customer"), "/customer")?;
    let recipient = Recipient::of(&customer).ok_or_else(|| {
        Outcome::ignored(
            "the customer has neither a telephone number with its country code nor a WhatsApp id",
        )
    })?;
    let components = components(template, &data)?;
    let mut message = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "type": "template",
        "template": {"name": template.name, "language": {"code": language(template, &data)}},
        // Comes back with the message's statuses.
        "biz_opaque_callback_data": delivery.event.id,
    });
    match recipient {
        Recipient::Phone(number) => message["to"] = number.into(),
        Recipient::User(id) => message["recipient"] = id.into(),
    }
    if !components.is_empty() {
        message["template"]["components"] = components.into();
    }
    Ok(Request::json("POST", config.url(number), &message))
}

/// A number wins: Meta then keeps telling it in webhooks. The other is Meta's business-scoped id of a user.
enum Recipient {
    Phone(String),
    User(String),
}

impl Recipient {
    fn of(customer: &Customer) -> Option<Self> {
        let user = || customer.current("whatsapp:user").next().map(str::to_owned);
        customer.phone().map(Self::Phone).or_else(|| user().map(Self::User))
    }
}

/// The template's language that the customer speaks: `it-IT` takes `it_IT`, else `it`, else the first `it_…`.
fn language<'a>(template: &'a Template, data: &Value) -> &'a str {
    let spoken =
        ["locale", "language"].into_iter().filter_map(|name| data["customer"]["traits"][name].as_str());
    let found = spoken.filter_map(|tag| {
        let tag = tag.replace('-', "_").to_ascii_lowercase();
        let base = tag.split('_').next().unwrap_or_default();
        let is = |code: &&String, tag: &str| code.eq_ignore_ascii_case(tag);
        let of_base =
            |code: &&String| code.split('_').next().is_some_and(|one| one.eq_ignore_ascii_case(base));
        let languages = || template.languages.iter();
        languages()
            .find(|code| is(code, &tag))
            .or_else(|| languages().find(|code| is(code, base)))
            .or_else(|| languages().find(of_base))
    });
    found
        .map(String::as_str)
        .next()
        .unwrap_or_else(|| template.languages.first().map_or("en_US", String::as_str))
}

fn components(template: &Template, data: &Value) -> Result<Vec<Value>, Fault> {
    let mut components = Vec::new();
    if let Some(header) = &template.header {
        let filled = filled(data, &header.at, header.otherwise.as_deref())?;
        let parameter = match header.kind {
            HeaderKind::Text => json!({"type": "text", "text": filled}),
            HeaderKind::Image => json!({"type": "image", "image": {"link": filled}}),
            HeaderKind::Video => json!({"type": "video", "video": {"link": filled}}),
            HeaderKind::Document => json!({"type": "document", "document": {"link": filled}}),
        };
        components.push(json!({"type": "header", "parameters": [parameter]}));
    }
    let mut parameters = Vec::with_capacity(template.body.len());
    for place in &template.body {
        let mut parameter =
            json!({"type": "text", "text": filled(data, &place.at, place.otherwise.as_deref())?});
        if let Some(name) = &place.name {
            parameter["parameter_name"] = name.as_str().into();
        }
        parameters.push(parameter);
    }
    if !parameters.is_empty() {
        components.push(json!({"type": "body", "parameters": parameters}));
    }
    for button in &template.buttons {
        let filled = filled(data, &button.at, button.otherwise.as_deref())?;
        let (sub_type, parameter) = match button.kind {
            ButtonKind::Url => ("url", json!({"type": "text", "text": filled})),
            ButtonKind::QuickReply => ("quick_reply", json!({"type": "payload", "payload": filled})),
        };
        let index = button.index.to_string();
        components
            .push(json!({"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]}));
    }
    Ok(components)
}

/// A template's text takes no line breaks, no tabs and no four blanks in a row.
fn filled(data: &Value, at: &str, otherwise: Option<&str>) -> Result<String, Fault> {
    let found = data.pointer(at).and_then(written).filter(|found| !found.trim().is_empty());
    let found = found.or_else(|| otherwise.map(str::to_owned)).ok_or_else(|| {
        Fault::permanent_at(at, "the event has no text there for the template: give the place an else")
    })?;
    let line = found.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(text::truncate(&line, TEXT_BYTES_MAX).to_owned())
}

/// Text, numbers, yes and no as they are; a sum of money with its currency.
fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Object(money) => {
            Some(format!("{} {}", money.get("amount")?.as_str()?, money.get("currency")?.as_str()?))
        }
        _ => None,
    }
}
