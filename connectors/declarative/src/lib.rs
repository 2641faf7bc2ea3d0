//! Makes canonical events of documents by the rules of a channel's configuration. No connector: the ones that read documents
//! (`json`, `csv`, `xml`) share it. Knows no type of event: which fields one needs, the rules say (`required`) and the hub checks.
//!
//! A rule is for one thing: the document, or each element of a list in it. Of the rules for a thing, the first that fits makes
//! the event. What it does not map stays under `vendor`; a thing that no rule fits is unknown.

pub mod columns;
mod field;
mod place;
mod put;
mod reading;
mod rule;
pub mod topic;

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::{Map, Value};
use snodo_connector::fields::Take;
use snodo_connector::{Draft, Fault, Message};

use place::{Scope, Taken};
use rule::Rule;

/// A channel's rules, in their order.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Rules(Vec<Rule>);

/// What holds for every document of a message.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub message: &'a Message,
    /// A comma stands before the fraction of every number, where a field does not say otherwise.
    pub decimal_comma: bool,
}

/// What came of a thing, and where it stands among the others of its document.
struct Made {
    list: usize,
    place: usize,
    draft: Draft,
}

impl Rules {
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The events of one document. A list without elements tells nothing, and makes none.
    pub fn events(&self, document: &Value, about: About<'_>) -> Result<Vec<Draft>, Fault> {
        let mut lists: Vec<List<'_>> = Vec::new();
        let mut made = Vec::new();
        for rule in &self.0 {
            let Some(list) = list_of(&mut lists, rule.each.as_deref(), document) else { continue };
            let things = &mut lists[list];
            for (place, record) in things.records.iter().enumerate() {
                if things.settled[place] {
                    continue;
                }
                let taken = RefCell::new(Taken::default());
                let scope = Scope::new(record, document, things.outer.is_some(), about, &taken);
                let Some(mut draft) = rule.event(&scope)? else { continue };
                let rest = things.rest(record, &taken.into_inner());
                put_vendor(&mut draft.data, rest);
                things.settled[place] = !rule.also;
                things.told[place] = true;
                made.push(Made { list, place, draft: draft.finish() });
            }
        }
        if !lists.iter().any(|list| list.told.contains(&true)) {
            let is_empty = |list: &List<'_>| list.outer.is_some() && list.records.is_empty();
            return Ok(match !lists.is_empty() && lists.iter().all(is_empty) {
                true => Vec::new(),
                false => vec![unknown(document, about)],
            });
        }
        // Elements that no rule took, of lists of which rules took others.
        for (number, list) in lists.iter().enumerate().filter(|(_, list)| list.outer.is_some()) {
            for (place, record) in list.records.iter().enumerate().filter(|(place, _)| !list.told[*place]) {
                let draft = unknown(&list.rest(record, &Taken::default()), about);
                made.push(Made { list: number, place, draft });
            }
        }
        made.sort_by_key(|made| (made.list, made.place));
        Ok(made.into_iter().map(|made| made.draft).collect())
    }
}

/// What no rule fits, whole.
pub fn unknown(document: &Value, about: About<'_>) -> Draft {
    Draft::unknown(Some(&about.message.name), document)
}

/// The things of one sort in a document: itself, or the elements of a list.
struct List<'d> {
    each: Option<&'d str>,
    records: Vec<&'d Value>,
    /// The document without the list; `None` where the document itself is the thing.
    outer: Option<Value>,
    settled: Vec<bool>,
    told: Vec<bool>,
}

/// The place of that list among those that are known already, or are from now on. `None` if there is none. What stands alone where
/// a list may be, as XML has it, is a list of one.
fn list_of<'d>(lists: &mut Vec<List<'d>>, each: Option<&'d str>, document: &'d Value) -> Option<usize> {
    if let Some(known) = lists.iter().position(|list| list.each == each) {
        return Some(known);
    }
    let (records, outer) = match each {
        None => (vec![document], None),
        Some(pointer) => {
            let records = match document.pointer(pointer)? {
                Value::Array(elements) => elements.iter().collect(),
                one => vec![place::something(one)?],
            };
            (records, Some(without_list(document, pointer)))
        }
    };
    let unsettled = vec![false; records.len()];
    lists.push(List { each, records, outer, settled: unsettled.clone(), told: unsettled });
    Some(lists.len() - 1)
}

/// The document with an empty list there; what is in the list is not copied.
fn without_list(document: &Value, pointer: &str) -> Value {
    let Some(rest) = pointer.strip_prefix('/') else { return Value::Array(Vec::new()) };
    let (step, rest) = rest.split_once('/').map_or((rest, ""), |(step, _)| (step, &rest[step.len()..]));
    let name = place::unescaped(step);
    match document {
        Value::Object(fields) => {
            let copy = |(key, value): (&String, &Value)| {
                let value = if *key == name { without_list(value, rest) } else { value.clone() };
                (key.clone(), value)
            };
            Value::Object(fields.iter().map(copy).collect())
        }
        Value::Array(items) => {
            let copy = |(place, value): (usize, &Value)| match place.to_string() == name {
                true => without_list(value, rest),
                false => value.clone(),
            };
            items.iter().enumerate().map(copy).collect()
        }
        other => other.clone(),
    }
}

impl List<'_> {
    /// What is left of a thing, where it stood: an element is alone in its list.
    fn rest(&self, record: &Value, taken: &Taken) -> Value {
        let mut rest = record.clone();
        taken.record.iter().for_each(|pointer| put::remove(&mut rest, pointer));
        let (Some(each), Some(outer)) = (self.each, &self.outer) else { return rest };
        let mut whole = outer.clone();
        taken.document.iter().for_each(|pointer| put::remove(&mut whole, pointer));
        if let Some(Value::Array(list)) = whole.pointer_mut(each) {
            list.push(rest);
        }
        whole
    }
}

/// What is no object has no name of its own.
fn put_vendor(data: &mut Map<String, Value>, rest: Value) {
    match rest {
        Value::Object(_) => data.leave("vendor", rest),
        rest => {
            let mut named = Map::new();
            named.leave("value", rest);
            data.leave("vendor", named);
        }
    }
}
