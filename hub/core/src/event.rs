//! The canonical event: the CloudEvents 1.0 envelope, with a body that one schema describes.

use std::sync::Arc;

use bytes::Bytes;

use crate::EventId;

/// The type of an event whose message the vocabulary has no word for. Its body is kept whole.
pub const UNKNOWN: &str = "unknown.message.received";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    /// `domain.object.action`.
    pub kind: Arc<str>,
    /// `snodo://{company}/{channel}`: the instance of the connector that told it.
    pub source: Arc<str>,
    pub subject: Option<String>,
    /// When it happened: RFC 3339, with the offset the source gave.
    pub time: String,
    /// `snodo:snodo/{type}/{MAJOR-MINOR-PATCH}`.
    pub dataschema: Arc<str>,
    /// Events with the same key stay in order. Without one: the customer.
    pub ordering_key: Option<String>,
    /// Further CloudEvents attributes.
    pub attributes: Vec<(String, String)>,
    /// The canonical body: a JSON object.
    pub data: Bytes,
}

impl Event {
    /// The object that a CloudEvents receiver would be sent (CloudEvents 1.0.2, JSON event format).
    pub fn to_json(&self) -> serde_json::Value {
        let mut object = serde_json::Map::new();
        let mut put = |name: &str, value: &str| object.insert(name.to_owned(), value.into());
        put("specversion", "1.0");
        put("id", &self.id.to_string());
        put("type", &self.kind);
        put("source", &self.source);
        if let Some(subject) = &self.subject {
            put("subject", subject);
        }
        put("time", &self.time);
        put("dataschema", &self.dataschema);
        put("datacontenttype", "application/json");
        for (name, value) in &self.attributes {
            put(name, value);
        }
        let data = serde_json::from_slice(&self.data).expect("an event's body was JSON when it was accepted");
        object.insert("data".into(), data);
        object.into()
    }
}
