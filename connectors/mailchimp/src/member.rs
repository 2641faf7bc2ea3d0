//! An event as what is to be done to a member of the audience.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use snodo_connector::canonical::{Consent, Customer, Traits};
use snodo_connector::{Event, Outcome, contact};

use crate::config::{Config, New};

#[derive(Debug)]
pub struct Work {
    pub email: String,
    pub act: Act,
    pub tags: Vec<String>,
}

#[derive(Debug)]
pub enum Act {
    /// Added, or brought up to date.
    Keep(Map<String, Value>),
    /// Brought up to date if it is there.
    Change(Map<String, Value>),
    Archive,
    Erase,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    customer: Customer,
    consent: Consent,
    message: Message,
    order: Contact,
    contact_change: Change,
    privacy_request: Request,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    medium: Option<String>,
    to: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Contact {
    email: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Change {
    gdpr: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Request {
    kind: Option<String>,
}

/// What is to be done; else what becomes of the delivery without it.
pub fn work(event: &Event, config: &Config) -> Result<Work, Outcome> {
    let ignored = |why: &str| Err(Outcome::ignored(why));
    let body: Body = event.data()?;
    let Some(email) = body.email() else { return ignored("there is no e-mail address") };
    let decision = body.consent.about(&config.purpose);
    let state = decision.map_or("unknown", |purpose| purpose.state.as_str());
    let left = matches!(state, "denied" | "withdrawn");
    let act = match event.kind.as_str() {
        "crm.contact.deleted" if !body.contact_change.gdpr => Act::Archive,
        "crm.contact.deleted" => Act::Erase,
        "privacy.request.received" if body.privacy_request.kind.as_deref() == Some("erasure") => Act::Erase,
        "privacy.request.received" => return ignored("it asks for something else than erasure"),
        "message.unsubscribed" | "message.complained" | "message.bounced_hard"
            if !body.message.is_email() =>
        {
            return ignored("it was no e-mail");
        }
        "message.unsubscribed" | "message.complained" => Act::Change(status("unsubscribed")),
        "message.bounced_hard" => Act::Change(status("cleaned")),
        "consent.preference.updated" if state != "granted" && !left => {
            return ignored("the customer has decided nothing about the audience's purpose");
        }
        "crm.contact.created"
        | "crm.contact.updated"
        | "identity.user.identified"
        | "consent.preference.updated"
            if left =>
        {
            let mut fields = fields(&body.customer.traits, config);
            fields.append(&mut status("unsubscribed"));
            Act::Change(fields)
        }
        "crm.contact.created"
        | "crm.contact.updated"
        | "identity.user.identified"
        | "consent.preference.updated" => {
            let at = decision.filter(|_| state == "granted").and_then(|decision| decision.at.as_deref());
            keep(&email, fields(&body.customer.traits, config), Some((state, at)), config)
        }
        // A purchase says who somebody is, and takes no decision about mails back.
        "commerce.order.placed" | "pos.sale.completed" if left => {
            Act::Change(fields(&body.customer.traits, config))
        }
        "commerce.order.placed" | "pos.sale.completed" => {
            keep(&email, fields(&body.customer.traits, config), None, config)
        }
        kind => return ignored(&format!("{kind} has nothing to do with the members of an audience")),
    };
    let tags = match &act {
        Act::Keep(_) | Act::Change(_) if !event.kind.starts_with("message.") => {
            let own =
                body.customer.traits.tags.into_iter().filter(|tag| config.tags && !tag.trim().is_empty());
            own.chain(config.event_tags.get(&event.kind).cloned()).collect()
        }
        _ => Vec::new(),
    };
    match &act {
        Act::Change(fields) if fields.is_empty() && tags.is_empty() => {
            ignored("it says nothing that the audience keeps")
        }
        _ => Ok(Work { email, act, tags }),
    }
}

/// `decision` is the customer's, with when it was taken; without one a member that is there keeps its status.
fn keep(
    email: &str,
    mut fields: Map<String, Value>,
    decision: Option<(&str, Option<&str>)>,
    config: &Config,
) -> Act {
    let agreed = if config.double_opt_in { "pending" } else { "subscribed" };
    let status_if_new = match decision {
        Some(("granted", at)) => {
            fields.append(&mut status(agreed));
            if let Some(at) = at {
                fields.insert("timestamp_opt".into(), at.into());
            }
            agreed
        }
        _ => match config.status_without_consent {
            New::Transactional => "transactional",
            New::Pending => "pending",
            New::Subscribed => agreed,
            New::None => return Act::Change(fields),
        },
    };
    fields.insert("email_address".into(), email.into());
    fields.insert("status_if_new".into(), status_if_new.into());
    Act::Keep(fields)
}

fn status(word: &str) -> Map<String, Value> {
    Map::from_iter([("status".to_owned(), word.into())])
}

impl Body {
    /// The main address, or the first that is still the customer's.
    fn email(&self) -> Option<String> {
        let said = self.customer.current("email").next().or(self.customer.traits.email.as_deref());
        let said = said.or(self.order.email.as_deref()).or(self.message.to.first().map(String::as_str));
        contact::email(said?)
    }
}

impl Message {
    fn is_email(&self) -> bool {
        self.medium.as_deref().is_none_or(|medium| medium == "email")
    }
}

/// `merge_fields` and `language`, as far as they are known.
fn fields(traits: &Traits, config: &Config) -> Map<String, Value> {
    let day = |date: &str| Some(format!("{}/{}", date.get(5..7)?, date.get(8..10)?));
    let known: [(&str, Option<Value>); 11] = [
        ("given_name", text(&traits.given_name)),
        ("family_name", text(&traits.family_name)),
        ("phone", text(&traits.phone)),
        ("mobile", text(&traits.mobile)),
        ("company", text(&traits.company)),
        ("job_title", text(&traits.job_title)),
        ("website", text(&traits.website)),
        ("birthday", traits.birth_date.as_deref().and_then(day).map(Value::from)),
        ("address", address(traits)),
        ("orders_count", traits.orders_count.map(Value::from)),
        ("total_spent", traits.total_spent.as_ref().map(|money| money.amount.clone().into())),
    ];
    let merge = known
        .into_iter()
        .filter_map(|(name, value)| Some((config.merge_field(name)?.to_owned(), value?)))
        .collect::<Map<_, _>>();
    let mut fields = Map::new();
    if !merge.is_empty() {
        fields.insert("merge_fields".into(), merge.into());
    }
    if let Some(language) = traits.language.as_deref().and_then(language) {
        fields.insert("language".into(), language.into());
    }
    fields
}

/// Mailchimp refuses an address without street, town, region or postal code.
fn address(traits: &Traits) -> Option<Value> {
    let address = traits.address()?;
    let (line1, city) = (address.line1.as_ref()?, address.city.as_ref()?);
    let (region, postal_code) = (address.region.as_ref()?, address.postal_code.as_ref()?);
    let mut fields = Map::new();
    let mut put = |name: &str, value: &str| drop(fields.insert(name.to_owned(), value.into()));
    put("addr1", line1);
    put("city", city);
    put("state", region);
    put("zip", postal_code);
    for (name, value) in [("addr2", &address.line2), ("country", &address.country_code)] {
        if let Some(value) = value {
            put(name, value);
        }
    }
    Some(fields.into())
}

fn text(value: &Option<String>) -> Option<Value> {
    value.as_deref().filter(|text| !text.trim().is_empty()).map(Value::from)
}

/// <https://mailchimp.com/help/view-and-edit-contact-languages/>: two letters, and three that differ by country.
fn language(tag: &str) -> Option<&str> {
    Some(match tag {
        "pt-PT" => "pt_PT",
        "es-ES" => "es_ES",
        "fr-CA" => "fr_CA",
        tag => tag.split('-').next().filter(|language| language.len() == 2)?,
    })
}

/// The body of a call that gives tags.
pub fn tags(names: &[String]) -> Value {
    let tags: Vec<Value> = names.iter().map(|name| json!({"name": name, "status": "active"})).collect();
    json!({"tags": tags})
}
