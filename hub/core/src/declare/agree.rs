//! Whether the files of a configuration agree: whatever one names, another declares, and nothing goes in a circle. Works on what
//! was written, so that a mistake in one file hides none in another.

mod brokers;
mod channels;
mod circles;
mod retention;
mod routes;

use super::document::Document;
use super::load::Loaded;
use super::manifest::POLL;
use super::{Known, Manifest, Severity};

pub fn check(loaded: &mut Loaded<'_>, known: Known<'_>) {
    let mut mistakes = channels::check(loaded, known);
    mistakes.extend(routes::check(loaded, known));
    mistakes.extend(circles::check(loaded, known));
    mistakes.extend(retention::check(loaded));
    loaded.mistakes.extend(mistakes);
    // A channel that a route names wrongly is not one that nobody wants.
    if loaded.mistakes.iter().all(|one| one.severity == Severity::Note) {
        let unused = channels::check_use(loaded);
        loaded.mistakes.extend(unused);
    }
}

fn manifest<'k>(known: Known<'k>, connector: Option<&str>) -> Option<&'k Manifest> {
    known.manifests.iter().find(|manifest| Some(manifest.name.as_str()) == connector)
}

/// Whether routes lead to that channel and from it, and nothing else does.
fn is_junction(document: &Document<'_>, manifest: &Manifest) -> bool {
    manifest.transform.is_some() && !document.has("/receive") && !document.has("/send")
}

/// The types of event that come from that channel.
fn emits<'m>(document: &Document<'_>, manifest: &'m Manifest) -> &'m [String] {
    let emits = match document.text("/receive/transport") {
        _ if is_junction(document, manifest) => manifest.transform.as_ref().map(|one| &one.emits),
        Some(POLL) => manifest.poll.as_ref().map(|one| &one.emits),
        _ => manifest.source.as_ref().map(|one| &one.emits),
    };
    emits.map(Vec::as_slice).unwrap_or_default()
}

/// The types of event that that channel takes.
fn accepts<'m>(document: &Document<'_>, manifest: &'m Manifest) -> &'m [String] {
    let accepts = match is_junction(document, manifest) {
        true => manifest.transform.as_ref().map(|one| &one.accepts),
        false => manifest.destination.as_ref().map(|one| &one.accepts),
    };
    accepts.map(Vec::as_slice).unwrap_or_default()
}

/// Whether two patterns of event types have a type in common.
fn meet(one: &str, other: &str) -> bool {
    match (one.strip_suffix('*'), other.strip_suffix('*')) {
        (Some(a), Some(b)) => a.starts_with(b) || b.starts_with(a),
        (Some(a), None) => other.starts_with(a),
        (None, Some(b)) => one.starts_with(b),
        (None, None) => one == other,
    }
}
