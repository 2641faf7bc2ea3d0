//! Where a value stands, and what is read from there. What was read is taken: it does not stay under `vendor`.

use std::borrow::Cow;
use std::cell::RefCell;

use serde::Deserialize;
use serde_json::Value;
use snodo_connector::fields;

use crate::About;

/// `/a/b` from here: the innermost list's element. `record:` is what the event is made of, `document:` all that came; `topic:`,
/// `header:` and `message:name` are of the message.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum Place {
    Here(String),
    Record(String),
    Document(String),
    Topic(String),
    Header(String),
    Name,
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let pointer = |text: &str| text.is_empty() || text.starts_with('/');
        if pointer(&text) {
            return Ok(Self::Here(text));
        }
        match text.split_once(':') {
            Some(("record", at)) if pointer(at) => Ok(Self::Record(at.to_owned())),
            Some(("document", at)) if pointer(at) => Ok(Self::Document(at.to_owned())),
            Some(("topic", name)) if !name.is_empty() => Ok(Self::Topic(name.to_owned())),
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_lowercase())),
            Some(("message", "name")) => Ok(Self::Name),
            _ => Err(format!(
                "{text:?} is no place: write /a/b, record:/a, document:/a, topic:name, header:name or message:name"
            )),
        }
    }
}

/// Pointers to what an event has in its fields, each in the thing it was read from.
#[derive(Debug, Default)]
pub struct Taken {
    pub record: Vec<String>,
    pub document: Vec<String>,
}

/// What a rule reads from.
pub struct Scope<'a> {
    here: &'a Value,
    /// From the record to here.
    at: String,
    record: &'a Value,
    document: &'a Value,
    /// The record is an element of a list in the document; otherwise it is the document.
    is_element: bool,
    pub about: About<'a>,
    pub topic: Vec<(&'a str, &'a str)>,
    taken: &'a RefCell<Taken>,
}

impl<'a> Scope<'a> {
    pub fn new(
        record: &'a Value,
        document: &'a Value,
        is_element: bool,
        about: About<'a>,
        taken: &'a RefCell<Taken>,
    ) -> Self {
        Self {
            here: record,
            at: String::new(),
            record,
            document,
            is_element,
            about,
            topic: Vec::new(),
            taken,
        }
    }

    /// The same with what the rule's topic has named.
    pub fn with_topic<'b>(&'b self, topic: Vec<(&'b str, &'b str)>) -> Scope<'b> {
        Scope { topic, at: self.at.clone(), ..*self }
    }

    /// The elements of a list that stands here; what stands alone is one.
    pub fn elements(&self, pointer: &str) -> Option<Vec<Scope<'_>>> {
        let found = self.here.pointer(pointer)?;
        let at = format!("{}{pointer}", self.at);
        let element = |here, at| Scope { here, at, topic: self.topic.clone(), ..*self };
        Some(match found {
            Value::Array(list) => {
                let places = list.iter().enumerate();
                places.map(|(place, here)| element(here, format!("{at}/{place}"))).collect()
            }
            one => vec![element(something(one)?, at)],
        })
    }

    /// What stands there; null and blank text are nothing.
    pub fn read(&self, place: &Place) -> Option<Cow<'a, Value>> {
        let text = |text: &str| Cow::Owned(Value::from(text));
        let found = match place {
            Place::Here(at) => Cow::Borrowed(self.here.pointer(at)?),
            Place::Record(at) => Cow::Borrowed(self.record.pointer(at)?),
            Place::Document(at) => Cow::Borrowed(self.document.pointer(at)?),
            Place::Topic(name) => text(self.topic.iter().find(|(known, _)| known == name)?.1),
            Place::Header(name) => text(self.about.message.header(name)?),
            Place::Name => text(&self.about.message.name),
        };
        something(&found).is_some().then_some(found)
    }

    pub fn text(&self, place: &Place) -> Option<String> {
        text(self.read(place)?.as_ref())
    }

    /// How much is taken already.
    pub fn taken(&self) -> (usize, usize) {
        let taken = self.taken.borrow();
        (taken.record.len(), taken.document.len())
    }

    /// Forgets what was taken since then.
    pub fn give_back(&self, (record, document): (usize, usize)) {
        let mut taken = self.taken.borrow_mut();
        taken.record.truncate(record);
        taken.document.truncate(document);
    }

    pub fn take(&self, place: &Place) {
        let mut taken = self.taken.borrow_mut();
        match place {
            Place::Here(at) => taken.record.push(format!("{}{at}", self.at)),
            Place::Record(at) => taken.record.push(at.clone()),
            Place::Document(at) if self.is_element => taken.document.push(at.clone()),
            Place::Document(at) => taken.record.push(at.clone()),
            Place::Topic(_) | Place::Header(_) | Place::Name => {}
        }
    }
}

/// Null and blank text are nothing.
pub fn something(value: &Value) -> Option<&Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.trim().is_empty() => None,
        value => Some(value),
    }
}

/// Text, a number or a boolean as text, without white edges.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::Bool(truth) => Some(truth.to_string()),
        value => fields::text(value).map(|text| text.trim().to_owned()),
    }
}

/// Text with places in braces: `order/{/id}`. Without any brace it is one place.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Place(Place),
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if !text.contains('{') {
            return Ok(Self(vec![Part::Place(text.try_into()?)]));
        }
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) =
                after.split_once('}').ok_or_else(|| format!("a brace is not closed in {text:?}"))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Place(place.to_owned().try_into()?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }
}

impl Template {
    /// `None` if any of its places has nothing.
    pub fn text(&self, scope: &Scope<'_>) -> Option<String> {
        self.0.iter().try_fold(String::new(), |text, part| match part {
            Part::Text(own) => Some(text + own),
            Part::Place(place) => Some(text + &scope.text(place)?),
        })
    }

    pub fn take(&self, scope: &Scope<'_>) {
        for part in &self.0 {
            if let Part::Place(place) = part {
                scope.take(place);
            }
        }
    }
}

/// One step of a JSON Pointer as it is called.
pub fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}
