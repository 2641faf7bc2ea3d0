//! Places in a body: JSON pointers in which `*` stands for any one name or number, and `**` at the end for anything below.

use serde_json::Value;

/// Whether a place is one of a pattern.
pub fn matches(pattern: &str, place: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('/'), place.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (Some("**"), Some(_)) | (None, None) => return true,
            (Some(one), Some(other)) if one == "*" || one == other => {}
            _ => return false,
        }
    }
}

/// All values at the places of a pattern, which has no `**`.
pub fn found<'a>(value: &'a Value, at: &str) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
    let Some((name, rest)) = at.strip_prefix('/').map(|at| at.split_at(at.find('/').unwrap_or(at.len())))
    else {
        return Box::new(std::iter::once(value));
    };
    let rest = rest.to_owned();
    match name {
        "*" => {
            let items = value.as_array().into_iter().flatten();
            Box::new(items.flat_map(move |item| found(item, &rest)))
        }
        _ => Box::new(value.get(name).into_iter().flat_map(move |item| found(item, &rest))),
    }
}

/// The items of a list, the characters of a text.
pub fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::String(text) => text.chars().count(),
        _ => 0,
    }
}
