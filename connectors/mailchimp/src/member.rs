//! An event as what is to be done to a member of the audience.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
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
struct Customer {
    identifiers: Vec<Identifier>,
    traits: Traits,
}

#[derive(Debug, Deserialize)]
struct Identifier {
    namespace: String,
    value: String,
    #[serde(default)]
    primary: bool,
    valid_to: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Traits {
    given_name: Option<String>,
    family_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    birth_date: Option<String>,
    language: Option<String>,
    company: Option<String>,
    job_title: Option<String>,
    website: Option<String>,
    tags: Vec<String>,
    addresses: Vec<Address>,
    orders_count: Option<i64>,
    total_spent: Option<Money>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Address {
    line1: Option<String>,
    line2: Option<String>,
    city: Option<String>,
    region: Option<String>,
    postal_code: Option<String>,
    country_code: Option<String>,
    primary: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Money {
    amount: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Consent {
    purposes: BTreeMap<String, Purpose>,
}

#[derive(Debug, Deserialize)]
struct Purpose {
    state: String,
    at: Option<String>,
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
    let body: Body = event.data().map_err(Outcome::Failed)?;
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
            let mut fields = body.customer.traits.fields(config);
            fields.append(&mut status("unsubscribed"));
            Act::Change(fields)
        }
        "crm.contact.created"
        | "crm.contact.updated"
        | "identity.user.identified"
        | "consent.preference.updated" => {
            let at = decision.filter(|_| state == "granted").and_then(|decision| decision.at.as_deref());
            keep(&email, body.customer.traits.fields(config), Some((state, at)), config)
        }
        // A purchase says who somebody is, and takes no decision about mails back.
        "commerce.order.placed" | "pos.sale.completed" if left => {
            Act::Change(body.customer.traits.fields(config))
        }
        "commerce.order.placed" | "pos.sale.completed" => {
            keep(&email, body.customer.traits.fields(config), None, config)
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
        let emails = || {
            let all = self.customer.identifiers.iter();
            all.filter(|one| one.namespace == "email" && one.valid_to.is_none())
        };
        let identifier = emails().find(|one| one.primary).or_else(|| emails().next());
        let said = identifier.map(|one| &one.value).or(self.customer.traits.email.as_ref());
        contact::email(said.or(self.order.email.as_ref()).or(self.message.to.first())?)
    }
}

impl Consent {
    /// About the purpose, or the nearest wider one: `marketing` speaks for `marketing.email`.
    fn about(&self, purpose: &str) -> Option<&Purpose> {
        let mut purpose = purpose;
        loop {
            if let Some(said) = self.purposes.get(purpose) {
                return Some(said);
            }
            purpose = purpose.rsplit_once('.')?.0;
        }
    }
}

impl Message {
    fn is_email(&self) -> bool {
        self.medium.as_deref().is_none_or(|medium| medium == "email")
    }
}

impl Traits {
    /// `merge_fields` and `language`, as far as they are known.
    fn fields(&self, config: &Config) -> Map<String, Value> {
        let day = |date: &str| Some(format!("{}/{}", date.get(5..7)?, date.get(8..10)?));
        let known: [(&str, Option<Value>); 11] = [
            ("given_name", text(&self.given_name)),
            ("family_name", text(&self.family_name)),
            ("phone", text(&self.phone)),
            ("mobile", text(&self.mobile)),
            ("company", text(&self.company)),
            ("job_title", text(&self.job_title)),
            ("website", text(&self.website)),
            ("birthday", self.birth_date.as_deref().and_then(day).map(Value::from)),
            ("address", self.address()),
            ("orders_count", self.orders_count.map(Value::from)),
            ("total_spent", self.total_spent.as_ref().map(|money| money.amount.clone().into())),
        ];
        let merge = known
            .into_iter()
            .filter_map(|(name, value)| Some((config.merge_field(name)?.to_owned(), value?)))
            .collect::<Map<_, _>>();
        let mut fields = Map::new();
        if !merge.is_empty() {
            fields.insert("merge_fields".into(), merge.into());
        }
        if let Some(language) = self.language.as_deref().and_then(language) {
            fields.insert("language".into(), language.into());
        }
        fields
    }

    /// Mailchimp refuses an address without street, town, region or postal code.
    fn address(&self) -> Option<Value> {
        let address = self.addresses.iter().find(|one| one.primary).or_else(|| self.addresses.first())?;
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
