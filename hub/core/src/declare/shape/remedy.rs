//! What to write instead, where a document has not the shape of its type.

use serde_json::{Map, Value};

use super::{choices, resolve, secret, tag_of, tag_value};
use crate::declare::document::Document;
use crate::declare::wording;

/// What people write who know other tools, and what it is called here.
const SYNONYMS: [(&str, &str); 34] = [
    ("source", "from"),
    ("sources", "from"),
    ("input", "from"),
    ("channels", "from"),
    ("destination", "to"),
    ("destinations", "to"),
    ("target", "to"),
    ("output", "to"),
    ("type", "events"),
    ("types", "events"),
    ("event", "events"),
    ("filter", "when"),
    ("if", "when"),
    ("condition", "when"),
    ("where", "when"),
    ("mapping", "map"),
    ("transform", "map"),
    ("active", "enabled"),
    ("description", "purpose"),
    ("team", "owner"),
    ("plugin", "connector"),
    ("vendor", "connector"),
    ("system", "connector"),
    ("incoming", "receive"),
    ("in", "receive"),
    ("outgoing", "send"),
    ("out", "send"),
    ("settings", "config"),
    ("options", "config"),
    ("directory", "folder"),
    ("path", "folder"),
    ("host", "hosts"),
    ("port", "listen"),
    ("address", "listen"),
];

pub fn there_is_no(key: &str, at: &str) -> String {
    match at {
        "" => format!("there is no key {} here", wording::keys(&[key])),
        at => format!("there is no key {} in {}", wording::keys(&[key]), wording::section(at)),
    }
}

pub fn of_unknown_key(root: &Value, known: &[&str], key: &str, value: &Value, at: &str) -> String {
    if key == "name" && at.is_empty() {
        return "leave it out: the name of the file is the name; `title` is what people call it".to_owned();
    }
    if at.starts_with("/purposes/") && value.is_object() {
        let dotted = format!("{}.{key}", last(at));
        return format!("a name with a dot in it needs quotation marks: [purposes.\"{dotted}\"]");
    }
    if let Some(meant) = synonym(key, known) {
        return format!("it is called `{meant}` here");
    }
    let homes = homes(root, key);
    match homes.iter().find(|home| home.as_str() != at).map(String::as_str) {
        Some("") => return format!("`{key}` belongs at the top of the file, before the first [section]"),
        Some(home) => return format!("`{key}` belongs in [{}]", wording::path(home)),
        None => {}
    }
    match wording::nearest(key, known) {
        Some(meant) => format!("did you mean `{meant}`? Here there are: {}", wording::keys(known)),
        None if known.is_empty() => "leave it out: nothing can stand here".to_owned(),
        None => format!("leave it out, or choose one of: {}", wording::keys(known)),
    }
}

/// The key that was probably meant.
pub fn meant<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    synonym(key, known).or_else(|| wording::nearest(key, known))
}

fn synonym<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let lower = key.to_lowercase();
    let called = SYNONYMS.iter().filter(|(word, _)| *word == lower);
    called.filter_map(|(_, meant)| known.iter().find(|one| *one == meant).copied()).next()
}

pub fn of_missing_key(
    root: &Value,
    wanted: Option<&Value>,
    key: &str,
    at: &str,
    document: &Document<'_>,
) -> String {
    let empty = Value::Object(Map::new());
    let property = wanted.unwrap_or(&empty);
    let (schema, name) = resolve(root, property);
    let why = property
        .get("description")
        .or_else(|| schema.get("description"))
        .and_then(Value::as_str)
        .unwrap_or("");
    let why = why.split_inclusive(". ").next().unwrap_or("").split_whitespace().collect::<Vec<_>>().join(" ");
    let place = match at {
        "" => " before the first [section]".to_owned(),
        at if document.value.pointer(at).is_some() => format!(" in {}", wording::section(at)),
        _ => String::new(),
    };
    let variants = schema.get("oneOf").and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
    let example = property.pointer("/examples/0").or_else(|| schema.pointer("/examples/0"));
    let write = if name == Some("SecretRef") {
        format!("{{ env = \"{}\" }}", secret::variable(document, &format!("{at}/{key}")))
    } else if let Some(tag) = tag_of(variants) {
        let names: Vec<&str> = variants.iter().filter_map(|variant| tag_value(variant, tag)).collect();
        let section = wording::section(&format!("{at}/{key}"));
        return format!("add {section} with {tag} = …, one of: {}", wording::list(&names));
    } else if let Some(example) = example {
        wording::value(example)
    } else if !choices(schema).is_empty() {
        return format!("add {key} = …{place}, one of: {}", wording::list(&choices(schema)));
    } else {
        blank(schema).to_owned()
    };
    format!("add {key} = {write}{place}: {why}").trim_end_matches([':', ' ']).to_owned()
}

