//! Trials of a source: what it makes of its samples, of the same ones spoilt, and again and again.

use serde_json::Value;
use snodo_core::body::Body;
use snodo_host::{Context, Draft, Failure};

use super::mutants::{self, Mutant};
use super::values::{Decimal, leaves, time_and_offset};
use super::{Check, Level, Trial, growth};
use crate::golden::{Sample, Side};

const UNKNOWN: &str = "unknown.message.received";

type Outcome = Result<Vec<Draft>, Failure>;

struct Known {
    name: String,
    sample: Sample,
    /// What it makes of it, whole. Cases that are faults are no samples to spoil.
    drafts: Vec<Draft>,
}

pub fn checks(trial: &Trial<'_>) -> Vec<Check> {
    let mut read = Vec::new();
    for case in trial.folder.cases.iter().filter(|case| case.side == Side::Source) {
        // A case that cannot be read or is a fault is told of by the golden cases.
        let Ok(sample) = Sample::read(&case.folder) else { continue };
        let Ok(drafts) = sample.decode(trial.connector) else { continue };
        read.push(Known { name: case.name.clone(), sample, drafts });
    }
    vec![
        canonical(trial, &read),
        personal_data(trial, &read),
        spoilt(trial, &read),
        changed(trial, &read),
        repeated(trial, &read),
        memory(trial, &read),
        money(trial, &read),
        zones(trial, &read),
    ]
}

fn canonical(trial: &Trial<'_>, samples: &[Known]) -> Check {
    let mut check = Check::new("canonical events", Level::Bronze);
    let emits =
        trial.folder.manifest.source.as_ref().map(|source| source.emits.as_slice()).unwrap_or_default();
    for Known { name, drafts, .. } in samples {
        check.tried += 1;
        for draft in drafts {
            let data = match Body::parse(&draft.data) {
                Ok(data) => data,
                Err(error) => {
                    check.find(
                        "invalid-event",
                        name,
                        format!("the body of {} is not JSON: {error}", draft.kind),
                    );
                    continue;
                }
            };
            for violation in trial.vocabulary.check(&draft.kind, &data).err().into_iter().flatten() {
                check.find(
                    "invalid-event",
                    name,
                    format!("{} at {}: {}", draft.kind, violation.pointer, violation.message),
                );
            }
            if let Some(time) = draft.time.as_deref().filter(|time| time.parse::<jiff::Timestamp>().is_err())
            {
                check.find("invalid-event", name, format!("{time:?} is no time with an offset"));
            }
            let is_told = draft.kind == UNKNOWN || emits.iter().any(|pattern| covers(pattern, &draft.kind));
            if !is_told {
                check.find("undeclared-type", name, format!("{} is not in the manifest's emits", draft.kind));
            }
        }
    }
    check
}

/// `commerce.*` covers `commerce.order.placed`.
fn covers(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => kind.starts_with(start),
        None => pattern == kind,
    }
}

fn personal_data(trial: &Trial<'_>, samples: &[Known]) -> Check {
    let mut check = Check::new("personal data", Level::Silver);
    let declared = trial
        .folder
        .manifest
        .source
        .as_ref()
        .map(|source| source.personal_data.as_slice())
        .unwrap_or_default();
    for Known { name, drafts, .. } in samples {
        check.tried += 1;
        // Of a message that nobody understood nobody can say what is in it.
        for draft in drafts.iter().filter(|draft| draft.kind != UNKNOWN) {
            let Ok(data) = serde_json::from_slice::<Value>(&draft.data) else { continue };
            for value in trial.privacy.personal_values(&draft.kind, &data) {
                let class = value.class.as_str();
                if !declared.iter().any(|one| one == "*" || one == class) {
                    let what = format!(
                        "{} of {} is {class} data, which the manifest does not declare",
                        value.pointer, draft.kind
                    );
                    check.find("undeclared-personal-data", name, what);
                }
            }
        }
    }
    check
}

