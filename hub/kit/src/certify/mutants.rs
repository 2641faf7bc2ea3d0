//! Bodies spoilt on purpose, always in the same way.

use serde_json::{Map, Value, json};

use super::values::{leaves, time_and_offset};

/// Leaves of one body that are given another type. More of them are more of the same.
const LEAVES_MAX: usize = 100;

/// How much a text or a list is blown up by.
const HUGE: usize = 200_000;

pub struct Mutant {
    /// What was done to it.
    pub how: String,
    pub body: Vec<u8>,
}

fn mutant(how: impl Into<String>, body: impl Into<Vec<u8>>) -> Mutant {
    Mutant { how: how.into(), body: body.into() }
}

pub fn json_of(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().filter(|value: &Value| value.is_object() || value.is_array())
}

/// Parts of the message, and nothing.
pub fn truncated(body: &[u8]) -> Vec<Mutant> {
    let cut = |bytes: usize| mutant(format!("cut to {bytes} bytes"), &body[..bytes]);
    let mut cuts: Vec<usize> =
        vec![0, body.len() / 4, body.len() / 2, body.len() * 3 / 4, body.len().saturating_sub(1)];
    cuts.dedup();
    cuts.into_iter().map(cut).collect()
}

/// Well-formed, and empty.
pub fn hollow(body: &[u8]) -> Vec<Mutant> {
    match json_of(body) {
        Some(_) => {
            ["{}", "[]", "null", "\"\"", "0"].map(|body| mutant(format!("{body} in its place"), body)).into()
        }
        None => Vec::new(),
    }
}

/// Each leaf with a value of another type, one at a time.
pub fn mistyped(body: &[u8]) -> Vec<Mutant> {
    let Some(json) = json_of(body) else { return Vec::new() };
    let other = |value: &Value| match value {
        Value::String(_) => json!(-1),
        Value::Number(_) => json!({"unexpected": true}),
        Value::Bool(_) => json!("maybe"),
        _ => json!([[0]]),
    };
    let found: Vec<(String, Value)> =
        leaves(&json).into_iter().take(LEAVES_MAX).map(|(at, leaf)| (at, other(leaf))).collect();
    let spoil = |(at, wrong): (String, Value)| {
        let mut changed = json.clone();
        *changed.pointer_mut(&at)? = wrong;
        Some(mutant(format!("another type at {at}"), changed.to_string()))
    };
    found.into_iter().filter_map(spoil).collect()
}

/// Fields that the vendor did not have yesterday, in every object.
pub fn with_unknown_fields(body: &[u8]) -> Option<Mutant> {
    let mut json = json_of(body)?;
    each_object(&mut json, &mut |fields| {
        fields.insert("xsnodounknown".into(), json!("new"));
    });
    Some(mutant("a new field in every object", json.to_string()))
}

/// The fields of every object the other way round.
pub fn reordered(body: &[u8]) -> Option<Mutant> {
    let mut json = json_of(body)?;
    each_object(&mut json, &mut |fields| {
        let turned: Map<String, Value> = std::mem::take(fields).into_iter().rev().collect();
        *fields = turned;
    });
    Some(mutant("the fields of every object reversed", json.to_string()))
}

/// A very long text, and a very long list.
pub fn huge(body: &[u8]) -> Vec<Mutant> {
    let Some(json) = json_of(body) else {
        return vec![mutant("blown up with blanks", [body, &vec![b' '; HUGE]].concat())];
    };
    let mut mutants = Vec::new();
    let text = leaves(&json).into_iter().find(|(_, leaf)| leaf.is_string()).map(|(at, _)| at);
    if let Some(at) = text {
        let mut changed = json.clone();
        if let Some(leaf) = changed.pointer_mut(&at) {
            *leaf = Value::from("x".repeat(HUGE));
        }
        mutants.push(mutant(format!("{HUGE} letters at {at}"), changed.to_string()));
    }
    let mut deep = String::from("null");
    for _ in 0..60 {
        deep = format!("{{\"deeper\":{deep}}}");
    }
    mutants.push(mutant("60 levels deep", deep));
    mutants
}

/// The currencies that samples are written in.
const USUAL: [&str; 12] =
    ["EUR", "USD", "GBP", "CHF", "CAD", "AUD", "SEK", "DKK", "NOK", "PLN", "CZK", "BRL"];

/// The same message in another currency.
pub fn in_currency(body: &[u8], currency: &str) -> Option<Mutant> {
    let mut json = json_of(body)?;
    let mut changed = false;
    each_text(&mut json, &mut |text| {
        if USUAL.iter().any(|usual| text.eq_ignore_ascii_case(usual)) {
            let is_lower = text.chars().all(char::is_lowercase);
            *text = if is_lower { currency.to_lowercase() } else { currency.to_owned() };
            changed = true;
        }
    });
    changed.then(|| mutant(format!("its currency changed to {currency}"), json.to_string()))
}

/// The same message from another time zone, with the local times that were changed.
pub fn in_zone(body: &[u8], offset: &str) -> Option<(Mutant, Vec<String>)> {
    let mut json = json_of(body)?;
    let mut local = Vec::new();
    each_text(&mut json, &mut |text| {
        let Some((time, found)) = time_and_offset(text).filter(|(_, found)| !found.is_empty()) else {
            return;
        };
        local.push(time.replace(' ', "T"));
        *text = format!("{}{offset}", &text[..text.len() - found.len()]);
    });
    let how = format!("its times given in {offset}");
    (!local.is_empty()).then(|| (mutant(how, json.to_string()), local))
}

fn each_object(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(|value| each_object(value, change));
            change(fields);
        }
        Value::Array(items) => items.iter_mut().for_each(|value| each_object(value, change)),
        _ => {}
    }
}

fn each_text(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Object(fields) => fields.values_mut().for_each(|value| each_text(value, change)),
        Value::Array(items) => items.iter_mut().for_each(|value| each_text(value, change)),
        _ => {}
    }
}

/// Every list of records with its last record first: between two questions, records move.
pub fn rotated(body: &[u8]) -> Option<Mutant> {
    let mut json = json_of(body)?;
    let mut moved = false;
    each_list(&mut json, &mut |records| {
        moved |= records.len() > 1;
        records.rotate_right(1);
    });
    moved.then(|| mutant("its records in another order", json.to_string()))
}

/// Without any record.
pub fn emptied(body: &[u8]) -> Option<Mutant> {
    let mut json = json_of(body)?;
    each_list(&mut json, &mut |records| records.clear());
    Some(mutant("its records taken away", json.to_string()))
}

/// The outermost lists of objects.
fn each_list(value: &mut Value, change: &mut impl FnMut(&mut Vec<Value>)) {
    match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => change(items),
        Value::Array(items) => items.iter_mut().for_each(|value| each_list(value, change)),
        Value::Object(fields) => fields.values_mut().for_each(|value| each_list(value, change)),
        _ => {}
    }
}
