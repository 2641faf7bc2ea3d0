//! The menu of faults: what HTTP says by itself, by the status, and for 429 and 503 by when to come back. The same for whoever
//! reads an answer, a destination or a poll.

use serde_json::{Value, json};
use snodo_host::Fault;

use crate::golden::Answered;

/// What was made of an answer.
pub enum Said<'a> {
    Success,
    Fault(&'a Fault),
    /// Neither: another question, or nothing to do.
    Other,
}

/// One answer of the menu.
pub struct Dish {
    pub status: u16,
    pub retry_after: bool,
}

pub type Verdict = Option<(&'static str, &'static str)>;

/// The seconds that a vendor names, where it does.
const RETRY_AFTER: (&str, u64) = ("7", 7_000);

const STATUSES: [u16; 12] = [429, 500, 502, 503, 504, 401, 302, 400, 403, 404, 413, 422];

pub fn dishes() -> impl Iterator<Item = Dish> {
    let plain = STATUSES.into_iter().map(|status| Dish { status, retry_after: false });
    std::iter::once(Dish { status: 429, retry_after: true }).chain(plain)
}

impl Dish {
    pub fn answered(&self) -> Answered {
        let headers: &[(&str, &str)] = if self.retry_after { &[("retry-after", RETRY_AFTER.0)] } else { &[] };
        answered(self.status, headers, &json!({"status": "error", "message": "no", "category": "TEST"}))
    }

    pub fn at(&self, name: &str, call: usize) -> String {
        let with = if self.retry_after { " and Retry-After: 7" } else { "" };
        format!("{name}: {}{with} to call {call}", self.status)
    }

    /// What is wrong with it, if anything is.
    pub fn judge(&self, said: &Said<'_>) -> Verdict {
        let patience = Some(("swallows-rate-limit", "429 asks for patience: say rate-limited"));
        match (self.status, said) {
            (429, Said::Fault(Fault::RateLimited(wait))) if self.retry_after => {
                let keeps = wait.after_ms.is_some_and(|after| after >= RETRY_AFTER.1);
                let ignores = ("ignores-retry-after", "the vendor named a time: give it as after_ms");
                (!keeps).then_some(ignores)
            }
            (429, Said::Fault(Fault::RateLimited(_))) => None,
            (429, Said::Fault(Fault::Retry(_))) if !self.retry_after => None,
            (429, Said::Fault(_)) => patience,
            (429, _) => Some(("swallows-rate-limit", "429 is no success")),
            (500.., Said::Fault(Fault::RateLimited(_) | Fault::Retry(_))) => None,
            (500.., Said::Fault(_)) => {
                Some(("gives-up-too-soon", "the vendor may be back in a minute: say retry"))
            }
            (500.., _) => Some(("error-as-success", "5xx is no success")),
            (401, Said::Fault(Fault::Auth(_))) => None,
            (401, Said::Fault(_)) => Some(("expired-token-unseen", "401 wants another credential: say auth")),
            (401, _) => Some(("error-as-success", "401 is no success")),
            (_, Said::Success) => Some(("error-as-success", "only 2xx is a success")),
            _ => None,
        }
    }
}

pub fn answered(status: u16, headers: &[(&str, &str)], body: &Value) -> Answered {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answered { status, headers, body: body.to_string().into_bytes() }
}

/// Bodies of a success that nobody expects.
pub const UNEXPECTED: [&str; 7] = [
    "",
    "<html>",
    "{}",
    "[]",
    "null",
    r#"{"unexpected":{"a":[1]}}"#,
    r#"{"results":"none","errors":7,"id":{}}"#,
];
