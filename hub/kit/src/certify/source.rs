//! Trials of a source: what it makes of its samples, of the same ones spoilt, and again and again.

use super::events::{Known, Told};
use super::{Check, Trial, events, scales, strain};
use crate::golden::{Sample, Side};

pub fn checks(trial: &Trial<'_>) -> Vec<Check> {
    let known = Known::of_side(trial, Side::Source, Sample::read);
    let manifest = trial.folder.manifest.source.as_ref();
    let told = manifest.map(|source| Told { emits: &source.emits, personal_data: &source.personal_data });
    let told = told.unwrap_or_default();
    vec![
        events::canonical(trial, &told, &known),
        events::personal_data(trial, &told, &known),
        strain::spoilt(trial, &known),
        strain::changed(trial, &known),
        strain::repeated(trial, &known),
        strain::memory(trial, &known),
        scales::money(trial, &known),
        scales::zones(trial, &known),
    ]
}
