//! Samples spoilt, changed and repeated: nothing that comes in may make a connector fail, lose or mistake an event.

use std::collections::BTreeSet;

use serde_json::Value;
use snodo_host::{Draft, Failure};

use super::events::{Known, UNKNOWN, data};
use super::input::{Input, Loss, Outcome};
use super::mutants::{self, Mutant};
use super::{Check, Level, Trial, growth};
use crate::golden;

/// Nothing that comes in may make it fail, and nothing may vanish.
pub fn spoilt<I: Input>(trial: &Trial<'_>, samples: &[Known<I>]) -> Check {
    let mut check = Check::new("spoilt messages", Level::Silver);
    for known in samples {
        for (place, body) in known.input.bodies().into_iter().enumerate() {
            let spoilt = [mutants::truncated, mutants::hollow, mutants::mistyped, mutants::huge];
            for Mutant { how, body } in spoilt.iter().flat_map(|spoil| spoil(body)) {
                // Nothing and a list of nothing hold nothing that could be lost.
                let holds_nothing = is_nothing(I::LOSS, known.input.bodies()[place], &body);
                let at = known.at(place, &how);
                let outcome = known.input.with_body(place, body).drafts(trial.connector, golden::CHANNEL);
                fails(&mut check, &at, &outcome);
                let Ok(found) = outcome else { continue };
                let is_lost = match I::LOSS {
                    Loss::Nothing => found.is_empty() && !known.drafts.is_empty(),
                    Loss::Fewer => found.len() < known.drafts.len(),
                    Loss::Wanted => false,
                };
                if is_lost && !holds_nothing {
                    check.find(
                        "drops-events",
                        at,
                        "there is neither an event nor a fault: say unknown.message.received",
                    );
                }
            }
        }
    }
    check
}

/// A page without records is often written without its list, so an object that has nothing of the sample's says nothing.
fn is_nothing(loss: Loss, sample: &[u8], body: &[u8]) -> bool {
    if loss != Loss::Fewer {
        return body.is_empty() || body == b"[]";
    }
    let fields = |body: &[u8]| match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    };
    body.is_empty()
        || matches!(body, b"[]" | b"null")
        || fields(body).is_some_and(|found| {
            fields(sample).is_none_or(|known| !found.keys().any(|name| known.contains_key(name)))
        })
}

/// Counts a trial; whatever is not the connector's own word is a failure.
pub fn fails<T>(check: &mut Check, at: &str, outcome: &Result<T, Failure>) {
    check.tried += 1;
    if let Err(failure) = outcome {
        match failure {
            Failure::Fault(_) => {}
            Failure::TimedOut(_) => check.find("too-slow", at, failure.to_string()),
            Failure::OutOfMemory(_) | Failure::StackOverflow => {
                check.find("too-hungry", at, failure.to_string());
            }
            _ => check.find("panics", at, failure.to_string()),
        }
    }
}

/// What a vendor may change at any time must not change the event.
pub fn changed<I: Input>(trial: &Trial<'_>, samples: &[Known<I>]) -> Check {
    let mut check = Check::new("vendors' changes", Level::Silver);
    for known in samples {
        for (place, body) in known.input.bodies().into_iter().enumerate() {
            if let Some(mutant) = mutants::with_unknown_fields(body) {
                new_fields(trial, &mut check, known, place, mutant);
            }
            if let Some(mutant) = mutants::reordered(body) {
                other_order(trial, &mut check, known, place, mutant);
            }
        }
    }
    if check.tried == 0 && !samples.is_empty() {
        check.needless("its messages are not JSON");
    }
    check
}

fn new_fields<I: Input>(
    trial: &Trial<'_>,
    check: &mut Check,
    known: &Known<I>,
    place: usize,
    mutant: Mutant,
) {
    let at = known.at(place, &mutant.how);
    let outcome = known.input.with_body(place, mutant.body).drafts(trial.connector, golden::CHANNEL);
    fails(check, &at, &outcome);
    match outcome {
        Ok(found) if found.len() < known.drafts.len() => {
            let what = format!("{} events instead of {}", found.len(), known.drafts.len());
            check.find("drops-events", at, what);
        }
        Ok(found) => {
            let told = |draft: &Draft| (draft.kind.clone(), draft.key.clone(), draft.time.clone());
            if !same(&known.drafts, &found, told) {
                check.find("unsettled-by-new-fields", at, "type, key or time of an event changed");
            }
        }
        Err(Failure::Fault(fault)) => check.find("unsettled-by-new-fields", at, fault.to_string()),
        Err(_) => {}
    }
}

