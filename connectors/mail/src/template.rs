//! `{{/order/number}}`: a place of the event's data in a text. `{{/order/note|none}}` says what stands there if nothing does. That
//! is all: no conditions, no loops. Two braces that are not closed, or hold no pointer, are text.

use std::borrow::Cow;

use serde_json::Value;
use snodo_connector::{text, url};

/// Where the text goes decides how what an event brings is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    /// One line: a subject cannot be made to hold another header.
    Line,
    Html,
    Url,
}

/// The filled text; else the place that must be filled and is not.
pub fn fill(template: &str, data: &Value, form: Form) -> Result<String, String> {
    let mut out = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some(start) = rest.find("{{/") {
        let Some(end) = rest[start..].find("}}").map(|end| start + end) else { break };
        out.push_str(&rest[..start]);
        let place = &rest[start + 2..end];
        let (pointer, instead) = match place.split_once('|') {
            Some((pointer, instead)) => (pointer.trim(), Some(instead)),
            None => (place.trim(), None),
        };
        match (data.pointer(pointer).and_then(said), instead) {
            (Some(said), _) => out.push_str(&written(&said, form)),
            // The template's own words are as they should be.
            (None, Some(instead)) => out.push_str(instead),
            (None, None) => return Err(pointer.to_owned()),
        }
        rest = &rest[end + 2..];
    }
    out.push_str(rest);
    Ok(out)
}

/// A value as people read it: money with its currency, several values with commas. What has parts says nothing as a whole.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text::filled(text).map(str::to_owned),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Object(money) if money.len() == 2 => {
            Some(format!("{} {}", money.get("amount")?.as_str()?, money.get("currency")?.as_str()?))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(said).collect();
            (!items.is_empty()).then(|| items.join(", "))
        }
        Value::Object(_) | Value::Null => None,
    }
}

fn written(said: &str, form: Form) -> Cow<'_, str> {
    match form {
        Form::Text => said.into(),
        Form::Line => said.replace(char::is_control, " ").into(),
        Form::Html => escaped(said).into(),
        Form::Url => url::segment(said).unwrap_or_default().into(),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}
