//! A command to a device: the topic it is published to, and its JSON.

use declarative::columns::{self, plain};
use serde::Deserialize;
use serde_json::{Map, Value};
use snodo_connector::{Delivery, Fault, Outcome, Request};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// With places of the event in braces.
    topic: String,
    #[serde(default)]
    payload: Vec<Field>,
    #[serde(default)]
    retain: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    from: Option<String>,
    value: Option<Value>,
}

impl Command {
    /// What else becomes of the delivery if there is nothing to send.
    pub fn request(&self, delivery: &Delivery) -> Result<Request, Outcome> {
        let event = columns::event(delivery)?;
        let topic = self.topic(&event)?;
        let payload = match self.payload.is_empty() {
            true => Self::whole(&event),
            false => self.payload.iter().filter_map(|field| field.of(&event)).collect(),
        };
        let request = Request::json("PUBLISH", topic, &payload);
        Ok(match self.retain {
            true => request.with_header("mqtt-retain", "true"),
            false => request,
        })
    }

    fn topic(&self, event: &Value) -> Result<String, Outcome> {
        let mut topic = String::new();
        let mut rest = self.topic.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let Some((place, after)) = after.split_once('}') else {
                let why = "a brace is not closed in the topic of the command";
                return Err(Outcome::Failed(Fault::misconfigured(why)));
            };
            let Some(value) = event.pointer(place).filter(|value| !value.is_null()).map(plain) else {
                return Err(Outcome::ignored(format!(
                    "the event has no {place}, so there is no device to tell"
                )));
            };
            topic.push_str(before);
            topic.push_str(segment(&value, place)?);
            rest = after;
        }
        Ok(topic + rest)
    }

    /// What a device can do with any event.
    fn whole(event: &Value) -> Map<String, Value> {
        let fields = ["id", "type", "time", "subject", "data"];
        let field =
            |name: &str| Some((name.to_owned(), event.get(name).filter(|value| !value.is_null())?.clone()));
        fields.into_iter().filter_map(field).collect()
    }
}

/// One segment of a topic: what comes with an event must not lead to other devices (MQTT 5.0, 4.7).
fn segment<'v>(value: &'v str, place: &str) -> Result<&'v str, Outcome> {
    let is_sound = !value.is_empty()
        && !value.contains(['/', '+', '#'])
        && !value.contains(char::is_control)
        && !value.starts_with('$');
    match is_sound {
        true => Ok(value),
        false => Err(Outcome::Failed(Fault::permanent_at(place, "the value cannot be a segment of a topic"))),
    }
}

impl Field {
    /// What the event does not have is left out.
    fn of(&self, event: &Value) -> Option<(String, Value)> {
        let found = match (&self.from, &self.value) {
            (Some(from), _) => event.pointer(from).filter(|value| !value.is_null())?.clone(),
            (None, value) => value.clone()?,
        };
        Some((self.name.clone(), found))
    }
}