/// Nothing that comes in may make it fail, and nothing may vanish.
fn spoilt(trial: &Trial<'_>, samples: &[Known]) -> Check {
    let mut check = Check::new("spoilt messages", Level::Silver);
    for Known { name, sample, drafts } in samples {
        let spoilt = [mutants::truncated, mutants::hollow, mutants::mistyped, mutants::huge];
        for Mutant { how, sample: spoilt } in spoilt.iter().flat_map(|spoil| spoil(sample)) {
            let at = format!("{name}: {how}");
            let outcome = spoilt.decode(trial.connector);
            fails(&mut check, &at, &outcome);
            let nothing = outcome.is_ok_and(|events| events.is_empty());
            // Nothing and a list of nothing hold nothing that could be lost.
            let holds_nothing = spoilt.body.is_empty() || spoilt.body == b"[]";
            if nothing && !drafts.is_empty() && !holds_nothing {
                check.find(
                    "drops-events",
                    at,
                    "there is neither an event nor a fault: say unknown.message.received",
                );
            }
        }
    }
    check
}

/// Counts a trial; whatever is not the connector's own word is a failure.
fn fails(check: &mut Check, at: &str, outcome: &Outcome) {
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
fn changed(trial: &Trial<'_>, samples: &[Known]) -> Check {
    let mut check = Check::new("vendors' changes", Level::Silver);
    for Known { name, sample, drafts } in samples {
        if let Some(Mutant { how, sample }) = mutants::with_unknown_fields(sample) {
            let at = format!("{name}: {how}");
            let outcome = sample.decode(trial.connector);
            fails(&mut check, &at, &outcome);
            match outcome {
                Ok(found) if found.len() < drafts.len() => {
                    check.find(
                        "drops-events",
                        at,
                        format!("{} events instead of {}", found.len(), drafts.len()),
                    );
                }
                Ok(found) => {
                    if !same(drafts, &found, |draft| {
                        (draft.kind.clone(), draft.key.clone(), draft.time.clone())
                    }) {
                        check.find("unsettled-by-new-fields", at, "type, key or time of an event changed");
                    }
                }
                Err(Failure::Fault(fault)) => check.find("unsettled-by-new-fields", at, fault.to_string()),
                Err(_) => {}
            }
        }
        if let Some(Mutant { how, sample }) = mutants::reordered(sample) {
            let at = format!("{name}: {how}");
            let outcome = sample.decode(trial.connector);
            fails(&mut check, &at, &outcome);
            if outcome.is_ok_and(|found| {
                !same(drafts, &found, |draft| (draft.kind.clone(), draft.key.clone(), data(draft)))
            }) {
                check.find("depends-on-order", at, "JSON objects have no order, but the event changed");
            }
        }
    }
    if check.tried == 0 && !samples.is_empty() {
        check.needless("its messages are not JSON");
    }
    check
}

fn same<T: PartialEq>(one: &[Draft], other: &[Draft], part: impl Fn(&Draft) -> T) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| part(one) == part(other))
}

fn data(draft: &Draft) -> Option<Value> {
    serde_json::from_slice(&draft.data).ok()
}

/// The same again is the same again: alone, among others, on an instance that has worked, sent once more.
fn repeated(trial: &Trial<'_>, samples: &[Known]) -> Check {
    let mut check = Check::new("repetition", Level::Silver);
    for Known { name, sample, drafts } in samples {
        check.tried += 1;
        for channel in ["again", "again", "afresh"] {
            let ctx = Context { channel, ..sample.context() };
            let outcome = trial.connector.decode(&ctx, &[sample.message()]).pop();
            if outcome.is_none_or(|outcome| outcome.as_ref().ok() != Some(drafts)) {
                check.find("not-deterministic", name, "the same message became something else the next time");
                break;
            }
        }
        let later = Sample {
            id: "01900000-0000-7000-8000-0000000000ff".into(),
            received_at: sample.received_at + 3_600_000,
            ..sample.clone()
        };
        match later.decode(trial.connector) {
            Ok(found) if !same(drafts, &found, |draft| draft.key.clone()) => check.find(
                "duplicates-on-retry",
                name,
                "sent once more by the vendor, the message has another key: take the key from the vendor's own id",
            ),
            Ok(_) => {}
            Err(failure) => check.find("not-deterministic", name, failure.to_string()),
        }
    }
    // Those of one configuration together, in both directions.
    for sample in samples {
        let together: Vec<&Known> =
            samples.iter().filter(|other| other.sample.config == sample.sample.config).collect();
        if together.first().is_none_or(|first| first.name != sample.name) || together.len() < 2 {
            continue;
        }
        check.tried += 1;
        for turned in [false, true] {
            let mut batch = together.clone();
            if turned {
                batch.reverse();
            }
            let messages: Vec<_> = batch.iter().map(|known| known.sample.message()).collect();
            let results = trial.connector.decode(&sample.sample.context(), &messages);
            let differs = |(known, result): &(&&Known, &Outcome)| result.as_ref().ok() != Some(&known.drafts);
            let wrong: Vec<_> = batch.iter().zip(&results).filter(differs).collect();
            let Some((known, _)) = wrong.first() else { continue };
            let at = format!("{} in a batch of {}", known.name, batch.len());
            let is_anothers = wrong.iter().any(|(_, result)| {
                result.as_ref().is_ok_and(|drafts| batch.iter().any(|other| &other.drafts == drafts))
            });
            match is_anothers {
                true => check.find("wrong-order", at, "the result of one message stands in another's place"),
                false => {
                    check.find("not-deterministic", at, "its result is another than when it comes alone");
                }
            }
        }
    }
    check
}

