//! answers → fates: the connector says what an answer means, and its word is the policy. A call that had no answer is the
//! transport's to explain.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use snodo_core::breaker::Sign;
use snodo_core::{Fate, Timestamp};
use snodo_host::{Failure, Fault, Outcome, Planned};
use snodo_store::{Due, Settled, Settlement};

use super::decode::case;
use super::encode::{Call, Carried};
use super::{Channel, Fitted, Line};
use crate::sender::{SendFailure, Sender};
use crate::transport::Answer;

/// Rounds of one delivery: a search and an upsert are two. A connector that needs more than this goes in circles.
const ROUNDS_MAX: u32 = 8;

/// Of an answer that was not a success, this much is kept for whoever looks into it.
const EXCERPT_BYTES_MAX: usize = 512;

/// How long to wait before what was not tried is tried.
const AGAIN_SOON: Duration = Duration::from_secs(1);

/// A call with what came back, or why nothing did.
pub struct Answered {
    carried: Vec<Carried>,
    state: Vec<u8>,
    fitted: Arc<Fitted>,
    round: u32,
    sent: Sent,
    answer: Result<Answer, SendFailure>,
}

#[derive(Default)]
pub struct Interpreted {
    pub follow_ups: Vec<Call>,
    pub settled: Vec<Settled>,
    /// What the answers say of the destination as a whole, in their order.
    pub heard: Vec<Heard>,
    /// How many of them may have asked for patience.
    pub patience: usize,
}

/// What an answer says of the destination as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// And what was wrong, in a word: never the connector's own, which may quote the event.
    Sign(Sign, &'static str),
    /// It asks for patience: for so long, if it says.
    Limited(Option<Duration>),
}

/// What was sent and answered.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sent {
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    round: u32,
    bytes: usize,
    digest: String,
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The beginning of an answer that was no success.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// An attempt as it is kept, and as `explain` shows it.
#[derive(Serialize)]
struct Attempt<'a> {
    at: String,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// The id that the destination gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    remote: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<&'a Sent>,
}

impl Attempt<'_> {
    fn record(&self) -> Option<String> {
        Some(serde_json::to_string(self).expect("an attempt has nothing that JSON cannot hold"))
    }
}

impl Answered {
    /// Whether it may ask for patience, as far as can be told without the connector (RFC 6585, 4; RFC 9110, 15.6.4).
    pub fn may_ask_for_patience(&self) -> bool {
        self.answer.as_ref().is_ok_and(|answer| matches!(answer.status, 429 | 503))
    }

    /// Sends a call.
    pub async fn of(call: Call, sender: &Sender) -> Self {
        let Call { request, carried, state, fitted, round } = call;
        let begun = std::time::Instant::now();
        let mut sent = Sent {
            request: Some(sender.describe(&request)),
            round,
            bytes: request.body.len(),
            digest: blake3::hash(&request.body).to_hex()[..16].to_owned(),
            ..Sent::default()
        };
        let answer = sender.send(&carried[0].idempotency_key, request).await;
        sent.ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &answer {
            Ok(answer) => {
                sent.status = Some(answer.status);
                if !(200..300).contains(&answer.status) && !answer.body.is_empty() {
                    let excerpt = &answer.body[..answer.body.len().min(EXCERPT_BYTES_MAX)];
                    sent.answer = Some(String::from_utf8_lossy(excerpt).into_owned());
                }
            }
            Err(error) => sent.error = Some(error.to_string()),
        }
        Self { carried, state, fitted, round, sent, answer }
    }
}

/// `fails`: the destination fails as a whole.
pub fn interpret(
    line: &Line,
    channel: &Channel,
    answered: Vec<Answered>,
    now: Timestamp,
    fails: bool,
) -> Interpreted {
    // Neighbours have the same, but for the moment at which another took its place.
    let by_fitted = answered.chunk_by(|one, next| Arc::ptr_eq(&one.fitted, &next.fitted));
    let planned: Vec<Planned> = by_fitted.flat_map(|answered| explain(channel, answered, now)).collect();
    let patience = answered.iter().filter(|one| one.may_ask_for_patience()).count();
    let mut interpreted = Interpreted { patience, ..Interpreted::default() };
    for (one, planned) in answered.into_iter().zip(planned) {
        let told = Told { round: one.round + 1, sent: Some(&one.sent), now, fails };
        let laid_out = lay_out(line, planned, one.carried, &one.fitted, told);
        interpreted.follow_ups.extend(laid_out.calls);
        interpreted.settled.extend(laid_out.settled);
        interpreted.heard.extend(laid_out.heard);
    }
    interpreted
}

