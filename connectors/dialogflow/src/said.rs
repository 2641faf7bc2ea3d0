//! What ES and CX have in common: the conversation, who speaks, and the events of one turn.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, contact};

use crate::Config;

/// One turn of a conversation, as a fulfilment request tells it.
pub struct Turn {
    /// The id of the answer that the customer will get: the same however often the turn is told.
    key: Option<String>,
    /// What belongs to all its events: id, bot, language.
    conversation: Fields,
    customer: Value,
    drafts: Vec<(String, &'static str, Fields)>,
}

impl Turn {
    /// `session` is the session's name: `projects/P/agent/sessions/S`, `projects/P/locations/L/agents/A/sessions/S`, either with an
    /// environment, or `projects/P/conversations/C`.
    pub fn new(
        key: Option<String>,
        session: &str,
        language: Option<String>,
        config: &Config,
    ) -> Option<Self> {
        let id = session.rsplit('/').next().filter(|id| !id.is_empty())?;
        let part = |name: &str| {
            let mut parts = session.split('/').skip_while(|part| *part != name);
            parts.nth(1).filter(|part| !part.is_empty())
        };
        let mut conversation = Fields::from_iter([("id".to_owned(), id.into())]);
        conversation.leave("bot_id", part("agents").or_else(|| part("projects")));
        conversation.leave("bot", config.bot.as_deref());
        conversation.leave("language", language);
        let customer = nobody(id);
        Some(Self { key, conversation, customer, drafts: Vec::new() })
    }

    pub fn id(&self) -> String {
        self.conversation["id"].as_str().unwrap_or_default().to_owned()
    }

    pub fn with_customer(&mut self, customer: Option<Value>) {
        if let Some(customer) = customer {
            self.customer = customer;
        }
    }

    /// `place` tells the events of one turn from each other. One that begins with a slash is the conversation's, not the turn's.
    pub fn tell(&mut self, place: &str, kind: &'static str, part: Fields) {
        self.drafts.push((place.to_owned(), kind, part));
    }

    /// What has no place of its own goes with the event that says most: what was done or understood, else the last.
    pub fn drafts(self, vendor: &Fields) -> Vec<Draft> {
        let Self { key, conversation, customer, drafts } = self;
        let id = conversation["id"].as_str().unwrap_or_default().to_owned();
        const MOST: [&str; 3] = [
            "bot.conversation.tool_executed",
            "bot.conversation.intent_detected",
            "bot.conversation.fallback",
        ];
        let most = drafts.iter().rposition(|(_, kind, _)| MOST.contains(kind));
        let most = most.unwrap_or(drafts.len().saturating_sub(1));
        let one = |(number, (place, kind, part)): (usize, (String, &'static str, Fields))| {
            let mut all = conversation.clone();
            all.extend(part);
            let mut data = Fields::from_iter([("conversation".to_owned(), all.into())]);
            data.leave("customer", customer.clone());
            data.leave("touchpoint", json!({"channel": "chatbot"}));
            if number == most {
                data.leave("vendor", vendor.clone());
            }
            let mut draft = Draft::new(kind, &data)
                .with_subject(format!("conversation/{id}"))
                .with_attribute("correlationid", id.as_str());
            draft.key = match (&key, place.starts_with('/')) {
                (_, true) => Some(format!("{id}{place}")),
                (Some(key), false) if place.is_empty() => Some(key.clone()),
                (Some(key), false) => Some(format!("{key}/{place}")),
                (None, false) => None,
            };
            draft
        };
        drafts.into_iter().enumerate().map(one).collect()
    }
}

/// A session that nobody was recognised in.
fn nobody(session: &str) -> Value {
    let identifier = json!({"namespace": "dialogflow:session", "value": session, "kind": "anonymous"});
    json!({"identifiers": [identifier], "anonymous": true})
}

/// The company's own id from a parameter, a caller's number, or the sender as the integration knows them.
pub fn customer(
    turn: &Turn,
    parameters: &mut Fields,
    payload: &mut Fields,
    source: Option<&str>,
    config: &Config,
) -> Option<Value> {
    let known = |namespace: &str, value: String, kind: &str| json!({"namespace": namespace, "value": value, "kind": kind, "authenticated": "asserted"});
    let mut identifiers = Vec::new();
    if let Some(name) = &config.customer_parameter {
        let id = parameters.text(name).or_else(|| payload.text(name));
        identifiers.extend(id.map(|id| known(&config.customer_namespace, id, "person")));
    }
    if let Some(mut telephony) = payload.object("telephony") {
        let caller = telephony.take("caller_id", |number| contact::phone(number.as_str()?));
        identifiers.extend(caller.map(|number| known("phone", number, "person")));
        payload.leave("telephony", telephony);
    }
    // The integrations for messengers hand the messenger's own message through as `data`.
    if let (Some(source), Some(mut data)) = (source, payload.object("data")) {
        let sender = ["sender", "from"].into_iter().find_map(|name| {
            let mut sender = data.object(name)?;
            let id = sender.text("id");
            data.leave(name, sender);
            id
        });
        let namespace =
            format!("{}:user", source.to_ascii_lowercase().replace(|c: char| !c.is_alphanumeric(), "_"));
        identifiers.extend(sender.map(|id| known(&namespace, id, "account")));
        payload.leave("data", data);
    }
    if identifiers.is_empty() {
        return None;
    }
    let session = json!({"namespace": "dialogflow:session", "value": turn.id(), "kind": "anonymous"});
    identifiers.push(session);
    Some(json!({"identifiers": identifiers}))
}

/// Takes the plain values out, by name. Lists and objects stay.
pub fn slots(parameters: &mut Fields) -> Vec<Value> {
    let plain = |value: &Value| value.is_boolean() || fields::text(value).is_some();
    let mut names: Vec<String> =
        parameters.iter().filter(|(_, value)| plain(value)).map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    let slot = |name: String| {
        let value = parameters.shift_remove(&name);
        json!({"name": name, "value": value})
    };
    names.into_iter().map(slot).collect()
}

pub fn confidence(value: &Value) -> Option<Value> {
    value.as_f64().filter(|sure| (0.0..=1.0).contains(sure)).map(|_| value.clone())
}

/// `score` from -1 to 1; how strong the feeling is has no place.
pub fn sentiment(result: &mut Fields) -> Option<Value> {
    result.take("score", |score| score.as_f64().filter(|score| score.abs() <= 1.0).map(|_| score.clone()))
}
