//! What a client is told of each of its messages, in the order in which they came. Says nothing of what the hub keeps to itself.

use serde::Serialize;
use snodo_core::MessageId;

use crate::transport::AcceptError;
use crate::transport::patience::{pause, word};

/// How long a restart takes, with room to spare.
const STOPPING_RETRY_MS: u64 = 5000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The hub has it for certain: its id.
    Accepted(String),
    /// Nothing was kept.
    Refused(Refusal),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    pub reason: &'static str,
    /// Left out where the same message would be refused again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Answer {
    pub const fn never(reason: &'static str) -> Self {
        Self::Refused(Refusal { reason, retry_after_ms: None })
    }

    pub fn of(accepted: &Result<MessageId, AcceptError>) -> Self {
        let error = match accepted {
            Ok(id) => return Self::Accepted(id.to_string()),
            Err(error) => error,
        };
        let millis = match error {
            AcceptError::Closing => STOPPING_RETRY_MS,
            error => u64::try_from(pause(error).as_millis()).unwrap_or(u64::MAX),
        };
        Self::Refused(Refusal { reason: word(error), retry_after_ms: Some(millis) })
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("text and numbers can be written as JSON")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_outcome_has_its_answer() {
        let busy = AcceptError::Busy { retry_after: Duration::from_secs(1) };
        for (answer, expected) in [
            (Answer::of(&Err(busy)), r#"{"refused":{"reason":"busy","retry_after_ms":1000}}"#),
            (
                Answer::of(&Err(AcceptError::Full)),
                r#"{"refused":{"reason":"no-room","retry_after_ms":2000}}"#,
            ),
            (
                Answer::of(&Err(AcceptError::Closing)),
                r#"{"refused":{"reason":"stopping","retry_after_ms":5000}}"#,
            ),
            (Answer::never("too-deep"), r#"{"refused":{"reason":"too-deep"}}"#),
            (Answer::Accepted("m1".to_owned()), r#"{"accepted":"m1"}"#),
        ] {
            assert_eq!(answer.text(), expected);
        }
    }
}
