//! raw → candidate: the channel's connector says what a message means; the hub gives each event its id and source.

use snodo_core::message::Form;
use snodo_core::{Event, EventId, Message, Timestamp};
use snodo_host::{Draft, Failure, Fault};
use snodo_store::MessageSeq;

use super::{Channel, drafts};

/// A connector that needs more attributes than this is writing a body into them.
const ATTRIBUTES_MAX: usize = 16;

/// A message with what its connector made of it.
pub struct Decoded<T> {
    pub message: MessageSeq,
    pub events: Result<Vec<T>, Problem>,
}

/// Why a whole message is kept in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    pub stage: &'static str,
    pub case: &'static str,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// An event as it would be, if it is valid.
pub struct Candidate {
    pub place: u32,
    pub event: Event,
    /// The same for what is the same event told again; not for another event under its id.
    pub digest: [u8; 16],
}

/// What was decoded, and how many messages were not tried at all: those stay where they are.
pub struct Batch {
    pub decoded: Vec<Decoded<Candidate>>,
    pub left: usize,
}

pub fn decode(channel: &Channel, stored: Vec<(MessageSeq, Message)>, now: Timestamp) -> Batch {
    let is_foreign = |message: &Message| message.envelope.form == Form::Foreign;
    let foreign = || stored.iter().map(|(_, message)| message).filter(|message| is_foreign(message));
    let ids: Vec<String> = foreign().map(|message| message.id.to_string()).collect();
    let messages: Vec<snodo_host::Message<'_>> =
        foreign().zip(&ids).map(|(message, id)| for_connector(message, id)).collect();
    let fitted = channel.fitted();
    let mut results = match messages.is_empty() {
        // A channel that only polls or transforms has a connector that decodes nothing.
        true => Vec::new(),
        false => fitted.connector.decode(&channel.context(fitted, now), &messages),
    }
    .into_iter();
    let mut batch = Batch { decoded: Vec::with_capacity(stored.len()), left: 0 };
    for (seq, message) in stored {
        let told = match is_foreign(&message) {
            true => match results.next().expect("the host gives one result per message") {
                Err(failure) if failure.is_innocent() => {
                    batch.left += 1;
                    continue;
                }
                result => result.map_err(|failure| Problem::of(&failure)),
            },
            false => drafts::read(&message).map_err(Problem::of_drafts),
        };
        let events = told.map(|drafts| candidates(channel, &message, drafts));
        batch.decoded.push(Decoded { message: seq, events });
    }
    batch
}

/// What the channel's connector makes of one message, for somebody who looks.
pub fn drafts(channel: &Channel, message: &Message) -> Result<Vec<Draft>, Failure> {
    let fitted = channel.fitted();
    let id = message.id.to_string();
    let ctx = channel.context(fitted, message.received);
    let mut results = fitted.connector.decode(&ctx, &[for_connector(message, &id)]);
    results.pop().expect("one message has one result")
}

fn for_connector<'a>(message: &'a Message, id: &'a str) -> snodo_host::Message<'a> {
    snodo_host::Message {
        id,
        received_at: u64::try_from(message.received.as_millis()).unwrap_or(0),
        headers: &message.envelope.headers,
        name: &message.envelope.name,
        body: &message.body,
    }
}

impl Problem {
    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Fault(fault) => Self {
                stage: "decode",
                case: case(fault),
                message: fault.problem().message.clone(),
                at: fault.problem().at.clone(),
            },
            _ => Self { stage: "decode", case: "sandbox", message: failure.to_string(), at: None },
        }
    }
}

impl Problem {
    /// A defect of ours, or of the disk.
    fn of_drafts(message: String) -> Self {
        Self { stage: "decode", case: "drafts", message, at: None }
    }
}

/// The case of a fault, as the contract writes it.
pub const fn case(fault: &Fault) -> &'static str {
    match fault {
        Fault::Retry(_) => "retry",
        Fault::RateLimited(_) => "rate-limited",
        Fault::Auth(_) => "auth",
        Fault::Permanent(_) => "permanent",
        Fault::Misconfigured(_) => "misconfigured",
    }
}

fn candidates(channel: &Channel, message: &Message, drafts: Vec<Draft>) -> Vec<Candidate> {
    (0..).zip(drafts).map(|(place, draft)| candidate(channel, message, place, draft)).collect()
}

fn candidate(channel: &Channel, message: &Message, place: u32, draft: Draft) -> Candidate {
    // Without a time of its own an event is taken to have happened when the hub heard of it. Its id must not depend on that,
    // or the same event told twice would have two.
    let occurred = draft.time.as_deref().and_then(Timestamp::parse);
    let id = match &draft.key {
        Some(key) => EventId::of_key(&channel.source, key, occurred.unwrap_or_default()),
        None => EventId::of_place(message.id, place, message.received),
    };
    let mut attributes = draft.attributes;
    attributes.truncate(ATTRIBUTES_MAX);
    let mut hasher = blake3::Hasher::new();
    for part in [&draft.kind, draft.subject.as_deref().unwrap_or(""), draft.time.as_deref().unwrap_or("")] {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    hasher.update(&draft.data);
    let digest = hasher.finalize().as_bytes()[..16].try_into().expect("a digest has 32 bytes");
    if draft.time.is_none() {
        attributes.push(("timeconfidence".to_owned(), "inferred".to_owned()));
    }
    let event = Event {
        id,
        kind: draft.kind.into(),
        source: channel.source.clone(),
        subject: draft.subject,
        time: draft.time.unwrap_or_else(|| message.received.to_string()),
        dataschema: "".into(),
        ordering_key: draft.ordering_key,
        attributes,
        data: draft.data.into(),
    };
    Candidate { place, event, digest }
}
