//! Whether events that transforms make of events can come back to where they were made. The hub ends such a circle by itself
//! after some rounds; it was hardly meant.

use serde_json::Value;

use super::{accepts, emits, is_junction, manifest, meet};
use crate::declare::document::{Document, Spot};
use crate::declare::load::Loaded;
use crate::declare::{Known, Manifest, Mistake};

/// A route between two transforms.
struct Leg<'a> {
    route: &'a str,
    document: &'a Document<'a>,
    from: &'a str,
    to: &'a str,
}

pub fn check(loaded: &Loaded<'_>, known: Known<'_>) -> Vec<Mistake> {
    let legs = legs(loaded, known);
    let mut notes = Vec::new();
    for leg in &legs {
        let Some(back) = way(&legs, leg.to, leg.from) else { continue };
        // Said once of each circle, at the first of its routes.
        if back.iter().any(|other| other.route < leg.route) {
            continue;
        }
        let stops = [leg.from].into_iter().chain(std::iter::once(leg).chain(back).map(|leg| leg.to));
        let stops: Vec<&str> = stops.collect();
        let message = format!("events can go in a circle: {}", stops.join(" → "));
        let remedy = "name in `events` only what should go on; what has been made of made events too often is kept \
                      in quarantine";
        notes.push(leg.document.mistake(&Spot::Value("/to"), message, remedy).noted());
    }
    notes
}

fn legs<'a>(loaded: &'a Loaded<'_>, known: Known<'a>) -> Vec<Leg<'a>> {
    let junction = |name: &str| -> Option<(&'a Document<'_>, &'a Manifest)> {
        let document = loaded.channels.get(name)?.document.as_ref()?;
        let manifest = manifest(known, document.text("/connector"))?;
        is_junction(document, manifest).then_some((document, manifest))
    };
    let mut legs = Vec::new();
    for (route, found) in &loaded.routes {
        let Some(document) = &found.document else { continue };
        let listed = |key: &str| {
            let entries = document.value.get(key).and_then(Value::as_array).into_iter().flatten();
            entries.filter_map(Value::as_str)
        };
        let Some(to) = document.text("/to") else { continue };
        let Some((of_to, manifest_of_to)) = junction(to) else { continue };
        if document.value.get("enabled") == Some(&Value::Bool(false)) {
            continue;
        }
        for from in listed("from").filter(|from| *from != to) {
            let Some((of_from, manifest_of_from)) = junction(from) else { continue };
            let carries = |pattern: &str| {
                emits(of_from, manifest_of_from).iter().any(|one| meet(one, pattern))
                    && accepts(of_to, manifest_of_to).iter().any(|one| meet(one, pattern))
            };
            if listed("events").any(carries) {
                legs.push(Leg { route: route.as_str(), document, from, to });
            }
        }
    }
    legs
}

/// A way along the legs, none of them twice.
fn way<'l, 'a>(legs: &'l [Leg<'a>], from: &'a str, to: &str) -> Option<Vec<&'l Leg<'a>>> {
    let mut ways: Vec<Vec<&Leg<'a>>> = vec![Vec::new()];
    let mut seen = vec![from];
    while let Some(way) = ways.pop() {
        let at = way.last().map_or(from, |leg| leg.to);
        if at == to {
            return Some(way);
        }
        for leg in legs.iter().filter(|leg| leg.from == at) {
            if !seen.contains(&leg.to) {
                seen.push(leg.to);
                ways.push(way.iter().copied().chain([leg]).collect());
            }
        }
    }
    None
}
