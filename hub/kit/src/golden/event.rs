//! A canonical event, as a case writes it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use snodo_host::{Event, Field};

/// An event, owned.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Written")]
pub struct GivenEvent {
    pub id: String,
    pub kind: String,
    pub source: String,
    pub subject: Option<String>,
    pub time: String,
    pub dataschema: String,
    pub ordering_key: String,
    pub attributes: Vec<Field>,
    pub data: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    kind: String,
    source: String,
    subject: Option<String>,
    time: String,
    dataschema: String,
    ordering_key: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    data: Map<String, Value>,
}

impl From<Written> for GivenEvent {
    fn from(written: Written) -> Self {
        let Written { id, kind, source, subject, time, dataschema, ordering_key, attributes, data } = written;
        let data = Value::Object(data).to_string().into_bytes();
        let attributes = attributes.into_iter().collect();
        Self { id, kind, source, subject, time, dataschema, ordering_key, attributes, data }
    }
}

impl GivenEvent {
    pub fn event(&self) -> Event<'_> {
        Event {
            id: &self.id,
            kind: &self.kind,
            source: &self.source,
            subject: self.subject.as_deref(),
            time: &self.time,
            dataschema: &self.dataschema,
            ordering_key: &self.ordering_key,
            attributes: &self.attributes,
            data: &self.data,
        }
    }
}
