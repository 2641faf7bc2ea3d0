//! Fields of a form whose names are paths, as PHP reads them: `data[merges][FNAME]=Anna` is `{"data": {"merges": {"FNAME": "Anna"}}}`.

use serde_json::{Map, Value};
use snodo_connector::fields::Fields;
use snodo_connector::url;

/// Deeper names are no paths that Mailchimp writes.
const DEPTH_MAX: usize = 8;

pub fn read(body: &[u8]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in url::form_pairs(body) {
        match path(&name) {
            Some(path) => put(&mut fields, &path, value),
            None => drop(fields.insert(name, value.into())),
        }
    }
    fields
}

/// `a[b][c]` as its steps. `None` for a name that is not formed so.
fn path(name: &str) -> Option<Vec<&str>> {
    let (first, rest) = name.split_once('[')?;
    let steps = rest.strip_suffix(']')?.split("][");
    let path: Vec<&str> = std::iter::once(first).chain(steps).collect();
    let sound = !first.is_empty() && path.len() <= DEPTH_MAX;
    sound.then_some(path)
}

fn put(fields: &mut Fields, path: &[&str], value: String) {
    let Some((first, rest)) = path.split_first() else { return };
    // `[]` is the next of a list.
    let name = if first.is_empty() { fields.len().to_string() } else { (*first).to_owned() };
    if rest.is_empty() {
        fields.insert(name, value.into());
        return;
    }
    let inner = fields.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        put(inner, rest, value);
    }
}
