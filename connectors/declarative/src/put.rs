//! Puts values into an object by JSON Pointers, and takes them out.

use serde_json::{Map, Value};

use crate::place::unescaped;

/// Makes what is missing on the way: a number in the pointer makes a list. A list has no holes: what comes in behind its end is put
/// at its end. `false` if something else stands in the way.
pub fn put(data: &mut Map<String, Value>, pointer: &str, value: Value) -> bool {
    let steps: Vec<String> = pointer.split('/').skip(1).map(unescaped).collect();
    let Some((first, rest)) = steps.split_first() else { return false };
    put_at(data.entry(first.as_str()).or_insert(Value::Null), rest, value)
}

fn put_at(into: &mut Value, steps: &[String], value: Value) -> bool {
    let Some((step, rest)) = steps.split_first() else {
        let is_free = into.is_null();
        if is_free {
            *into = value;
        }
        return is_free;
    };
    let index = step.parse::<usize>().ok();
    if into.is_null() {
        *into = if index.is_some() { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
    }
    match (into, index) {
        (Value::Array(items), Some(index)) => {
            let index = index.min(items.len());
            if index == items.len() {
                items.push(Value::Null);
            }
            put_at(&mut items[index], rest, value)
        }
        (Value::Object(fields), _) => put_at(fields.entry(step.as_str()).or_insert(Value::Null), rest, value),
        _ => false,
    }
}

/// Elements of a list keep their places: one that is taken out leaves a null.
pub fn remove(root: &mut Value, pointer: &str) {
    let Some((parent, step)) = pointer.rsplit_once('/') else {
        *root = Value::Null;
        return;
    };
    match root.pointer_mut(parent) {
        Some(Value::Object(fields)) => _ = fields.shift_remove(&unescaped(step)),
        Some(Value::Array(items)) => {
            if let Some(item) = step.parse::<usize>().ok().and_then(|place| items.get_mut(place)) {
                *item = Value::Null;
            }
        }
        _ => {}
    }
}
