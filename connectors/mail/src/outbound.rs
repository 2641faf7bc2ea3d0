//! An event as a mail, by the template of its type. The hub composes and sends it.

use serde_json::{Map, Value, json};
use snodo_connector::canonical::{self, Customer};
use snodo_connector::{Delivery, Fault, Outcome, Request, contact, name};

use crate::config::{Config, Template};
use crate::template::{Form, fill};

/// The request that makes the hub send it; else what becomes of the delivery without it.
pub fn mail(config: &Config, delivery: &Delivery) -> Result<Request, Outcome> {
    let event = &delivery.event;
    let Some(template) = config.template(&event.kind) else {
        return Err(Outcome::ignored(format!("no template says what mail {} becomes", event.kind)));
    };
    let data: Value = event.data()?;
    let to = match template.to.is_empty() {
        true => vec![
            customer(&data)?.ok_or_else(|| Outcome::ignored("the event knows no address of the customer"))?,
        ],
        false => fixed(&template.to)?,
    };
    let (cc, bcc, reply_to) = (fixed(&template.cc)?, fixed(&template.bcc)?, fixed(&template.reply_to)?);
    let fill = |text: &str, form: Form| {
        fill(text, &data, form).map_err(|place| {
            let fault = Fault::permanent_at(place, "the template wants what the event does not hold there");
            Outcome::Failed(fault)
        })
    };

    let mut body = Map::new();
    body.insert("to".into(), to.iter().map(Party::shown).collect());
    for (name, parties) in [("cc", &cc), ("bcc", &bcc), ("reply_to", &reply_to)] {
        if !parties.is_empty() {
            body.insert(name.into(), parties.iter().map(Party::shown).collect());
        }
    }
    body.insert("subject".into(), fill(&template.subject, Form::Line)?.into());
    for (name, text, form) in [("text", &template.text, Form::Text), ("html", &template.html, Form::Html)] {
        if let Some(text) = text {
            body.insert(name.into(), fill(text, form)?.into());
        }
    }
    body.insert("headers".into(), headers(delivery, template, config, &fill)?.into());

    let recipients: Vec<&str> =
        to.iter().chain(&cc).chain(&bcc).map(|party| party.address.as_str()).collect();
    Ok(Request::json("SEND", format!("mailto:{}", recipients.join(",")), &body))
}

fn headers(
    delivery: &Delivery,
    template: &Template,
    config: &Config,
    fill: &impl Fn(&str, Form) -> Result<String, Outcome>,
) -> Result<Map<String, Value>, Outcome> {
    // RFC 3834: no machine should answer, and none of its answers come back as a customer's.
    let mut headers = Map::from_iter([("Auto-Submitted".to_owned(), Value::from("auto-generated"))]);
    // The same for every attempt: whoever finds two of these has one mail too many.
    headers.insert("X-Snodo-Delivery".into(), delivery.idempotency_key.as_str().into());
    if let Some(ways) = config.list_unsubscribe.as_ref().filter(|_| template.marketing) {
        let mut listed = Vec::new();
        if let Some(mailbox) = &ways.mailto {
            listed.push(format!("<mailto:{mailbox}?subject=unsubscribe>"));
        }
        if let Some(url) = &ways.url {
            listed.push(format!("<{}>", fill(url, Form::Url)?));
        }
        headers.insert("List-Unsubscribe".into(), listed.join(", ").into());
        if ways.one_click && ways.url.is_some() {
            headers.insert("List-Unsubscribe-Post".into(), "List-Unsubscribe=One-Click".into());
        }
    }
    Ok(headers)
}

struct Party {
    name: Option<String>,
    address: String,
}

impl Party {
    fn shown(&self) -> Value {
        match &self.name {
            Some(name) => json!({"name": name, "address": self.address}),
            None => json!({"address": self.address}),
        }
    }
}

fn customer(data: &Value) -> Result<Option<Party>, Fault> {
    let customer: Customer = canonical::part(data.get("customer"), "/customer")?;
    let traits = &customer.traits;
    let of_order = data.pointer("/order/email").and_then(Value::as_str);
    let said = [customer.current("email").next(), traits.email.as_deref(), of_order];
    let Some(address) = said.into_iter().flatten().find_map(address) else { return Ok(None) };
    let parts =
        |parts: [&Option<String>; 2]| name::join(parts.map(|part| part.as_deref().unwrap_or_default()));
    let whole = match traits.name.as_deref() {
        None | Some("") => parts([&traits.given_name, &traits.family_name]),
        Some(whole) => name::join([whole]),
    };
    Ok(Some(Party { name: whole.map(|name| name.replace(char::is_control, " ")), address }))
}

fn fixed(addresses: &[String]) -> Result<Vec<Party>, Outcome> {
    let party = |text: &String| match address(text) {
        Some(address) => Ok(Party { name: None, address }),
        None => Err(Outcome::Failed(Fault::misconfigured("a template names an address that is none"))),
    };
    addresses.iter().map(party).collect()
}

/// An address that means nothing else in a `mailto:` (RFC 6068), and names no secret.
fn address(text: &str) -> Option<String> {
    let plain = |letter: char| letter.is_alphanumeric() || "!$'*+-/=^_`|~.@".contains(letter);
    contact::email(text).filter(|address| address.chars().all(plain))
}
