//! Golden cases: what a connector makes of known input, kept as files and compared natively, without a hub or a vendor.
//!
//! A case is a folder in `golden/` of the connector. With `message.toml` it is one for the source, with `deliveries.json` one
//! for the destination; `expected.json` is what must come out. `UPDATE_GOLDEN=1` writes it anew: read what it wrote.

mod case;
mod destination;
mod difference;
mod shown;
mod source;

use std::path::Path;

use serde_json::Value;

use crate::{Destination, Source};

/// Checks every source case of the connector in `folder`, which is its `CARGO_MANIFEST_DIR`.
///
/// # Panics
/// If a case fails, and says each place where; also if there is none.
pub fn check_source<T: Source>(folder: impl AsRef<Path>) {
    check_each(folder.as_ref(), source::INPUT, source::run::<T>);
}

/// Checks every destination case of the connector in `folder`, which is its `CARGO_MANIFEST_DIR`.
///
/// # Panics
/// If a case fails, and says each place where; also if there is none.
pub fn check_destination<T: Destination>(folder: impl AsRef<Path>) {
    check_each(folder.as_ref(), destination::INPUT, destination::run::<T>);
}

fn check_each(folder: &Path, input: &str, run: fn(&Path) -> Result<Value, String>) {
    let cases = case::folders_with(folder, input).unwrap_or_else(|error| panic!("{error}"));
    assert!(!cases.is_empty(), "no case in {}/golden has a {input}", folder.display());
    let update = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let outcome = run(case).and_then(|actual| case::settle(case, &actual, update));
            outcome.err().map(|why| format!("golden case {}\n{why}", case.display()))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} golden cases failed\n\n{}\n\nif the new result is right, UPDATE_GOLDEN=1 keeps it",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
}