/// One plan per answer, all of calls of one connector; those without an answer are not the connector's business.
fn explain(channel: &Channel, answered: &[Answered], now: Timestamp) -> Vec<Planned> {
    let deliveries: Vec<Vec<snodo_host::Delivery<'_>>> =
        answered.iter().map(|one| one.carried.iter().map(Carried::for_connector).collect()).collect();
    let exchanges: Vec<snodo_host::Exchange<'_>> = answered
        .iter()
        .zip(&deliveries)
        .filter_map(|(one, deliveries)| {
            let answer = one.answer.as_ref().ok()?;
            let answer =
                snodo_host::Answer { status: answer.status, headers: &answer.headers, body: &answer.body };
            Some(snodo_host::Exchange { deliveries, state: &one.state, answer })
        })
        .collect();
    let mut explained = match answered.first() {
        Some(Answered { fitted, .. }) if !exchanges.is_empty() => {
            fitted.connector.interpret(&channel.context(fitted, now), &exchanges)
        }
        _ => Vec::new(),
    }
    .into_iter();
    let explain_one = |one: &Answered| match &one.answer {
        Ok(_) => explained.next().expect("the host gives one plan per exchange"),
        Err(error) => unanswered(error, one.carried.len()),
    };
    answered.iter().map(explain_one).collect()
}

fn unanswered(error: &SendFailure, count: usize) -> Planned {
    let failed = (0..).take(count).map(|place| (place, Failure::Fault(error.fault()))).collect();
    Planned { failed, ..Planned::default() }
}

/// What a plan came to: calls with their deliveries, and the deliveries that are settled.
pub struct LaidOut {
    pub calls: Vec<Call>,
    pub settled: Vec<Settled>,
    pub heard: Vec<Heard>,
}

/// What is known when a plan is laid out.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The round that the plan's calls belong to.
    pub round: u32,
    /// What was sent before, if anything was.
    pub sent: Option<&'a Sent>,
    pub now: Timestamp,
    /// The destination fails as a whole: nothing is given up for that.
    pub fails: bool,
}

/// Gives each delivery of a batch to the call that covers it, or settles it.
pub fn lay_out(
    line: &Line,
    planned: Planned,
    batch: Vec<Carried>,
    fitted: &Arc<Fitted>,
    told: Told<'_>,
) -> LaidOut {
    let mut batch: Vec<Option<Carried>> = batch.into_iter().map(Some).collect();
    let mut take = |place: u32| batch[place as usize].take().expect("the host covers each delivery once");
    let (mut settled, mut heard) = (Vec::new(), Vec::new());
    for one in planned.settled {
        let carried = take(one.delivery);
        let outcome = Ok(one.outcome);
        heard.extend(hear(&outcome, &carried.due, told.sent));
        settled.push(settle(line, &carried.due, &outcome, told));
    }
    for (place, failure) in planned.failed {
        let carried = take(place);
        let outcome = match failure {
            Failure::Fault(fault) => Ok(Outcome::Failed(fault)),
            failure => Err(failure),
        };
        heard.extend(hear(&outcome, &carried.due, told.sent));
        settled.push(settle(line, &carried.due, &outcome, told));
    }
    let mut calls = Vec::new();
    for call in planned.calls {
        let carried: Vec<Carried> = call.covers.iter().map(|place| take(*place)).collect();
        if told.round > ROUNDS_MAX {
            let failure = Err(Failure::Broken(format!("it asked for more than {ROUNDS_MAX} rounds")));
            settled.extend(carried.iter().map(|one| settle(line, &one.due, &failure, told)));
            continue;
        }
        let fitted = Arc::clone(fitted);
        calls.push(Call { request: call.request, carried, state: call.state, fitted, round: told.round });
    }
    LaidOut { calls, settled, heard }
}

/// Nothing, if nothing was sent or it is the connector that failed.
fn hear(outcome: &Result<Outcome, Failure>, due: &Due, sent: Option<&Sent>) -> Option<Heard> {
    let is_answered = sent?.status.is_some();
    let works = Some(Heard::Sign(Sign::Works, ""));
    match outcome.as_ref().ok()? {
        Outcome::Accepted(_) | Outcome::Duplicate | Outcome::Ignored(_) => works,
        Outcome::Failed(Fault::Permanent(_)) if is_answered => works,
        Outcome::Failed(Fault::Permanent(_)) => None,
        Outcome::Failed(Fault::RateLimited(_)) => Some(Heard::Limited(asked(outcome.as_ref().ok()?))),
        Outcome::Failed(Fault::Auth(_)) => Some(Heard::Sign(Sign::Away, "it lets nobody in")),
        Outcome::Failed(Fault::Retry(_) | Fault::Misconfigured(_)) if is_answered => {
            Some(Heard::Sign(Sign::Failed(due.seq.0), "it answers that it cannot take anything"))
        }
        Outcome::Failed(Fault::Retry(_)) => Some(Heard::Sign(Sign::Away, "it does not answer")),
        Outcome::Failed(Fault::Misconfigured(_)) => {
            Some(Heard::Sign(Sign::Failed(due.seq.0), "its channel is misconfigured"))
        }
    }
}

