//! The body of an event, read: a tree that borrows its text from the bytes it was read from. Every event is read once, and most
//! of what it says is looked at by the schema only; to own it all cost three times as much.

mod read;
mod schema;

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

pub use schema::BodyJson;

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Body<'a> {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    /// In the order they came, each name once.
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Body<'a> {
    /// Reads JSON. Of fields with one name the last counts.
    pub fn parse(text: &'a [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub const fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items.as_slice(),
            _ => &[],
        }
    }

    pub const fn fields(&self) -> &[(Cow<'a, str>, Self)] {
        match self {
            Self::Object(fields) => fields.as_slice(),
            _ => &[],
        }
    }

    pub fn get(&self, name: &str) -> Option<&Self> {
        self.fields().iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    /// The place that a JSON pointer names (RFC 6901).
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |place, step| {
            let step = match step.contains('~') {
                true => step.replace("~1", "/").replace("~0", "~").into(),
                false => Cow::Borrowed(step),
            };
            match place {
                Self::Object(_) => place.get(&step),
                Self::List(items) => items.get(index(&step)?),
                _ => None,
            }
        })
    }

    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.clone().into_owned()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Object(fields) => {
                let owned = fields.iter().map(|(name, value)| (name.clone().into_owned(), value.to_value()));
                Value::Object(owned.collect::<Map<_, _>>())
            }
        }
    }
}

/// Digits without a sign or a leading zero.
fn index(step: &str) -> Option<usize> {
    let plain = step.bytes().all(|byte| byte.is_ascii_digit()) && (step == "0" || !step.starts_with('0'));
    if plain { step.parse().ok() } else { None }
}

impl<'a> From<&'a Value> for Body<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(fields) => {
                let borrowed =
                    fields.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), value.into()));
                Self::Object(borrowed.collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Body;

    /// Whatever a body holds, it says what the library's own value says.
    #[test]
    fn a_body_reads_as_a_value_does() {
        let long: String =
            (0..40).map(|n| format!("\"f{n}\":{n},")).chain(["\"f7\":\"again\"".to_owned()]).collect();
        for text in [
            "null",
            " [1, -2, 3.50, 1e300, 18446744073709551615, true, false] ",
            r#"{"a":{"b":[{"c":"d"},{}]},"e/f":1,"g~h":2,"":3}"#,
            r#""escaped: \u00e4 \n \" \ud83d\ude00""#,
            r#"{"\u0061":1,"b":{"x":1,"x":2},"a":3}"#,
            &format!("{{{long}}}"),
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            let body = Body::parse(text.as_bytes()).unwrap();
            assert_eq!(body.to_value(), value, "{text}");
            assert_eq!(Body::from(&value).to_value(), value, "{text}");
            for pointer in
                ["", "/a", "/a/b/0/c", "/a/b/1", "/a/b/2", "/a/b/01", "/e~1f", "/g~0h", "/", "/b/x", "x"]
            {
                let found = body.pointer(pointer).map(Body::to_value);
                assert_eq!(found.as_ref(), value.pointer(pointer), "{text} {pointer}");
            }
        }
    }

    #[test]
    fn what_is_no_json_is_refused_as_a_value_refuses_it() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for text in ["", "{", "{\"a\":}", "[1,]", "nul", "1 2", "\"\\ud800\"", &deep] {
            let theirs = serde_json::from_str::<Value>(text).unwrap_err().to_string();
            assert_eq!(Body::parse(text.as_bytes()).unwrap_err().to_string(), theirs, "{text}");
        }
        assert!(Body::parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let value = json!({ "a": [1, "x"] });
        let body = Body::from(&value);
        assert!(body.get("b").is_none() && body.get("a").unwrap().get("0").is_none());
        assert!(body.items().is_empty() && body.text().is_none() && !body.is_null());
        assert_eq!(body.pointer("/a/1").and_then(Body::text), Some("x"));
    }
}