/// A value of another kind than the one that belongs there.
pub fn of_type(schema: &Value, value: &Value, at: &str, document: &Document<'_>) -> (String, String) {
    let key = wording::key(&last(at));
    let wanted = match schema.get("type") {
        Some(Value::String(name)) => name.as_str(),
        Some(Value::Array(names)) => names.first().and_then(Value::as_str).unwrap_or(""),
        _ => "",
    };
    let in_list = document.value.pointer(parent(at)).is_some_and(Value::is_array);
    let write =
        |shown: String| if in_list { format!("write {shown}") } else { format!("write {key} = {shown}") };
    let subject = subject(at);
    let period = schema.get("format").and_then(Value::as_str) == Some("period");
    match (wanted, value) {
        ("string", Value::Number(number)) if period => {
            (format!("{subject} is a number without a unit"), write(format!("\"{number} seconds\"")))
        }
        ("string", Value::Number(_) | Value::Bool(_)) => (
            format!("{subject} is not text"),
            write(format!("\"{}\", in quotation marks", wording::value(value))),
        ),
        ("string", Value::Array(items)) => match items.as_slice() {
            [only @ Value::String(_)] => {
                (format!("{subject} takes one value, not a list"), write(wording::value(only)))
            }
            _ => (format!("{subject} takes one value, not a list"), write("\"…\", one text".to_owned())),
        },
        ("array", Value::String(_)) => {
            (format!("{subject} is a list"), write(format!("[{}]", wording::value(value))))
        }
        ("array", _) => (format!("{subject} is a list"), write(blank(schema).to_owned())),
        ("integer" | "number", Value::String(text)) if text.trim().parse::<i64>().is_ok() => {
            (format!("{subject} is a number"), write(format!("{}, without quotation marks", text.trim())))
        }
        ("integer", _) => (format!("{subject} is a whole number"), example(schema)),
        ("boolean", Value::String(text)) if matches!(text.as_str(), "true" | "false") => {
            (format!("{subject} is true or false"), write(format!("{text}, without quotation marks")))
        }
        ("boolean", _) => (format!("{subject} is true or false"), write("true, or false".to_owned())),
        ("object", _) => (not_a_table(at), table(schema, at)),
        _ => (format!("{subject} is not text"), example(schema)),
    }
}

pub fn not_a_table(at: &str) -> String {
    format!("{} is a section with keys of its own", subject(at))
}

fn table(schema: &Value, at: &str) -> String {
    let properties = schema.get("properties").and_then(Value::as_object);
    let keys: Vec<&str> = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
    match keys.is_empty() {
        true => format!("write [{}] and its keys below it", wording::path(at)),
        false => format!("write [{}] and below it: {}", wording::path(at), wording::keys(&keys)),
    }
}

/// What could stand there.
pub fn example(schema: &Value) -> String {
    match schema.pointer("/examples/0").or_else(|| schema.get("default")) {
        Some(example) => format!("write for instance {}", wording::value(example)),
        None => format!("write {}", blank(schema)),
    }
}

fn blank(schema: &Value) -> &'static str {
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => "[\"…\"]",
        Some("integer" | "number") => "a number",
        Some("boolean") => "true, or false",
        Some("object") => "{ … }",
        _ => "\"…\"",
    }
}

/// What stands there, in a sentence: the key, or which entry of a list.
pub fn subject(at: &str) -> String {
    let name = last(at);
    match name.parse::<usize>() {
        Ok(place) => format!("entry {} of {}", place + 1, wording::keys(&[&last(parent(at))])),
        Err(_) => wording::keys(&[&name]),
    }
}

fn parent(at: &str) -> &str {
    at.rfind('/').map_or("", |end| &at[..end])
}

/// The last key of a JSON Pointer.
pub fn last(at: &str) -> String {
    at.rsplit('/').next().unwrap_or("").replace("~1", "/").replace("~0", "~")
}

/// The sections in which there is such a key, as JSON Pointers.
fn homes(root: &Value, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    seek(root, root, key, "", &mut found);
    found
}

fn seek(root: &Value, schema: &Value, key: &str, at: &str, found: &mut Vec<String>) {
    let (schema, _) = resolve(root, schema);
    let variants = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    for part in std::iter::once(schema).chain(variants) {
        for (name, inner) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if name == key && !found.iter().any(|home| home == at) {
                found.push(at.to_owned());
            }
            seek(root, inner, key, &format!("{at}/{name}"), found);
        }
    }
}