fn other_order<I: Input>(
    trial: &Trial<'_>,
    check: &mut Check,
    known: &Known<I>,
    place: usize,
    mutant: Mutant,
) {
    let at = known.at(place, &mutant.how);
    let outcome = known.input.with_body(place, mutant.body).drafts(trial.connector, golden::CHANNEL);
    fails(check, &at, &outcome);
    let told = |draft: &Draft| (draft.kind.clone(), draft.key.clone(), data(draft));
    if outcome.is_ok_and(|found| !same(&known.drafts, &found, told)) {
        check.find("depends-on-order", at, "JSON objects have no order, but the event changed");
    }
}

fn same<T: PartialEq>(one: &[Draft], other: &[Draft], part: impl Fn(&Draft) -> T) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| part(one) == part(other))
}

/// The same again is the same again: alone, among others, on an instance that has worked, told once more.
pub fn repeated<I: Input>(trial: &Trial<'_>, samples: &[Known<I>]) -> Check {
    let mut check = Check::new("repetition", Level::Silver);
    for Known { name, input, drafts } in samples {
        check.tried += 1;
        for channel in ["again", "again", "afresh"] {
            if input.drafts(trial.connector, channel).as_ref().ok() != Some(drafts) {
                check.find("not-deterministic", name, "the same became something else the next time");
                break;
            }
        }
        match input.later().drafts(trial.connector, golden::CHANNEL) {
            Ok(found) if !same(drafts, &found, |draft| draft.key.clone()) => check.find(
                "duplicates-on-retry",
                name,
                "told once more, it has another key: take the key from the id of what is told, not from time or place",
            ),
            Ok(_) => {}
            Err(failure) => check.find("not-deterministic", name, failure.to_string()),
        }
        // Which id a thing has that nobody understood is the vendor's affair.
        let known = drafts.iter().filter(|draft| draft.kind != UNKNOWN);
        let keys: Vec<&String> = known.filter_map(|draft| draft.key.as_ref()).collect();
        if keys.iter().collect::<BTreeSet<_>>().len() < keys.len() {
            check.find(
                SHARED_KEY,
                name,
                "two of its events have one key: the hub takes the second for the first",
            );
        }
    }
    together(trial, &mut check, samples);
    check
}

pub const SHARED_KEY: &str = "shared-key";

/// Those of one configuration together, in both directions.
fn together<I: Input>(trial: &Trial<'_>, check: &mut Check, samples: &[Known<I>]) {
    for sample in samples {
        let mut batch: Vec<&Known<I>> =
            samples.iter().filter(|other| other.input.config() == sample.input.config()).collect();
        if batch.len() < 2 || batch[0].name != sample.name {
            continue;
        }
        for _ in 0..2 {
            batch.reverse();
            let inputs: Vec<&I> = batch.iter().map(|known| &known.input).collect();
            let Some(results) = I::together(&inputs, trial.connector) else { return };
            check.tried += 1;
            let differs =
                |(known, result): &(&&Known<I>, &Outcome)| result.as_ref().ok() != Some(&known.drafts);
            let wrong: Vec<_> = batch.iter().zip(&results).filter(differs).collect();
            let Some((known, _)) = wrong.first() else { continue };
            let at = format!("{} in a batch of {}", known.name, batch.len());
            let is_anothers = wrong.iter().any(|(_, result)| {
                result.as_ref().is_ok_and(|drafts| batch.iter().any(|other| &other.drafts == drafts))
            });
            match is_anothers {
                true => check.find("wrong-order", at, "the result of one stands in another's place"),
                false => {
                    check.find("not-deterministic", at, "its result is another than when it comes alone");
                }
            }
        }
    }
}

pub fn memory<I: Input>(trial: &Trial<'_>, samples: &[Known<I>]) -> Check {
    let Some(known) = samples.first() else { return Check::new("memory", Level::Silver) };
    growth(trial, &known.name, |channel| drop(known.input.drafts(trial.connector, channel)))
}
