//! Short ways to make and read the contract's values.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{
    Answer, Context, Draft, Event, Fault, Message, Outcome, Page, Problem, Question, Request, Step, Wait,
    time,
};

impl Context {
    /// The channel's configuration, as the connector's own type.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.config)
            .map_err(|error| Fault::misconfigured(format!("failed to read the configuration: {error}")))
    }
}

impl Message {
    /// The first header of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; a fault says where it is not. The type may borrow from the body.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Fault> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Fault::permanent(format!("failed to read the body as JSON: {error}")))
    }
}

impl Draft {
    /// An event of that kind with that body; the rest by the `with_` functions or by the hub.
    pub fn new(kind: impl Into<String>, data: &impl Serialize) -> Self {
        let data = serde_json::to_vec(data).expect("a canonical body has string keys, so it is always JSON");
        Self {
            key: None,
            kind: kind.into(),
            subject: None,
            time: None,
            ordering_key: None,
            attributes: Vec::new(),
            data,
        }
    }

    /// What the vocabulary has no word for, kept whole. `topic` is what the vendor calls it.
    pub fn unknown(topic: Option<&str>, body: &impl Serialize) -> Self {
        #[derive(Serialize)]
        struct Kept<'a, T: Serialize> {
            #[serde(skip_serializing_if = "Option::is_none")]
            topic: Option<&'a str>,
            body: &'a T,
            encoding: &'static str,
        }
        let topic = topic.filter(|topic| !topic.is_empty());
        Self::new("unknown.message.received", &Kept { topic, body, encoding: "json" })
    }

    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    pub fn with_time(mut self, time: impl Into<String>) -> Self {
        self.time = Some(time.into());
        self
    }

    pub fn with_ordering_key(mut self, key: impl Into<String>) -> Self {
        self.ordering_key = Some(key.into());
        self
    }

    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.push((name.into(), value.into()));
        self
    }

    /// When it was sent by the sender's clock: the attribute `sentat`; and `clockskewms`, by how much that clock is behind the hub's,
    /// with the way between them. `received_at` is the message's. What the draft already says of both stays; no moment adds nothing.
    ///
    /// ```
    /// use snodo_connector::Draft;
    ///
    /// let draft = Draft::new("web.page.viewed", &()).with_sent("2026-03-01T09:30:00+01:00", 1_772_353_800_250);
    /// let attribute = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    /// assert_eq!(draft.attributes, [("sentat", "2026-03-01T09:30:00+01:00"), ("clockskewms", "250")].map(attribute));
    /// ```
    pub fn with_sent(mut self, sent: &str, received_at: u64) -> Self {
        let Some(sent_ms) = time::epoch_millis(sent) else { return self };
        let skew = i128::from(received_at) - i128::from(sent_ms);
        for (name, value) in [("sentat", sent.to_owned()), ("clockskewms", skew.to_string())] {
            if !self.attributes.iter().any(|(known, _)| known == name) {
                self.attributes.push((name.to_owned(), value));
            }
        }
        self
    }
}

impl Event {
    /// The canonical body, as a type or as a `serde_json::Value`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.data)
            .map_err(|error| Fault::permanent(format!("failed to read the event's body: {error}")))
    }
}

impl Request {
    /// A request with a JSON body.
    pub fn json(method: &str, target: impl Into<String>, body: &impl Serialize) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: vec![("content-type".into(), "application/json".into())],
            body: serde_json::to_vec(body).expect("a request's body has string keys, so it is always JSON"),
        }
    }

    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl Answer {
    /// The first header of that name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, or `None` if it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// What the status alone says by HTTP's own rules (RFC 9110, and RFC 6585 for 429). A vendor may mean something else.
    pub fn fault(&self, message: impl Into<String>) -> Fault {
        let problem = Problem { message: message.into(), at: None };
        match self.status {
            401 | 403 => Fault::Auth(problem),
            429 => Fault::RateLimited(Wait { after_ms: self.retry_after_ms(), bucket: None, problem }),
            404 | 405 | 410 => Fault::Misconfigured(problem),
            408 | 409 | 423 | 425 | 500.. => match self.retry_after_ms() {
                Some(after) => Fault::RateLimited(Wait { after_ms: Some(after), bucket: None, problem }),
                None => Fault::Retry(problem),
            },
            _ => Fault::Permanent(problem),
        }
    }

    /// `Retry-After` in seconds (RFC 9110, 10.2.3). The host turns its date form into seconds before it gets here.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.header("retry-after")?.trim().parse::<u64>().ok()?.checked_mul(1000)
    }
}

impl Outcome {
    /// There is nothing to do for the event at the destination, and why.
    pub fn ignored(why: impl Into<String>) -> Self {
        Self::Ignored(Problem { message: why.into(), at: None })
    }
}

impl From<Fault> for Outcome {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl Step {
    /// What to ask. `state` comes back with the reply.
    pub fn ask(request: Request, state: Vec<u8>) -> Self {
        Self::Ask(Question { request, state })
    }

    /// What was found, and where to go on at once.
    pub fn more(events: Vec<Draft>, cursor: Vec<u8>) -> Self {
        Self::Page(Page { events, cursor, more: true, wait_ms: None })
    }

    /// What was found, and where to go on when it is time to look again. `wait_ms` is how long the other side wants to be left
    /// alone, if it says so.
    pub fn done(events: Vec<Draft>, cursor: Vec<u8>, wait_ms: Option<u64>) -> Self {
        Self::Page(Page { events, cursor, more: false, wait_ms })
    }
}

impl Fault {
    pub fn retry(message: impl Into<String>) -> Self {
        Self::Retry(Problem { message: message.into(), at: None })
    }

    pub fn permanent(message: impl Into<String>) -> Self {
        Self::Permanent(Problem { message: message.into(), at: None })
    }

    /// With a JSON Pointer to the place at fault.
    pub fn permanent_at(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Permanent(Problem { message: message.into(), at: Some(at.into()) })
    }

    pub fn misconfigured(message: impl Into<String>) -> Self {
        Self::Misconfigured(Problem { message: message.into(), at: None })
    }
}
