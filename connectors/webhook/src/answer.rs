//! What a receiver's answer means, by Standard Webhooks and RFC 9110. Never reads the body of the answer.

use snodo_connector::{Answer, Fault, Outcome};

use crate::config::Config;

pub fn outcome(answer: &Answer, config: &Config) -> Outcome {
    if config.is_duplicate(answer.status) {
        return Outcome::Duplicate;
    }
    if answer.is_success() {
        return Outcome::Accepted(None);
    }
    Outcome::Failed(fault(answer))
}

/// The receiver understood the request and would not have this body: with several events in it, one may be the reason.
pub fn blames_the_body(answer: &Answer) -> bool {
    matches!(answer.status, 400 | 413 | 422)
}

fn fault(answer: &Answer) -> Fault {
    let status = answer.status;
    match status {
        // The hub follows no redirect: it would carry the event to a host that nobody declared.
        300..=399 => Fault::misconfigured(format!(
            "the receiver answered {status} and asks for another address: set the channel's url to where it has moved"
        )),
        410 => Fault::misconfigured(
            "the receiver answered 410: this endpoint is gone and wants no more events; close the channel or set its url",
        ),
        404 | 405 => Fault::misconfigured(format!(
            "the receiver answered {status}: nothing takes events there; check the channel's url and method"
        )),
        415 => Fault::misconfigured(
            "the receiver answered 415: it does not take this content type; set the channel's body to the other form",
        ),
        _ => answer.fault(format!("the receiver answered {status}")),
    }
}
