//! Trials of a destination: the same batch again, events it does not know, and a menu of what vendors answer on bad days.

use serde_json::{Value, json};
use snodo_core::body::Body;
use snodo_host::{Call, Failure, Outcome, Planned, Request};

use super::menu::{self, Said, answered};
use super::{Check, Level, Trial, cassette, growth, hosts};
use crate::folder::Trouble;
use crate::golden::{Answered, Batch, Run, Side};

struct Known {
    name: String,
    batch: Batch,
    /// The calls of the first round, with the places they cover.
    calls: Vec<(Call, Vec<u32>)>,
    /// How it ends with the answers of the case; `None` if it does not end, which the golden cases tell.
    run: Option<Run>,
}

pub fn checks(trial: &Trial<'_>) -> Vec<Check> {
    let mut read = Vec::new();
    for case in trial.folder.cases.iter().filter(|case| case.side == Side::Destination) {
        let Ok(batch) = Batch::read(&case.folder) else { continue };
        let calls = of_round(batch.encode(trial.connector));
        let run = batch.run(trial.connector).ok();
        read.push(Known { name: case.name.clone(), batch, calls, run });
    }
    vec![
        repeated(trial, &read),
        unknown(trial, &read),
        memory(trial, &read),
        personal_data(trial, &read),
        called(trial, &read),
        faults(trial, &read),
        drift(trial, &read),
        in_success(trial, &read),
        partial(trial, &read),
    ]
}

fn of_round(plan: Planned) -> Vec<(Call, Vec<u32>)> {
    plan.calls.into_iter().map(|call| (call.clone(), call.covers)).collect()
}

/// The same deliveries are the same requests, whenever and however often they are tried.
fn repeated(trial: &Trial<'_>, known: &[Known]) -> Check {
    let mut check = Check::new("repetition", Level::Silver);
    for Known { name, batch, calls, .. } in known {
        check.tried += 1;
        let requests = |batch: &Batch| -> Vec<Request> {
            of_round(batch.encode(trial.connector)).into_iter().map(|(call, _)| call.request).collect()
        };
        let first: Vec<Request> = calls.iter().map(|(call, _)| call.request.clone()).collect();
        if requests(batch) != first {
            check.find("not-deterministic", name, "the same deliveries became other requests the next time");
            continue;
        }
        let mut again = Batch { now: batch.now + 3_600_000, ..batch.clone() };
        again.deliveries.iter_mut().for_each(|delivery| delivery.attempt += 1);
        if requests(&again) != first {
            let what = "the second attempt sends something else: make ids and keys of the idempotency key, not of time or attempt";
            check.find("duplicates-on-retry", name, what);
        }
        order_of_outcomes(trial, &mut check, name, batch, calls);
    }
    check
}

/// Two exchanges interpreted together must each have the plan that they have alone.
fn order_of_outcomes(
    trial: &Trial<'_>,
    check: &mut Check,
    name: &str,
    batch: &Batch,
    calls: &[(Call, Vec<u32>)],
) {
    let Some((call, places)) = calls.first() else { return };
    let answers = [answered(200, &[], &json!({})), answered(503, &[], &json!({}))];
    let alone: Vec<Planned> =
        answers.iter().map(|answer| batch.interpret(trial.connector, call, places, answer)).collect();
    let together = batch.interpret_all(trial.connector, call, places, &answers);
    if alone != together {
        let turned = alone.iter().rev().eq(&together);
        let fault = if turned { "wrong-order" } else { "not-deterministic" };
        check.find(fault, name, "answers interpreted together mean something else than alone");
    }
}

