//! The contract's values as Rust has them. What goes in is borrowed, so that it is copied once: into the guest.
//! What comes out is owned. The component model checks them against the component's own types when it is loaded.

use std::fmt;

use wasmtime::component::{ComponentType, Lift, Lower};

/// A name and its value.
pub type Field = (String, String);

/// What every call is told.
#[derive(Clone, Copy, Debug, ComponentType, Lower)]
#[component(record)]
pub struct Context<'a> {
    pub channel: &'a str,
    /// JSON, already valid against the connector's own schema.
    pub config: &'a [u8],
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub now: u64,
}

/// Something a touchpoint sent, as it came.
#[derive(Clone, Copy, Debug, ComponentType, Lower)]
#[component(record)]
pub struct Message<'a> {
    pub id: &'a str,
    #[component(name = "received-at")]
    pub received_at: u64,
    pub headers: &'a [Field],
    pub name: &'a str,
    pub body: &'a [u8],
}

/// A canonical event.
#[derive(Clone, Copy, Debug, ComponentType, Lower)]
#[component(record)]
pub struct Event<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub source: &'a str,
    pub subject: Option<&'a str>,
    pub time: &'a str,
    pub dataschema: &'a str,
    #[component(name = "ordering-key")]
    pub ordering_key: &'a str,
    pub attributes: &'a [Field],
    pub data: &'a [u8],
}

/// One event on its way to one destination.
#[derive(Clone, Copy, Debug, ComponentType, Lower)]
#[component(record)]
pub struct Delivery<'a> {
    #[component(name = "idempotency-key")]
    pub idempotency_key: &'a str,
    /// 1 for the first.
    pub attempt: u32,
    pub customer: Option<&'a str>,
    pub event: Event<'a>,
}

/// What was answered.
#[derive(Clone, Copy, Debug, ComponentType, Lower)]
#[component(record)]
pub struct Answer<'a> {
    pub status: u16,
    pub headers: &'a [Field],
    pub body: &'a [u8],
}

/// A call that was sent, with what came back.
#[derive(Clone, Copy, Debug, ComponentType, Lower)]
#[component(record)]
pub struct Exchange<'a> {
    /// Those that the call covered, in the order of its `covers`.
    pub deliveries: &'a [Delivery<'a>],
    pub state: &'a [u8],
    pub answer: Answer<'a>,
}

/// An event as a source tells it.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(record)]
pub struct Draft {
    pub key: Option<String>,
    pub kind: String,
    pub subject: Option<String>,
    pub time: Option<String>,
    #[component(name = "ordering-key")]
    pub ordering_key: Option<String>,
    pub attributes: Vec<Field>,
    pub data: Vec<u8>,
}

/// What should be sent.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(record)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<Field>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(record)]
pub struct Problem {
    pub message: String,
    /// JSON Pointer.
    pub at: Option<String>,
}

#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(record)]
pub struct Wait {
    #[component(name = "after-ms")]
    pub after_ms: Option<u64>,
    pub bucket: Option<String>,
    pub problem: Problem,
}

/// Why something did not work. The case is the policy.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(variant)]
pub enum Fault {
    #[component(name = "retry")]
    Retry(Problem),
    #[component(name = "rate-limited")]
    RateLimited(Wait),
    #[component(name = "auth")]
    Auth(Problem),
    #[component(name = "permanent")]
    Permanent(Problem),
    #[component(name = "misconfigured")]
    Misconfigured(Problem),
}

impl Fault {
    pub const fn problem(&self) -> &Problem {
        match self {
            Self::RateLimited(wait) => &wait.problem,
            Self::Retry(problem)
            | Self::Auth(problem)
            | Self::Permanent(problem)
            | Self::Misconfigured(problem) => problem,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.at.as_ref().map_or(Ok(()), |at| write!(f, " (at {at})"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem().fmt(f)
    }
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(variant)]
pub enum Outcome {
    #[component(name = "accepted")]
    Accepted(Option<String>),
    #[component(name = "duplicate")]
    Duplicate,
    #[component(name = "ignored")]
    Ignored(Problem),
    #[component(name = "failed")]
    Failed(Fault),
}

/// A request, and the deliveries it is for, by their place in the batch.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(record)]
pub struct Call {
    pub request: Request,
    pub covers: Vec<u32>,
    pub state: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(record)]
pub struct Settlement {
    pub delivery: u32,
    pub outcome: Outcome,
}

/// As a connector gives it; `Planned` is what is left of it after the check.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(record)]
pub struct Plan {
    pub calls: Vec<Call>,
    pub settled: Vec<Settlement>,
}

/// What a poll asks, and what it will understand the reply by.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(record)]
pub struct Question {
    pub request: Request,
    pub state: Vec<u8>,
}

/// What came back to a question.
#[derive(Clone, Copy, Debug, ComponentType, Lower)]
#[component(record)]
pub struct Reply<'a> {
    pub state: &'a [u8],
    pub answer: Answer<'a>,
}

#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(record)]
pub struct Page {
    pub events: Vec<Draft>,
    pub cursor: Vec<u8>,
    pub more: bool,
    #[component(name = "wait-ms")]
    pub wait_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, ComponentType, Lift)]
#[component(variant)]
pub enum Step {
    #[component(name = "ask")]
    Ask(Question),
    #[component(name = "page")]
    Page(Page),
}
