//! What a channel that reads a database says in one key against what it says in another.

use serde_json::Value;

use crate::declare::Mistake;
use crate::declare::document::{Document, Spot};

pub fn check(document: &Document<'_>, mistakes: &mut Vec<Mistake>) {
    if document.text("/receive/transport") != Some("sql") {
        return;
    }
    let count = |at: &str| document.value.pointer(at).and_then(Value::as_array).map_or(0, Vec::len);
    let (cursor, start) = (count("/receive/cursor"), count("/receive/start"));
    if start > cursor {
        let message = format!("`start` has {start} values, and `cursor` only {cursor} columns");
        let remedy = "write one value for each of the first columns of the cursor, in their order";
        mistakes.push(document.mistake(&Spot::Value("/receive/start"), message, remedy));
    }
}
