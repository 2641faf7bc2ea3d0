//! Trials of a transform: its samples again and spoilt, and every type of the vocabulary.

use snodo_core::body::Body;

use super::events::{Known, Told, covers};
use super::input::Input;
use super::{Check, Level, Trial, events, scales, strain};
use crate::golden::{self, Original, Side};

pub fn checks(trial: &Trial<'_>) -> Vec<Check> {
    let known = Known::of_side(trial, Side::Transform, Original::read);
    let manifest = trial.folder.manifest.transform.as_ref();
    let told =
        manifest.map(|transform| Told { emits: &transform.emits, personal_data: &transform.personal_data });
    let told = told.unwrap_or_default();
    let accepts = manifest.map(|transform| transform.accepts.as_slice()).unwrap_or_default();
    let mut unexpected = Check::new("unexpected events", Level::Silver);
    let mut taken = vocabulary(trial, &mut unexpected, &known);
    taken.retain(|example| covers(accepts, &example.input.event.kind));
    let strained = vec![
        unexpected,
        keys(trial, &known),
        strain::spoilt(trial, &known),
        strain::changed(trial, &known),
        strain::repeated(trial, &known),
        strain::memory(trial, &known),
        scales::money(trial, &known),
        scales::zones(trial, &known),
    ];
    taken.extend(known);
    let mut checks =
        vec![events::canonical(trial, &told, &taken), events::personal_data(trial, &told, &taken)];
    checks.extend(strained);
    checks
}

/// Each type of the vocabulary, by its own examples, and one that nobody knows. What is made of them is given back.
fn vocabulary(trial: &Trial<'_>, check: &mut Check, known: &[Known<Original>]) -> Vec<Known<Original>> {
    let mut made = Vec::new();
    let Some(model) = known.first().map(|known| &known.input) else { return made };
    let mut try_one = |kind: &str, name: String, data: Vec<u8>| {
        let mut input = model.clone();
        (input.event.kind, input.event.data) = (kind.to_owned(), data);
        let outcome = input.drafts(trial.connector, golden::CHANNEL);
        strain::fails(check, &name, &outcome);
        if let Ok(drafts) = outcome {
            made.push(Known { name, input, drafts });
        }
    };
    try_one("vendor.thing.happened", "vendor.thing.happened".into(), b"{}".to_vec());
    for kind in trial.vocabulary.kinds() {
        for (number, example) in (1..).zip(trial.vocabulary.examples(kind)) {
            // Those that are not valid never come so far.
            let data = example.data.to_string();
            let is_valid =
                Body::parse(data.as_bytes()).is_ok_and(|data| trial.vocabulary.check(kind, &data).is_ok());
            if is_valid {
                try_one(kind, format!("{kind}, example {number}"), data.into_bytes());
            }
        }
    }
    made
}

/// Two events are two events, however alike they are.
fn keys(trial: &Trial<'_>, known: &[Known<Original>]) -> Check {
    let mut check = Check::new("keys", Level::Silver);
    for Known { name, input, drafts } in known {
        check.tried += 1;
        let mut other = input.clone();
        other.event.id = format!("{}-other", input.event.id);
        let others = other.drafts(trial.connector, golden::CHANNEL).unwrap_or_default();
        let keys: Vec<&String> = drafts.iter().filter_map(|draft| draft.key.as_ref()).collect();
        if others.iter().filter_map(|draft| draft.key.as_ref()).any(|key| keys.contains(&key)) {
            let what = "another event became one of the same key, and would be taken for this one: make keys of the event's id";
            check.find(strain::SHARED_KEY, name, what);
        }
    }
    check
}
