//! Takes fields out of an object by name. What does not read as it should stays where it is, and so does what nobody takes: that is
//! the vendor's own, and belongs under `vendor`.
//!
//! ```
//! use serde_json::{Value, json};
//! use snodo_connector::fields::{self, Fields, Take};
//!
//! let Value::Object(mut sent) = json!({"id": 7, "total": "12.50", "mail": "Anna@Example.com", "flags": {"vip": true, "old": null}}) else {
//!     unreachable!()
//! };
//! let mut order = sent.texts(&[("id", "id"), ("number", "number")]);
//! order.leave("total", sent.decimal("total"));
//! assert_eq!(json!(order), json!({"id": "7", "total": "12.50"}));
//! let mut data = Fields::new();
//! data.leave("order", order);
//! data.leave("customer", json!({"traits": {"email": sent.text("mail")}}));
//! data.leave("vendor", sent);
//! assert_eq!(data["vendor"], json!({"flags": {"vip": true}}));
//! assert_eq!(fields::of(json!({"id": "7", "name": null})), fields::of(json!({"id": "7", "name": ""})));
//! ```

use serde_json::{Map, Value};

use crate::{money, time};

/// A JSON object.
pub type Fields = Map<String, Value>;

pub trait Take {
    /// Takes the field out if `read` can read it.
    fn take<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T>;

    /// Text that is not blank, or a number as text.
    fn text(&mut self, name: &str) -> Option<String> {
        self.take(name, text)
    }

    /// A number, or text that is one.
    fn decimal(&mut self, name: &str) -> Option<String> {
        self.take(name, decimal)
    }

    /// A moment with its offset.
    fn moment(&mut self, name: &str) -> Option<String> {
        self.take(name, moment)
    }

    fn object(&mut self, name: &str) -> Option<Fields>;

    fn list(&mut self, name: &str) -> Option<Vec<Value>>;

    /// Puts a value in, without what says nothing in it (see [`prune`]); not at all if nothing is left. `None` says nothing.
    fn leave(&mut self, name: &str, rest: impl Into<Value>);

    /// Takes texts, each under its canonical name: pairs of the vendor's name and ours.
    fn texts(&mut self, names: &[(&str, &str)]) -> Fields;
}

impl Take for Fields {
    fn take<T>(&mut self, name: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let found = read(self.get(name)?)?;
        self.shift_remove(name);
        Some(found)
    }

    fn object(&mut self, name: &str) -> Option<Fields> {
        self.get(name)?.as_object()?;
        match self.shift_remove(name) {
            Some(Value::Object(object)) => Some(object),
            _ => None,
        }
    }

    fn list(&mut self, name: &str) -> Option<Vec<Value>> {
        self.get(name)?.as_array()?;
        match self.shift_remove(name) {
            Some(Value::Array(list)) => Some(list),
            _ => None,
        }
    }

    fn leave(&mut self, name: &str, rest: impl Into<Value>) {
        let mut rest = rest.into();
        if prune(&mut rest) {
            self.insert(name.to_owned(), rest);
        }
    }

    fn texts(&mut self, names: &[(&str, &str)]) -> Fields {
        let mut found = Fields::new();
        for (from, to) in names {
            if let Some(text) = self.text(from) {
                found.insert((*to).to_owned(), text.into());
            }
        }
        found
    }
}

/// An object's fields without what says nothing (see [`prune`]). What is no object has none.
pub fn of(object: Value) -> Fields {
    let mut fields = Fields::new();
    if let Value::Object(object) = object {
        for (name, value) in object {
            fields.leave(&name, value);
        }
    }
    fields
}

/// Ids are numbers with many senders.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A number, or text that is one.
pub fn decimal(value: &Value) -> Option<String> {
    money::decimal(&text(value)?)
}

/// A moment with its offset. Others are no moments.
pub fn moment(value: &Value) -> Option<String> {
    time::rfc3339(value.as_str()?)
}

/// Takes out what says nothing: null, empty text, and what holds only such. Elements of a list keep their places. Whether
/// anything is left.
pub fn prune(value: &mut Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter_mut().fold(false, |some, item| prune(item) | some),
        Value::Object(fields) => {
            fields.retain(|_, field| prune(field));
            !fields.is_empty()
        }
        Value::Bool(_) | Value::Number(_) => true,
    }
}