pub(super) fn settle(
    line: &Line,
    due: &Due,
    outcome: &Result<Outcome, Failure>,
    Told { sent, now, fails, .. }: Told<'_>,
) -> Settled {
    let (name, why, end) = match outcome {
        Ok(Outcome::Accepted(_)) => ("accepted", None, Some(Fate::Delivered)),
        Ok(Outcome::Duplicate) => ("duplicate", None, Some(Fate::Duplicate)),
        Ok(Outcome::Ignored(problem)) => ("ignored", Some(problem.to_string()), Some(Fate::Filtered)),
        Ok(Outcome::Failed(fault)) => {
            let end = matches!(fault, Fault::Permanent(_)).then_some(Fate::Dead);
            (case(fault), Some(fault.to_string()), end)
        }
        Err(failure) => {
            let end = (!failure.is_innocent()).then_some(Fate::Quarantined);
            ("sandbox", Some(failure.to_string()), end)
        }
    };
    let remote = match outcome {
        Ok(Outcome::Accepted(id)) => id.as_deref(),
        _ => None,
    };
    // What the sandbox did not get to was not tried.
    let untried = sent.is_none() && outcome.as_ref().is_err_and(Failure::is_innocent);
    let attempt = Attempt { at: now.to_string(), outcome: name, reason: why.as_deref(), remote, sent };
    let record = if untried { None } else { attempt.record() };
    let result = match (end, outcome) {
        (Some(fate), _) => Settlement::Final { fate, reason: why },
        (None, Err(_)) => Settlement::Again { due: now + AGAIN_SOON },
        (None, Ok(outcome)) => match line.next_due(due, asked(outcome), now, fails) {
            Some(at) if fails => Settlement::Excused { due: at },
            Some(at) if line.skips(&due.route) => Settlement::Aside { due: at },
            Some(at) => Settlement::Again { due: at },
            None => {
                let why = format!("{} attempts, the last: {}", due.attempt_now, why.unwrap_or_default());
                Settlement::Final { fate: Fate::Dead, reason: Some(why) }
            }
        },
    };
    Settled { seq: due.seq, attempt: due.attempt, record, result }
}

/// The patience that a destination asked for.
const fn asked(outcome: &Outcome) -> Option<Duration> {
    match outcome {
        Outcome::Failed(Fault::RateLimited(wait)) => match wait.after_ms {
            Some(millis) => Some(Duration::from_millis(millis)),
            None => None,
        },
        _ => None,
    }
}

/// Settles a delivery that is not sent at all.
pub fn without_sending(due: &Due, fate: Fate, why: &str, now: Timestamp) -> Settled {
    let attempt =
        Attempt { at: now.to_string(), outcome: fate.as_str(), reason: Some(why), remote: None, sent: None };
    let result = Settlement::Final { fate, reason: Some(why.to_owned()) };
    Settled { seq: due.seq, attempt: due.attempt, record: attempt.record(), result }
}

/// A delivery whose time is up: nothing was tried.
pub fn expired(due: &Due, why: &str) -> Settled {
    let result = Settlement::Final { fate: Fate::Expired, reason: Some(why.to_owned()) };
    Settled { seq: due.seq, attempt: due.attempt, record: None, result }
}

/// A delivery that cannot be judged now: it waits by the schedule, and is dead when that runs out.
pub fn put_off(line: &Line, due: &Due, why: &str, now: Timestamp) -> Settled {
    let fault = Fault::Misconfigured(snodo_host::Problem { message: why.to_owned(), at: None });
    settle(line, due, &Ok(Outcome::Failed(fault)), Told { round: 1, sent: None, now, fails: false })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use snodo_core::vocabulary::Vocabulary;
    use snodo_core::{Event, EventId};
    use snodo_store::DeliverySeq;

    use super::*;

    /// A delivery that the sandbox had no time for comes again, and no attempt of it is counted.
    #[test]
    fn what_was_not_tried_is_no_attempt() {
        let line = Line {
            vocabulary: Arc::new(Vocabulary::load()),
            channels: HashMap::new(),
            routes: HashMap::new(),
            schedule: snodo_core::retry::Schedule::default(),
            retention: snodo_core::declare::Retention::default(),
        };
        let now = Timestamp::from_millis(1_000);
        let due = Due {
            seq: DeliverySeq(1),
            route: "orders".parse().unwrap(),
            destination: "crm".parse().unwrap(),
            attempt: 3,
            attempt_now: 3,
            since: now,
            customer: None,
            ordering_key: None,
            accepted: now,
            fresh: true,
            class: snodo_core::Class::Service,
            replays: 0,
            event: Event {
                id: EventId::of_key("s", "1", now),
                kind: "commerce.order.placed".into(),
                source: "s".into(),
                subject: None,
                time: String::new(),
                dataschema: "".into(),
                ordering_key: None,
                attributes: Vec::new(),
                data: bytes::Bytes::new(),
            },
        };
        let sent = Sent::default();
        let told = |sent| Told { round: 1, sent, now, fails: false };
        let settled = |failure: Failure, sent| settle(&line, &due, &Err(failure), told(sent));
        for failure in [Failure::Postponed, Failure::NotStarted("no memory".into())] {
            let again = settled(failure, None);
            assert_eq!(again.result, Settlement::Again { due: now + AGAIN_SOON });
            assert_eq!((again.attempt, again.record), (3, None));
        }
        assert!(settled(Failure::Postponed, Some(&sent)).record.is_some());
        let broken = settled(Failure::Broken("it lies".into()), None);
        assert!(
            matches!(broken.result, Settlement::Final { fate: Fate::Quarantined, .. })
                && broken.record.is_some()
        );
    }
}
