//! candidate → valid: the envelope and the body against the vocabulary. What violates it is kept whole, with the place.

use bytes::Bytes;
use snodo_core::vocabulary::{Violation, Vocabulary};
use snodo_core::{Body, Timestamp};

use super::decode::{Candidate, Decoded};

/// The attributes that the hub writes itself (CloudEvents 1.0.2, 3; and our own).
const RESERVED: [&str; 10] = [
    "id",
    "source",
    "specversion",
    "type",
    "subject",
    "time",
    "dataschema",
    "datacontenttype",
    "data",
    "data_base64",
];

/// CloudEvents 1.0.2, 3.1: names should not be longer than this.
const ATTRIBUTE_NAME_MAX: usize = 20;

/// A candidate that was looked at.
pub struct Checked<'a> {
    pub candidate: Candidate,
    /// The body, read. Null if it is not JSON.
    pub data: Body<'a>,
    pub violations: Vec<Violation>,
}

/// The bodies of a batch, held apart from its events: what is read of them borrows from here.
pub fn texts(decoded: &[Decoded<Candidate>]) -> Vec<Bytes> {
    decoded.iter().flat_map(|one| &one.events).flatten().map(|one| one.event.data.clone()).collect()
}

/// `texts` are those of the batch.
pub fn validate<'a>(
    vocabulary: &Vocabulary,
    decoded: Vec<Decoded<Candidate>>,
    texts: &'a [Bytes],
) -> Vec<Decoded<Checked<'a>>> {
    let mut texts = texts.iter();
    let mut check = |candidate| check(vocabulary, candidate, texts.next().expect("each candidate has one"));
    decoded
        .into_iter()
        .map(|one| Decoded {
            message: one.message,
            events: one.events.map(|candidates| candidates.into_iter().map(&mut check).collect()),
        })
        .collect()
}

fn check<'a>(vocabulary: &Vocabulary, mut candidate: Candidate, text: &'a [u8]) -> Checked<'a> {
    let mut violations = envelope(&candidate);
    let data = match Body::parse(text) {
        Ok(data) => data,
        Err(error) => {
            let message = format!("not JSON: line {}, column {}", error.line(), error.column());
            violations.push(violation("/data", "json", message));
            Body::Null
        }
    };
    match vocabulary.get(&candidate.event.kind) {
        Some(kind) => {
            candidate.event.dataschema = kind.dataschema.clone();
            if !data.is_null()
                && let Err(found) = vocabulary.check(&candidate.event.kind, &data)
            {
                violations.extend(found);
            }
        }
        None => {
            let message = "no such type: `snodo schema list` shows those there are";
            violations.push(violation("/type", "vocabulary", message.to_owned()));
        }
    }
    Checked { candidate, data, violations }
}

fn envelope(candidate: &Candidate) -> Vec<Violation> {
    let event = &candidate.event;
    let mut violations = Vec::new();
    if Timestamp::parse(&event.time).is_none() {
        violations.push(violation("/time", "format", "not a time with an offset (RFC 3339)".to_owned()));
    }
    if event.subject.as_deref() == Some("") {
        violations.push(violation("/subject", "minLength", "empty: leave it out instead".to_owned()));
    }
    for (name, _) in &event.attributes {
        let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if name.is_empty() || name.len() > ATTRIBUTE_NAME_MAX || !plain || RESERVED.contains(&name.as_str()) {
            let message = "not a name for an attribute: 1 to 20 lower-case letters and digits, none of CloudEvents' own";
            violations.push(violation("/attributes", "name", message.to_owned()));
        }
    }
    violations
}

fn violation(pointer: &str, rule: &str, message: String) -> Violation {
    Violation {
        schema: "snodo:snodo/envelope/1-0-0".into(),
        pointer: pointer.into(),
        rule: rule.into(),
        message,
    }
}
