//! How the schema validator looks at a body.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object};
use serde_json::{Number, Value};

use super::Body;

/// Bodies, as a representation of JSON that schemas can be compiled for.
pub struct BodyJson;

type Fields<'a> = &'a [(Cow<'a, str>, Body<'a>)];

impl Json for BodyJson {
    type Node<'a> = &'a Body<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = ();

    /// A lookup walks half of the fields; so does one pass over them for all that are looked up.
    const KEYS_PER_LOOKUP: usize = 2;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Self::Node<'_>) -> T) -> T {
        f(&Body::Text(Cow::Borrowed(string)))
    }
}

impl<'a> Node<'a, BodyJson> for &'a Body<'a> {
    type Object = Fields<'a>;
    type Array = &'a [Body<'a>];
    type Number = &'a Number;

    fn as_object(&self) -> Option<Fields<'a>> {
        match self {
            Body::Object(fields) => Some(fields),
            _ => None,
        }
    }

    fn as_array(&self) -> Option<&'a [Body<'a>]> {
        match self {
            Body::List(items) => Some(items),
            _ => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Body::Text(text) => Some(Cow::Borrowed(text)),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<&'a Number> {
        match self {
            Body::Number(number) => Some(number),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Body::Bool(value) => Some(*value),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        Body::is_null(self)
    }

    fn json_type(&self) -> JsonType {
        match self {
            Body::Null => JsonType::Null,
            Body::Bool(_) => JsonType::Boolean,
            Body::Number(_) => JsonType::Number,
            Body::Text(_) => JsonType::String,
            Body::List(_) => JsonType::Array,
            Body::Object(_) => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match (self, expected) {
            (Body::Text(text), Value::String(expected)) => text == expected,
            (Body::Text(_), _) | (_, Value::String(_)) => false,
            _ => jsonschema::json::cmp::equal(&Body::to_value(self), expected),
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(Body::to_value(self))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref::<Body<'a>>(self).addr()))
    }
}

impl<'a> Object<'a, BodyJson> for Fields<'a> {
    type Node = &'a Body<'a>;
    type MemberName = &'a str;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        <[_]>::len(self)
    }

    fn get(&self, key: &Box<str>) -> Option<&'a Body<'a>> {
        self.iter().find(|(name, _)| **name == **key).map(|(_, value)| value)
    }

    fn members(&self) -> Members<'a> {
        Members(self.iter())
    }
}

pub struct Members<'a>(std::slice::Iter<'a, (Cow<'a, str>, Body<'a>)>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a Body<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (&**name, value))
    }
}

impl<'a> Array<'a, BodyJson> for &'a [Body<'a>] {
    type Node = &'a Body<'a>;
    type ElementsIter = std::slice::Iter<'a, Body<'a>>;

    fn len(&self) -> usize {
        <[_]>::len(self)
    }

    fn elements(&self) -> Self::ElementsIter {
        self.iter()
    }
}
