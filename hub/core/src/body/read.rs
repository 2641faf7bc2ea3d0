//! Text into a tree. Text and names are borrowed from it wherever they have no escapes.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use super::Body;

/// Up to so many names are compared one with the other.
const FEW: usize = 16;

impl<'de> Deserialize<'de> for Body<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Body<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<Body<'de>, E> {
        Ok(Body::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Body<'de>, E> {
        Ok(Body::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Body<'de>, E> {
        Ok(Body::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Body<'de>, E> {
        Ok(Body::Number(number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Body<'de>, E> {
        Number::from_f64(number).map(Body::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Body<'de>, E> {
        Ok(Body::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Body<'de>, E> {
        Ok(Body::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Body<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Body::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(Name(name)) = map.next_key()? {
            fields.push((name, map.next_value()?));
        }
        if repeats(&fields) {
            keep_last(&mut fields);
        }
        Ok(Body::Object(fields))
    }
}

fn repeats(fields: &[(Cow<'_, str>, Body<'_>)]) -> bool {
    if fields.len() <= FEW {
        return fields
            .iter()
            .enumerate()
            .any(|(at, (name, _))| fields[..at].iter().any(|(before, _)| before == name));
    }
    let mut seen = HashSet::with_capacity(fields.len());
    !fields.iter().all(|(name, _)| seen.insert(name))
}

/// Each name with the value that it had last.
fn keep_last(fields: &mut Vec<(Cow<'_, str>, Body<'_>)>) {
    let mut seen = HashSet::with_capacity(fields.len());
    fields.reverse();
    fields.retain(|(name, _)| seen.insert(name.clone()));
    fields.reverse();
}

/// The name of a field: borrowed if it can be, which a plain `Cow` never is.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
