//! Whether a customer has agreed to what a route is for. What is not known is not agreed to.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Body, Timestamp};

/// An event that speaks of more purposes than this is not about one person's choices.
const PURPOSES_MAX: usize = 64;

/// What a customer has said about one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Granted,
    Denied,
    Withdrawn,
    Pending,
    Unknown,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
        }
    }

    /// Anything the hub does not understand is unknown, and unknown is not agreement.
    pub fn parse(text: &str) -> Self {
        match text {
            "granted" => Self::Granted,
            "denied" => Self::Denied,
            "withdrawn" => Self::Withdrawn,
            "pending" => Self::Pending,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What an event says about one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub purpose: String,
    pub state: State,
    /// When the customer said so; the event's own time if it does not say.
    pub at: Timestamp,
}

/// What the body of an event says about consent.
pub fn changes(data: &Body<'_>, occurred: Timestamp) -> Vec<Change> {
    let Some(purposes) = data.pointer("/consent/purposes") else { return Vec::new() };
    purposes
        .fields()
        .iter()
        .take(PURPOSES_MAX)
        .map(|(purpose, said)| Change {
            purpose: purpose.clone().into_owned(),
            state: said.get("state").and_then(Body::text).map_or(State::Unknown, State::parse),
            at: said.get("at").and_then(Body::text).and_then(Timestamp::parse).unwrap_or(occurred),
        })
        .collect()
}

/// Everything a customer has said, by purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consents(BTreeMap<String, (State, Timestamp)>);

impl Consents {
    /// What was said later counts; of two things said at one time, the one that agrees to less.
    pub fn apply(&mut self, change: &Change) {
        let stands = self.0.get(&change.purpose);
        let counts = stands
            .is_none_or(|(state, at)| change.at > *at || (change.at == *at && *state == State::Granted));
        if counts {
            self.0.insert(change.purpose.clone(), (change.state, change.at));
        }
    }

    /// What was said about a purpose, or about the nearest wider one: `marketing` speaks for `marketing.email`.
    pub fn state(&self, purpose: &str) -> Option<State> {
        let mut purpose = purpose;
        loop {
            if let Some((state, _)) = self.0.get(purpose) {
                return Some(*state);
            }
            purpose = purpose.rsplit_once('.')?.0;
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, State, Timestamp)> {
        self.0.iter().map(|(purpose, (state, at))| (purpose.as_str(), *state, *at))
    }
}

/// What a purpose rests on (GDPR, article 6(1)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The customer has agreed, and can take it back: 6(1)(a).
    Consent,
    /// Needed for a contract with the customer: 6(1)(b).
    Contract,
    /// The law demands it: 6(1)(c).
    LegalObligation,
    /// An interest that outweighs the customer's: 6(1)(f). An objection (denied or withdrawn) ends it.
    LegitimateInterest,
}

/// Whether an event about this customer may be used for a purpose; if not, why not, in words without personal data.
pub fn judge(purpose: &str, basis: Basis, consents: Option<&Consents>) -> Result<(), String> {
    let state = consents.and_then(|consents| consents.state(purpose));
    match (basis, state) {
        (Basis::Contract | Basis::LegalObligation, _) => Ok(()),
        (Basis::Consent, Some(State::Granted)) => Ok(()),
        (Basis::LegitimateInterest, Some(State::Denied | State::Withdrawn)) => {
            Err(format!("the customer objected to {purpose}"))
        }
        (Basis::LegitimateInterest, _) => Ok(()),
        (Basis::Consent, Some(state)) => Err(format!("consent to {purpose} is {state}")),
        (Basis::Consent, None) if consents.is_none() => {
            Err(format!("consent to {purpose} is needed, and the event names no customer"))
        }
        (Basis::Consent, None) => Err(format!("the customer has said nothing about {purpose}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_000);

    fn said(pairs: &[(&str, &str, i64)]) -> Consents {
        let mut consents = Consents::default();
        for (purpose, state, at) in pairs {
            let at = Timestamp::from_millis(*at);
            consents.apply(&Change { purpose: (*purpose).into(), state: State::parse(state), at });
        }
        consents
    }

    #[test]
    fn only_what_was_granted_is_allowed() {
        let granted = said(&[("marketing", "granted", 1)]);
        let narrowed = said(&[("marketing", "granted", 1), ("marketing.sms", "denied", 1)]);
        for (purpose, consents, allowed) in [
            ("marketing.email", &granted, true),
            ("marketing.email", &narrowed, true),
            ("marketing.sms", &narrowed, false),
            ("profiling", &granted, false),
            ("marketing.email", &said(&[("marketing.email", "pending", 1)]), false),
            ("marketing.email", &said(&[("marketing.email", "yes!", 1)]), false),
        ] {
            assert_eq!(
                judge(purpose, Basis::Consent, Some(consents)).is_ok(),
                allowed,
                "{purpose} {consents:?}"
            );
        }
        assert!(judge("marketing", Basis::Consent, None).is_err());
        assert!(judge("orders", Basis::Contract, None).is_ok());
        assert!(judge("ads", Basis::LegitimateInterest, Some(&said(&[("ads", "denied", 1)]))).is_err());
    }

    #[test]
    fn the_later_word_counts_and_a_tie_goes_to_the_customer() {
        for (sequence, state) in [
            (vec![("m", "granted", 1), ("m", "withdrawn", 2)], State::Withdrawn),
            (vec![("m", "withdrawn", 2), ("m", "granted", 1)], State::Withdrawn),
            (vec![("m", "granted", 2), ("m", "denied", 2)], State::Denied),
            (vec![("m", "denied", 2), ("m", "granted", 2)], State::Denied),
        ] {
            assert_eq!(said(&sequence).state("m"), Some(state), "{sequence:?}");
        }
    }

    #[test]
    fn a_body_says_what_it_says() {
        let data = json!({"consent": {"purposes": {
            "marketing.email": {"state": "granted", "at": "1970-01-01T00:00:02Z"},
            "marketing.sms": {"state": "withdrawn"},
        }}});
        let found = changes(&Body::from(&data), AT);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].state, found[0].at.as_millis()), (State::Granted, 2_000));
        assert_eq!((found[1].state, found[1].at), (State::Withdrawn, AT));
    }
}
