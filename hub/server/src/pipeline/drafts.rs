//! drafts ⇄ message: events that a connector told when it was asked, or made of others, are kept as a message of its channel in
//! the hub's own words, so that everything behind the first commit is the ordinary line.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use snodo_core::message::{Envelope, Form};
use snodo_core::{ChannelName, Message, Timestamp};
use snodo_host::Draft;

use crate::transport::Stamp;

/// What one message of drafts holds: as much as the intake reads at once. A larger page becomes several messages, all kept in one
/// commit. What a page may have in all is the sandbox's to say (`snodo_host::Limits::output_bytes`).
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// What a draft takes beside its texts, roughly.
const DRAFT_BYTES: usize = 128;

fn written<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(from).map(Some)
}

/// Whose drafts they are.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    pub channel: &'a ChannelName,
    /// What they were made of: a request, or a delivery.
    pub name: &'a str,
    pub moment: Moment<'a>,
}

/// When messages are made, and what keeps those of one moment apart.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    pub now: Timestamp,
    pub stamp: &'a Stamp,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    drafts: Vec<KeptDraft>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptDraft {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ordering_key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<(String, String)>,
    /// As the connector wrote it, byte for byte; `null`, too, is something that was written.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "written")]
    data: Option<Box<RawValue>>,
    /// What is not JSON: kept for whoever looks into the quarantine, where it will end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_base64: Option<String>,
}

/// The messages that hold these drafts, in their order.
pub fn messages(origin: Origin<'_>, drafts: Vec<Draft>) -> Vec<Message> {
    let Moment { now, stamp } = origin.moment;
    let (mut parts, mut bytes) = (Vec::<Kept>::new(), MESSAGE_BYTES_MAX);
    for draft in drafts {
        let size = draft.data.len() + DRAFT_BYTES;
        match parts.last_mut().filter(|_| bytes + size <= MESSAGE_BYTES_MAX) {
            Some(part) => {
                part.drafts.push(keep(draft));
                bytes += size;
            }
            None => {
                parts.push(Kept { drafts: vec![keep(draft)] });
                bytes = size;
            }
        }
    }
    let message = |part: &Kept| {
        let body = serde_json::to_vec(part).expect("drafts are made of what JSON can hold");
        let envelope = Envelope { name: origin.name.to_owned(), form: Form::Drafts, ..Envelope::default() };
        stamp.message(origin.channel, now, envelope, body.into())
    };
    parts.iter().map(message).collect()
}

/// `Err` says that the store holds something else than was put there.
pub fn read(message: &Message) -> Result<Vec<Draft>, String> {
    let kept: Kept = serde_json::from_slice(&message.body).map_err(|error| error.to_string())?;
    kept.drafts.into_iter().map(draft).collect()
}

fn keep(draft: Draft) -> KeptDraft {
    let Draft { key, kind, subject, time, ordering_key, attributes, data } = draft;
    let (data, data_base64) = match String::from_utf8(data).map_err(|error| error.into_bytes()).and_then(raw)
    {
        Ok(json) => (Some(json), None),
        Err(bytes) => (None, Some(BASE64_STANDARD.encode(bytes))),
    };
    KeptDraft { key, kind, subject, time, ordering_key, attributes, data, data_base64 }
}

fn raw(text: String) -> Result<Box<RawValue>, Vec<u8>> {
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(value) => Ok(value.to_owned()),
        Err(_) => Err(text.into_bytes()),
    }
}

fn draft(kept: KeptDraft) -> Result<Draft, String> {
    let KeptDraft { key, kind, subject, time, ordering_key, attributes, data, data_base64 } = kept;
    let data = match (data, data_base64) {
        (Some(json), _) => Box::<str>::from(json).into_string().into_bytes(),
        (None, Some(text)) => BASE64_STANDARD.decode(text).map_err(|error| error.to_string())?,
        (None, None) => Vec::new(),
    };
    Ok(Draft { key, kind, subject, time, ordering_key, attributes, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(data: &[u8]) -> Draft {
        Draft {
            key: Some("k".into()),
            kind: "iot.alert.raised".into(),
            subject: None,
            time: Some("2026-03-01T10:00:00+01:00".into()),
            ordering_key: Some("o".into()),
            attributes: vec![("hops".into(), "1".into())],
            data: data.to_vec(),
        }
    }

    #[test]
    fn what_was_told_is_read_again_byte_for_byte() {
        let channel = "shop".parse().unwrap();
        let moment = Moment { now: Timestamp::from_millis(1), stamp: &Stamp::default() };
        let origin = Origin { channel: &channel, name: "poll", moment };
        let large = format!("\"{}\"", "x".repeat(MESSAGE_BYTES_MAX));
        for (bodies, messages_wanted) in [
            (vec![], 0),
            (vec![&b"{}"[..]], 1),
            (vec![br#"{"b": 1.50, "a":"\u00e9"}"#, b"null", b""], 1),
            (vec![b"{", b"\xff\x00", b"[1] 2"], 1),
            (vec![b"{}", large.as_bytes(), b"{}", b"{}"], 3),
        ] {
            let drafts: Vec<Draft> = bodies.iter().map(|data| told(data)).collect();
            let kept = messages(origin, drafts.clone());
            assert_eq!(kept.len(), messages_wanted);
            let again: Vec<Draft> = kept.iter().flat_map(|message| read(message).unwrap()).collect();
            assert_eq!(again, drafts);
            let mut ids: Vec<_> = kept.iter().map(|message| message.id).collect();
            ids.dedup();
            assert_eq!(ids.len(), kept.len(), "no two alike");
        }
    }
}
