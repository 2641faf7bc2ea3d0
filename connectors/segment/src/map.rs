//! Which call is which event, and what every call has: who, where, when.

mod commerce;
mod customer;
mod touchpoint;

use serde_json::{Value, json};

use snodo_connector::fields::{self, Fields, Take};

/// The calls of <https://segment.com/docs/connections/spec/>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Identify,
    Track,
    Page,
    Screen,
    Group,
    Alias,
}

impl Call {
    pub fn named(word: &str) -> Option<Self> {
        Some(match word {
            "identify" => Self::Identify,
            "track" => Self::Track,
            "page" => Self::Page,
            "screen" => Self::Screen,
            "group" => Self::Group,
            "alias" => Self::Alias,
            _ => return None,
        })
    }
}

pub struct Told {
    pub kind: &'static str,
    /// `order/1001`.
    pub subject: Option<String>,
    pub data: Value,
}

/// A type of its own with what belongs to it, before who and where are added.
struct Mapped {
    kind: &'static str,
    subject: Option<String>,
    data: Fields,
}

impl Mapped {
    fn new(kind: &'static str, data: Value) -> Option<Self> {
        match data {
            Value::Object(data) => Some(Self { kind, subject: None, data }),
            _ => None,
        }
    }

    fn about(mut self, object: &str, id: Option<&Value>) -> Self {
        self.subject = id.and_then(Value::as_str).map(|id| format!("{object}/{id}"));
        self
    }
}

/// `unknown.message.received` if the vocabulary has no word for it, or the call does not hold what the word needs.
pub fn tell(call: Option<Call>, mut message: Fields, currency: &str) -> Told {
    let whole = message.clone();
    let mut context = message.object("context").unwrap_or_default();
    let mut traits = context.object("traits").unwrap_or_default();
    if call == Some(Call::Identify) {
        traits.extend(message.object("traits").unwrap_or_default());
    }
    let mut customer = customer::customer(&mut message, &mut traits);
    let touchpoint = touchpoint::touchpoint(call, &mut message, &mut context);
    let mapped = match call {
        Some(Call::Identify) => Mapped::new("identity.user.identified", json!({}))
            .filter(|_| customer["identifiers"].as_array().is_some_and(|found| !found.is_empty())),
        Some(Call::Track) => commerce::track(&mut message, &touchpoint, currency),
        Some(Call::Page) => page("web.page.viewed", &mut message, &touchpoint),
        Some(Call::Screen) => page("mobile.screen.viewed", &mut message, &touchpoint),
        Some(Call::Group) => group(&mut message),
        Some(Call::Alias) => alias(&mut message, &mut customer),
        None => None,
    };
    let Some(Mapped { kind, subject, mut data }) = mapped else {
        let topic = whole.get("event").or_else(|| whole.get("type")).and_then(Value::as_str);
        return unknown(topic.map(str::to_owned), Value::Object(whole), customer, touchpoint);
    };
    let rest = if call == Some(Call::Identify) { &mut message } else { &mut context };
    rest.leave("traits", traits);
    message.leave("context", context);
    for name in ["type", "messageId", "event"] {
        message.shift_remove(name);
    }
    for name in ["timestamp", "originalTimestamp"] {
        if message.take(name, fields::moment).is_some() {
            break;
        }
    }
    data.leave("customer", customer);
    data.leave("touchpoint", touchpoint);
    data.leave("vendor", message);
    Told { kind, subject, data: Value::Object(data) }
}

/// The message whole, and who and where as far as it says.
pub fn unknown(topic: Option<String>, body: Value, customer: Value, touchpoint: Value) -> Told {
    let mut data = Fields::new();
    data.leave("topic", topic);
    data.leave("customer", customer);
    data.leave("touchpoint", touchpoint);
    data.insert("body".into(), body);
    data.insert("encoding".into(), "json".into());
    Told { kind: "unknown.message.received", subject: None, data: Value::Object(data) }
}

/// A call's own properties say what was looked at; the page that the library stood on fills in what they leave out.
fn page(kind: &'static str, message: &mut Fields, touchpoint: &Value) -> Option<Mapped> {
    const NAMES: [(&str, &str); 7] = [
        ("name", "name"),
        ("category", "category"),
        ("url", "url"),
        ("path", "path"),
        ("title", "title"),
        ("referrer", "referrer"),
        ("search", "search"),
    ];
    let mut properties = message.object("properties").unwrap_or_default();
    let mut page = properties.texts(&NAMES);
    page.extend(message.texts(&NAMES[..2]));
    message.leave("properties", properties);
    if let Some(stood) = touchpoint["page"].as_object().filter(|_| kind == "web.page.viewed") {
        for (name, value) in stood {
            page.entry(name.as_str()).or_insert_with(|| value.clone());
        }
    }
    let needs: &[&str] = if kind == "web.page.viewed" { &["url", "path", "name"] } else { &["name", "path"] };
    needs.iter().any(|name| page.contains_key(*name)).then(|| Mapped::new(kind, json!({"page": page})))?
}

fn group(message: &mut Fields) -> Option<Mapped> {
    let mut group = message.texts(&[("groupId", "id")]);
    let id = group.get("id").cloned()?;
    let mut traits = message.object("traits").unwrap_or_default();
    group.extend(traits.texts(&[("name", "name")]));
    message.leave("traits", traits);
    Some(Mapped::new("identity.group.joined", json!({"group": group}))?.about("group", Some(&id)))
}

/// Both identifiers are the customer's: that is what the call says.
fn alias(message: &mut Fields, customer: &mut Value) -> Option<Mapped> {
    let identifiers = customer["identifiers"].as_array_mut()?;
    let to = identifiers.iter().find(|one| one["namespace"] == customer::USER)?.clone();
    let previous = message.text("previousId")?;
    let from = match customer::is_uuid(&previous) {
        true => customer::anonymous(&previous),
        false => customer::user(&previous),
    };
    if !identifiers.contains(&from) {
        identifiers.push(from.clone());
    }
    Mapped::new("identity.alias.asserted", json!({"alias": {"from": from, "to": to}}))
}
