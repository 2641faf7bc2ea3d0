//! Says where two JSON values differ, each place by its JSON Pointer.

use serde_json::Value;

/// More than these are the same mistake over and over.
const SHOWN_MAX: usize = 20;

pub fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, actual, &mut found);
    if found.len() > SHOWN_MAX {
        let more = found.len() - SHOWN_MAX;
        found.truncate(SHOWN_MAX);
        found.push(format!("  … and {more} more"));
    }
    found
}

fn compare(at: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                let at = format!("{at}/{}", escape(key));
                match new.get(key) {
                    Some(other) => compare(&at, value, other, found),
                    None => found.push(format!("  {at}: expected {value}, but it is absent")),
                }
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                found.push(format!("  {at}/{}: {value} was not expected", escape(key)));
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for (place, (value, other)) in old.iter().zip(new).enumerate() {
                compare(&format!("{at}/{place}"), value, other, found);
            }
            for (place, value) in old.iter().enumerate().skip(new.len()) {
                found.push(format!("  {at}/{place}: expected {value}, but it is absent"));
            }
            for (place, value) in new.iter().enumerate().skip(old.len()) {
                found.push(format!("  {at}/{place}: {value} was not expected"));
            }
        }
        _ if expected == actual => {}
        _ => found.push(format!("  {at}: expected {expected}, got {actual}")),
    }
}

/// RFC 6901, 3.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_difference_is_named_by_its_place() {
        for (expected, actual, found) in [
            (json!({"a": 1, "b": [1, 2]}), json!({"b": [1, 2], "a": 1}), vec![]),
            (json!({"a/b": 1}), json!({"a/b": 2}), vec!["  /a~1b: expected 1, got 2"]),
            (json!([1]), json!([1, 2]), vec!["  /1: 2 was not expected"]),
            (json!({"a": [1]}), json!({"a": []}), vec!["  /a/0: expected 1, but it is absent"]),
            (
                json!({"a": 1}),
                json!({"b": 1}),
                vec!["  /a: expected 1, but it is absent", "  /b: 1 was not expected"],
            ),
        ] {
            assert_eq!(differences(&expected, &actual), found);
        }
    }
}
