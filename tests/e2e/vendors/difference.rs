//! In what a library's request is another than ours.

use serde_json::{Value, json};

use super::golden::{Request, pairs, split};

/// What the scripts give every library to prove itself with.
const TOKEN: &str = "token-of-the-test";

pub type Difference = String;

/// In what the library's request is another than ours. What it adds at a default of `false` is none.
pub fn differences(ours: &Request, theirs: &Value) -> Vec<Difference> {
    if let Some(why) = theirs["refused"].as_str() {
        return vec![why.to_owned()];
    }
    let mut all = Vec::new();
    let mut differ =
        |what: &str, ours: &str, theirs: &str| all.push(format!("{what}: {ours}, but the library: {theirs}"));
    let text = |name: &str| theirs[name].as_str().unwrap_or_default();
    if ours.method != text("method") {
        differ("method", &ours.method, text("method"));
    }
    let ((address, query), (their_address, their_query)) = (ours.parts(), split(text("url")));
    if address != their_address {
        differ("address", address, their_address);
    }
    if pairs(query) != pairs(their_query) {
        differ("query", query, their_query);
    }
    for (name, value) in ours.headers.iter().filter(|(name, _)| *name != "content-type") {
        if theirs["headers"][name] != *value {
            differ(name, &value.to_string(), &theirs["headers"][name].to_string());
        }
    }
    match (ours.form(), &ours.body, text("body")) {
        (Some(form), _, body) if pairs(form) == pairs(body) => {}
        (None, Value::String(mine), body) if mine == body || mine.is_empty() && body == "null" => {}
        (_, Value::String(mine), body) => differ("body", mine, body),
        (_, value, body) => match serde_json::from_str(body) {
            Ok(body) => differ_within("", value, &body, &mut all),
            Err(_) => differ("body", &value.to_string(), body),
        },
    }
    all
}

fn differ_within(at: &str, ours: &Value, theirs: &Value, all: &mut Vec<Difference>) {
    match (ours, theirs) {
        (Value::Object(mine), Value::Object(other)) => {
            for (name, value) in mine {
                differ_within(&format!("{at}/{name}"), value, other.get(name).unwrap_or(&Value::Null), all);
            }
            let added =
                other.iter().filter(|(name, value)| !mine.contains_key(*name) && **value != json!(false));
            all.extend(added.map(|(name, value)| format!("{at}/{name}: none, but the library: {value}")));
        }
        (Value::Array(mine), Value::Array(other)) if mine.len() == other.len() => {
            for (place, (value, other)) in mine.iter().zip(other).enumerate() {
                differ_within(&format!("{at}/{place}"), value, other, all);
            }
        }
        (Value::Number(mine), Value::Number(other)) if mine.as_f64() == other.as_f64() => {}
        _ if ours == theirs => {}
        _ => all.push(format!("{at}: {ours}, but the library: {theirs}")),
    }
}

/// Whether the library proves itself in the form that the manifest declares.
pub fn credential(manifest: &toml::Table, theirs: &Value) -> Option<Difference> {
    let auth = &manifest["destination"]["auth"];
    let text = |name: &str| auth.get(name).and_then(toml::Value::as_str);
    let (header, start) = match text("scheme").unwrap_or_default() {
        "bearer" | "oauth2" => ("authorization", format!("Bearer {TOKEN}")),
        // Of whom is the channel's matter: what follows is their name and the token.
        "basic" => ("authorization", "Basic ".to_owned()),
        "api-key" => {
            (text("header").unwrap_or_default(), format!("{}{TOKEN}", text("prefix").unwrap_or_default()))
        }
        other => return Some(format!("nobody has said how a library shows {other}")),
    };
    let shown = theirs["headers"][header].as_str().unwrap_or_default();
    (!shown.starts_with(&start)).then(|| format!("{header}: {start}, but the library: {shown}"))
}

/// Whether both say the same of the body's kind; of its letters JSON says itself.
pub fn media_type(ours: &Request, theirs: &Value) -> Option<Difference> {
    let ours = kind(ours.headers.get("content-type")?);
    let theirs = kind(&theirs["headers"]["content-type"]);
    (ours != theirs).then(|| format!("content-type: {ours}, but the library: {theirs}"))
}

fn kind(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_lowercase()
}