fn memory(trial: &Trial<'_>, samples: &[Known]) -> Check {
    let Some(known) = samples.first() else { return Check::new("memory", Level::Silver) };
    growth(trial, &known.name, |channel| {
        let ctx = Context { channel, ..known.sample.context() };
        trial.connector.decode(&ctx, &[known.sample.message()]);
    })
}

/// Vendors write 12.99 or 1299 for the same sum; which is 1299 yen and 1.299 dinars.
fn money(trial: &Trial<'_>, samples: &[Known]) -> Check {
    let mut check = Check::new("money", Level::Gold);
    for Known { name, sample, .. } in samples {
        for (currency, digits) in [("JPY", 0_u32), ("KWD", 3)] {
            let Some(Mutant { how, sample }) = mutants::in_currency(sample, currency) else { continue };
            check.tried += 1;
            let Ok(given) = serde_json::from_slice::<Value>(&sample.body) else { continue };
            let given: Vec<Decimal> =
                leaves(&given).into_iter().filter_map(|(_, leaf)| Decimal::of(leaf)).collect();
            for draft in sample.decode(trial.connector).into_iter().flatten() {
                let Some(data) = data(&draft) else { continue };
                for (at, amount) in amounts(&data, currency) {
                    // An amount that is not written so in the message was made of its minor units, or is a sum.
                    let from = |power: u32| given.contains(&amount.times_ten_to(power));
                    let as_it_came = amount.is_zero() || from(0);
                    if !as_it_came && from(2) && !from(digits) {
                        let what = format!("{at} has two digits for cents, {currency} has {digits}");
                        check.find("currency-scale", format!("{name}: {how}"), what);
                    }
                }
            }
        }
    }
    if check.tried == 0 {
        check.needless("its samples tell of no money");
    }
    check
}

/// All `{amount, currency}` of that currency.
fn amounts(data: &Value, currency: &str) -> Vec<(String, Decimal)> {
    let is_code =
        |(at, leaf): &(String, &Value)| at.ends_with("/currency") && leaf.as_str() == Some(currency);
    let found = leaves(data).into_iter().filter(is_code);
    let amount = found.filter_map(|(at, _)| {
        let at = format!("{}/amount", at.strip_suffix("/currency")?);
        let amount = Decimal::of(data.pointer(&at)?)?;
        Some((at, amount))
    });
    amount.collect()
}

/// Neither UTC nor a whole number of hours from it.
const ZONE: &str = "+05:45";

fn zones(trial: &Trial<'_>, samples: &[Known]) -> Check {
    let mut check = Check::new("time zones", Level::Gold);
    for Known { name, sample, .. } in samples {
        let Some((Mutant { how, sample }, local)) = mutants::in_zone(sample, ZONE) else { continue };
        check.tried += 1;
        for draft in sample.decode(trial.connector).into_iter().flatten() {
            let data = data(&draft).unwrap_or_default();
            let mut times: Vec<(String, &str)> =
                leaves(&data).into_iter().filter_map(|(at, leaf)| Some((at, leaf.as_str()?))).collect();
            times.retain(|(at, _)| !at.starts_with("/vendor/"));
            times.extend(draft.time.as_deref().map(|time| ("time".to_owned(), time)));
            for (at, text) in times {
                let Some((time, offset)) = time_and_offset(text) else { continue };
                if local.iter().any(|known| *known == time.replace(' ', "T")) && offset != ZONE {
                    let what = format!("{at} has the clock's time, but not its zone");
                    check.find("loses-time-zone", format!("{name}: {how}"), what);
                }
            }
        }
    }
    if check.tried == 0 {
        check.needless("its samples have no times with an offset");
    }
    check
}
