//! Who a message, a status or a call is about. A number is proven by WhatsApp; behind a username Meta tells its own id of the user only:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids/>.

use serde_json::{Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use super::{MESSAGING, Side, identifier, moment, phone, unknown};

/// The contacts that a change tells of beside its messages.
pub struct People(Vec<Fields>);

/// How Meta names one customer in one message.
#[derive(Default)]
pub struct Names {
    pub number: Option<String>,
    pub user: Option<String>,
    pub parent: Option<String>,
}

impl Names {
    pub fn take(fields: &mut Fields, number: &str, user: &str, parent: &str) -> Self {
        Self { number: fields.text(number), user: fields.text(user), parent: fields.text(parent) }
    }

    /// In E.164 if it is a number with a country code.
    pub fn written(&self) -> Option<String> {
        let number = self.number.as_deref();
        number.and_then(phone).or_else(|| self.number.clone()).or_else(|| self.user.clone())
    }
}

impl People {
    pub fn new(value: &mut Fields) -> Self {
        let contacts = value.list("contacts").unwrap_or_default();
        Self(contacts.into_iter().filter_map(|one| one.as_object().cloned()).collect())
    }

    /// The customer, and what is left of their contact.
    pub fn customer(&mut self, names: &Names) -> (Fields, Fields) {
        let mut contact = self.find(names);
        let mut profile = contact.object("profile").unwrap_or_default();
        let traits = profile.texts(&[("name", "name"), ("username", "nickname")]);
        contact.leave("profile", profile);
        let user = contact.text("user_id").or_else(|| names.user.clone());
        let parent = contact.text("parent_user_id").or_else(|| names.parent.clone());
        let wa_id = contact.text("wa_id");
        let number = names.number.as_deref().or(wa_id.as_deref()).and_then(phone);
        let found = [
            ("phone", number),
            ("whatsapp:wa_id", wa_id.or_else(|| names.number.clone())),
            ("whatsapp:user", user),
            ("whatsapp:parent_user", parent),
        ];
        let identifiers: Vec<Value> =
            found.iter().filter_map(|(name, value)| Some(identifier(name, value.as_deref()?))).collect();
        let mut customer = Fields::new();
        customer.leave("identifiers", identifiers);
        customer.leave("traits", traits);
        (customer, contact)
    }

    /// One contact may stand for several messages. A single one is meant even where its id is not the number.
    fn find(&self, names: &Names) -> Fields {
        let is = |contact: &Fields, field: &str, name: &Option<String>| {
            name.is_some() && contact.get(field).and_then(fields::text) == *name
        };
        let known =
            |contact: &&Fields| is(contact, "user_id", &names.user) || is(contact, "wa_id", &names.number);
        let only = || Some(&self.0[0]).filter(|_| self.0.len() == 1);
        let found = self.0.iter().find(known).or_else(|| if self.0.is_empty() { None } else { only() });
        found.cloned().unwrap_or_default()
    }
}

/// A customer has stopped marketing messages, or takes them again.
pub fn preference(mut one: Fields, people: &mut People, side: &Side) -> Draft {
    let whole = one.clone();
    let names = Names::take(&mut one, "wa_id", "user_id", "parent_user_id");
    let (customer, contact) = people.customer(&names);
    let at = one.take("timestamp", moment);
    let category = one.text("category");
    let value = one.text("value");
    let state = match value.as_deref() {
        Some("stop") => Some("withdrawn"),
        Some("resume") => Some("granted"),
        _ => None,
    };
    let key = names
        .written()
        .zip(at.as_ref())
        .map(|(name, at)| format!("user_preferences/{name}/{}/{at}", value.as_deref().unwrap_or_default()));
    let known = state.filter(|_| category.as_deref() == Some("marketing_messages"));
    let Some(state) = known.filter(|_| customer.contains_key("identifiers")) else {
        return unknown("user_preferences".into(), whole, customer, side, key);
    };
    let mut decision = Fields::new();
    decision.insert("state".into(), state.into());
    decision.leave("at", at.clone());
    decision.insert("source".into(), "whatsapp".into());
    let mut data = Fields::new();
    data.leave("customer", customer);
    data.insert("consent".into(), json!({"purposes": {"marketing.whatsapp": decision}}));
    data.leave("touchpoint", side.touchpoint(MESSAGING));
    one.leave("contact", contact);
    data.leave("vendor", one);
    let draft = side.mark(Draft::new("consent.preference.updated", &data));
    Draft { key, time: at.or_else(|| side.time.clone()), ..draft }
}

/// The address book of the company's WhatsApp Business app.
pub fn synchronised(mut one: Fields, _: &mut People, side: &Side) -> Draft {
    let whole = one.clone();
    let mut contact = one.object("contact").unwrap_or_default();
    let names = Names::take(&mut contact, "phone_number", "user_id", "parent_user_id");
    let (mut customer, _) = People(Vec::new()).customer(&names);
    let traits =
        contact.texts(&[("full_name", "name"), ("first_name", "given_name"), ("username", "nickname")]);
    customer.leave("traits", traits);
    let mut metadata = one.object("metadata").unwrap_or_default();
    let at = metadata.take("timestamp", moment);
    let action = one.text("action");
    let key = names
        .written()
        .zip(at.as_ref())
        .map(|(name, at)| format!("state_sync/{name}/{}/{at}", action.as_deref().unwrap_or_default()));
    let kind = match action.as_deref() {
        Some("add" | "edit") => Some("crm.contact.updated"),
        Some("remove") => Some("crm.contact.deleted"),
        _ => None,
    };
    let Some(kind) = kind.filter(|_| customer.contains_key("identifiers")) else {
        return unknown("state_sync".into(), whole, customer, side, key);
    };
    let mut data = Fields::new();
    data.leave("customer", customer);
    data.leave("touchpoint", side.touchpoint(MESSAGING));
    one.leave("contact", contact);
    one.leave("metadata", metadata);
    data.leave("vendor", one);
    let draft = side.mark(Draft::new(kind, &data));
    Draft { key, time: at.or_else(|| side.time.clone()), ..draft }
}