/// Each type of the vocabulary, by its own example, and one that nobody knows.
fn unknown(trial: &Trial<'_>, known: &[Known]) -> Check {
    let mut check = Check::new("unexpected events", Level::Silver);
    let Some(Known { batch, .. }) = known.first() else { return check };
    let Some(model) = batch.deliveries.first() else { return check };
    let mut try_one = |kind: &str, data: Vec<u8>| {
        check.tried += 1;
        let mut delivery = model.clone();
        (delivery.event.kind, delivery.event.data) = (kind.to_owned(), data);
        let plan = Batch { deliveries: vec![delivery], ..batch.clone() }.encode(trial.connector);
        if let Some((_, failure)) = plan.failed.first() {
            let fault = match failure {
                Failure::Broken(_) => "drops-events",
                _ => "panics",
            };
            check.find(fault, kind, failure.to_string());
        }
    };
    try_one("unknown.message.received", br#"{"topic":"x","encoding":"json","body":{"a":[1]}}"#.to_vec());
    try_one("vendor.thing.happened", b"{}".to_vec());
    for kind in trial.vocabulary.kinds() {
        for example in trial.vocabulary.examples(kind) {
            // Those that are not valid never come so far.
            let data = example.data.to_string();
            let is_valid =
                Body::parse(data.as_bytes()).is_ok_and(|data| trial.vocabulary.check(kind, &data).is_ok());
            if is_valid {
                try_one(kind, data.into_bytes());
            }
        }
    }
    check
}

fn memory(trial: &Trial<'_>, known: &[Known]) -> Check {
    let Some(Known { name, batch, .. }) = known.first() else { return Check::new("memory", Level::Silver) };
    growth(trial, name, |channel| drop(batch.encode_in(trial.connector, channel)))
}

/// Shorter values are found everywhere.
const TELLING_MIN: usize = 5;

fn personal_data(trial: &Trial<'_>, known: &[Known]) -> Check {
    let mut check = Check::new("personal data", Level::Silver);
    let manifest = trial.folder.manifest.destination.as_ref();
    let declared = manifest.map(|destination| destination.personal_data.as_slice()).unwrap_or_default();
    for Known { name, batch, calls, run } in known {
        check.tried += 1;
        let later = run.iter().flat_map(|run| &run.rounds).flat_map(|round| &round.calls);
        let sent: String = calls
            .iter()
            .chain(later)
            .map(|(call, _)| {
                let headers: String =
                    call.request.headers.iter().map(|(_, value)| format!("{value}\n")).collect();
                format!("{}\n{headers}{}\n", call.request.target, String::from_utf8_lossy(&call.request.body))
            })
            .collect();
        for delivery in &batch.deliveries {
            let Ok(data) = serde_json::from_slice::<Value>(&delivery.event.data) else { continue };
            for value in trial.privacy.personal_values(&delivery.event.kind, &data) {
                let class = value.class.as_str();
                let is_declared = declared.iter().any(|one| one == "*" || one == class);
                if !is_declared && value.value.len() >= TELLING_MIN && sent.contains(&value.value) {
                    let what = format!(
                        "{} of {} is {class} data, which the manifest does not declare, and is sent",
                        value.pointer, delivery.event.kind
                    );
                    check.find("undeclared-personal-data", name, what);
                }
            }
        }
    }
    check
}

/// The hosts that are called. Where the manifest has none, the channel names them all.
fn called(trial: &Trial<'_>, known: &[Known]) -> Check {
    let manifest = trial.folder.manifest.destination.as_ref();
    let declared = manifest.map(|destination| destination.hosts.as_slice()).unwrap_or_default();
    if declared.is_empty() {
        let mut check = Check::new("hosts", Level::Silver);
        check.needless("its channels name the hosts");
        return check;
    }
    let asked = known.iter().flat_map(|Known { name, batch, calls, run }| {
        let later = run.iter().flat_map(|run| &run.rounds).flat_map(|round| &round.calls);
        let targets = calls.iter().chain(later).map(|(call, _)| call.request.target.as_str());
        targets.map(move |target| hosts::Asked { name, config: &batch.config, target })
    });
    hosts::hosts(declared, asked)
}

/// What HTTP says by itself.
fn faults(trial: &Trial<'_>, known: &[Known]) -> Check {
    let mut check = Check::new("menu of faults", Level::Gold);
    for Known { name, batch, calls, .. } in known {
        for (number, (call, places)) in (1..).zip(calls) {
            for dish in menu::dishes() {
                check.tried += 1;
                let at = dish.at(name, number);
                let plan = batch.interpret(trial.connector, call, places, &dish.answered());
                if let Some((_, failure)) = plan.failed.first() {
                    check.find("panics", at, failure.to_string());
                    continue;
                }
                for settlement in &plan.settled {
                    let said = match &settlement.outcome {
                        Outcome::Accepted(_) => Said::Success,
                        Outcome::Failed(fault) => Said::Fault(fault),
                        Outcome::Duplicate | Outcome::Ignored(_) => Said::Other,
                    };
                    if let Some((fault, what)) = dish.judge(&said) {
                        check.find(fault, at.clone(), what);
                    }
                }
                // A refused batch may go out again in parts, but not at once where the vendor asks for patience.
                if dish.status == 429 && !plan.calls.is_empty() {
                    check.find("swallows-rate-limit", at, "it calls again at once");
                }
            }
        }
    }
    check
}

/// Successes with bodies that nobody expects.
fn drift(trial: &Trial<'_>, known: &[Known]) -> Check {
    let mut check = Check::new("schema drift", Level::Silver);
    for Known { name, batch, calls, .. } in known {
        for (call, places) in calls {
            for body in menu::UNEXPECTED {
                check.tried += 1;
                let answer = Answered { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() };
                let plan = batch.interpret(trial.connector, call, places, &answer);
                if let Some((_, failure)) = plan.failed.first() {
                    check.find("panics", format!("{name}: 200 with {body:?}"), failure.to_string());
                }
            }
        }
    }
    check
}

/// The vendor's own way of saying no in a success, from the cassette.
fn in_success(trial: &Trial<'_>, known: &[Known]) -> Check {
    cassette::in_success(trial, |check, recorded| {
        for Known { name, batch, calls, .. } in known {
            for (call, places) in
                calls.iter().filter(|(call, _)| call.request.target.contains(&recorded.target))
            {
                check.tried += 1;
                let plan = batch.interpret(trial.connector, call, places, &recorded.answered());
                let taken =
                    plan.settled.iter().any(|settlement| matches!(settlement.outcome, Outcome::Accepted(_)));
                if taken {
                    check.find(
                        cassette::FAULT,
                        name,
                        "the answer says that it failed, in a 2xx; the outcome says accepted",
                    );
                }
            }
        }
    })
}

/// The vendor's own way of taking a part of a batch, from the golden cases.
fn partial(trial: &Trial<'_>, known: &[Known]) -> Check {
    let mut check = Check::new("partial failures", Level::Gold);
    let is_partial = |run: &Run| {
        run.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Accepted(_)))
            && run.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Failed(_)))
    };
    check.tried = known.iter().filter(|known| known.run.as_ref().is_some_and(is_partial)).count();
    if check.tried == 0 {
        match trial.folder.cassette.absent.get(&Trouble::PartialFailure) {
            Some(why) => check.needless(why),
            None => check.find(
                "partial-failure-not-shown",
                "golden/",
                "add a case in which a part of a batch fails, or say in cassette.toml under [absent] why that cannot be",
            ),
        }
    }
    check
}
