//! A document into its events: `EPCISDocument`, `EPCISQueryDocument`, an event alone, or a list of any of these.

use serde_json::{Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{Fields, Take};

use crate::event;
use crate::word;

const LISTS: [&str; 2] = ["/epcisBody/eventList", "/epcisBody/queryResults/resultsBody/eventList"];

pub fn drafts(body: &Value) -> Vec<Draft> {
    if let Value::Array(bodies) = body {
        return bodies.iter().flat_map(drafts).collect();
    }
    if is_event(body) {
        return event::drafts(body, &Fields::new());
    }
    let events = LISTS.iter().find_map(|at| body.pointer(at)?.as_array());
    let (Some(events), Value::Object(document)) = (events.filter(|events| !events.is_empty()), body) else {
        return vec![Draft::unknown(word::kind(body).as_deref(), body)];
    };
    let about = about(document);
    let mut drafts: Vec<Draft> = events.iter().flat_map(|event| event::drafts(event, &about)).collect();
    // Master data is a vocabulary of its own, about no event.
    if let Some(header) = document.get("epcisHeader").filter(|header| !header.is_null()) {
        drafts.push(Draft::unknown(Some("epcisHeader"), &json!({"epcisHeader": header})));
    }
    drafts
}

fn is_event(body: &Value) -> bool {
    word::kind(body).is_some_and(|kind| kind.ends_with("Event"))
}

/// What a document says of all its events: who sent it and when, and which query it answers; without what is about the format.
fn about(document: &Fields) -> Fields {
    const FORMAT: [&str; 6] = ["@context", "type", "isA", "schemaVersion", "epcisHeader", "epcisBody"];
    let own = document.iter().filter(|(name, _)| !FORMAT.contains(&name.as_str()));
    let mut about: Fields = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    if let Some(Value::Object(results)) = document["epcisBody"].get("queryResults") {
        let own = results.iter().filter(|(name, _)| *name != "resultsBody");
        let results: Fields = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        about.leave("queryResults", results);
    }
    about
}
