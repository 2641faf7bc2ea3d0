//! CloudEvents' JSON format (1.0.2) into drafts: one object, an array of them, or JSON Lines.
//!
//! All or nothing: one event that cannot be read makes the whole message a fault that names the place. `data` is passed
//! on as the bytes it came in.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use snodo_connector::{Draft, Fault};

/// The drafts of a body. Places in faults are JSON Pointers; of JSON Lines, each line counts as an element.
pub fn events(body: &[u8]) -> Result<Vec<Draft>, Fault> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Err(Fault::permanent("failed to read the body: it is empty")),
        Some(b'[') => array(body),
        Some(_) => lines(body),
    }
}

fn array(body: &[u8]) -> Result<Vec<Draft>, Fault> {
    let read = Cell::new(0);
    let mut json = serde_json::Deserializer::from_slice(body);
    let envelopes = json
        .deserialize_seq(Elements { read: &read })
        .map_err(|error| unreadable(&format!("/{}", read.get()), &error))?;
    json.end().map_err(|error| unreadable("", &error))?;
    let draft = |(place, envelope): (usize, Envelope)| {
        envelope.draft().map_err(|wrong| wrong.within(&format!("/{place}")))
    };
    envelopes.into_iter().enumerate().map(draft).collect()
}

/// An object alone is JSON Lines of one line.
fn lines(body: &[u8]) -> Result<Vec<Draft>, Fault> {
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<Envelope>();
    let mut drafts = Vec::new();
    while let Some(read) = values.next() {
        // What comes after the first line tells JSON Lines from one event; an error carries its line anyway.
        let rest = &body[values.byte_offset()..];
        let alone = drafts.is_empty() && (read.is_err() || rest.iter().all(u8::is_ascii_whitespace));
        let at = || if alone { String::new() } else { format!("/{}", drafts.len()) };
        let envelope = read.map_err(|error| unreadable(&at(), &error))?;
        let draft = envelope.draft().map_err(|wrong| wrong.within(&at()))?;
        drafts.push(draft);
    }
    Ok(drafts)
}

fn unreadable(at: &str, error: &serde_json::Error) -> Fault {
    Fault::permanent_at(at, format!("failed to read a CloudEvents object: {error}"))
}

/// One event's attributes, borrowed from the body.
#[derive(Default)]
pub struct Envelope<'a> {
    specversion: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    kind: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    subject: Option<Cow<'a, str>>,
    time: Option<Cow<'a, str>>,
    content: Option<Cow<'a, str>>,
    partition: Option<Cow<'a, str>>,
    pub data: Option<&'a RawValue>,
    binary: bool,
    extensions: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// What an event lacks, and where in it.
pub struct Wrong {
    at: &'static str,
    message: String,
}

impl Wrong {
    pub fn within(self, event: &str) -> Fault {
        Fault::permanent_at(format!("{event}{}", self.at), self.message)
    }
}

impl<'a> Envelope<'a> {
    /// An attribute by its name; one without a place of its own is an extension.
    pub fn set(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        match self.place(&name) {
            Some(place) => *place = Some(value),
            None => self.extensions.push((name, value)),
        }
    }

    fn place(&mut self, name: &str) -> Option<&mut Option<Cow<'a, str>>> {
        Some(match name {
            "specversion" => &mut self.specversion,
            "id" => &mut self.id,
            "type" => &mut self.kind,
            "source" => &mut self.source,
            "subject" => &mut self.subject,
            "time" => &mut self.time,
            "datacontenttype" => &mut self.content,
            "partitionkey" => &mut self.partition,
            _ => return None,
        })
    }

    pub fn draft(self) -> Result<Draft, Wrong> {
        let wrong = |at, message| Err(Wrong { at, message });
        if let Some(version) = self.specversion.filter(|version| version != "1.0") {
            return wrong("/specversion", format!("expected CloudEvents 1.0, found {version}"));
        }
        let Some(kind) = self.kind.filter(|kind| !kind.is_empty()) else {
            return wrong("/type", "expected the event's type, such as commerce.order.placed".into());
        };
        if self.binary {
            return wrong("/data_base64", "expected the canonical body as a JSON object in data".into());
        }
        if let Some(content) = self.content.filter(|content| !is_json(content)) {
            return wrong("/datacontenttype", format!("expected application/json, found {content}"));
        }
        let Some(data) = self.data.filter(|data| data.get().starts_with('{')) else {
            return wrong("/data", "expected the canonical body, a JSON object".into());
        };
        let mut attributes: Vec<(String, String)> = self
            .extensions
            .into_iter()
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        // CloudEvents' ids are unique within their source only; the hub's own source takes its place in the envelope.
        let key = self.id.map(|id| match &self.source {
            Some(source) => format!("{source}#{id}"),
            None => id.into_owned(),
        });
        attributes.extend(self.source.map(|source| ("origin".to_owned(), source.into_owned())));
        Ok(Draft {
            key,
            kind: kind.into_owned(),
            subject: self.subject.map(Cow::into_owned),
            time: self.time.map(Cow::into_owned),
            ordering_key: self.partition.map(Cow::into_owned),
            attributes,
            data: data.get().as_bytes().to_vec(),
        })
    }
}

fn is_json(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default().trim();
    essence == "application/json" || essence.ends_with("+json")
}

/// The elements of an array; counts those it has read, so that an error has a place.
struct Elements<'c> {
    read: &'c Cell<usize>,
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = Vec<Envelope<'de>>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("an array of CloudEvents objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut envelopes = Vec::new();
        while let Some(envelope) = seq.next_element()? {
            envelopes.push(envelope);
            self.read.set(envelopes.len());
        }
        Ok(envelopes)
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Attributes)
    }
}

/// By hand: serde's `flatten` would copy every value, and cannot hold `data` as raw text.
struct Attributes;

impl<'de> Visitor<'de> for Attributes {
    type Value = Envelope<'de>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("a CloudEvents object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope<'de>, A::Error> {
        let mut found = Envelope::default();
        while let Some(Text(name)) = map.next_key()? {
            match name.as_ref() {
                "data" => {
                    found.data = Some(map.next_value()?);
                    continue;
                }
                "data_base64" => {
                    found.binary = map.next_value::<Option<IgnoredAny>>()?.is_some();
                    continue;
                }
                // The hub's own vocabulary says which schema holds.
                "dataschema" => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
                _ => {}
            }
            // An attribute that is null is absent (JSON format, section 2.2).
            if let Some(place) = found.place(&name) {
                *place = map.next_value::<Option<Text>>()?.map(|Text(value)| value);
                continue;
            }
            let value = map.next_value::<Option<Attribute>>()?;
            found.extensions.extend(value.map(|Attribute(value)| (name, value)));
        }
        Ok(found)
    }
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// An extension's value: a string, a boolean or an integer (CloudEvents 1.0.2, type system), as text.
struct Attribute<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Attribute<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar).map(Attribute)
    }
}

struct Scalar;

impl<'de> Visitor<'de> for Scalar {
    type Value = Cow<'de, str>;

    fn expecting(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str("a string, a boolean or an integer")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(if value { "true" } else { "false" }))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_string()))
    }
}
