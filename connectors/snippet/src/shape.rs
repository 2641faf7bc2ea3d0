//! Takes what a canonical part has a field for, and leaves the rest. The format's field names are the vocabulary's own, so a shape is
//! a list of names and forms; what does not keep to its form stays where it is.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::money::Money;

#[derive(Clone, Copy, Debug)]
pub enum Form {
    Text,
    Number,
    /// Not below zero.
    Whole,
    Percent,
    Flag,
    Moment,
    Decimal,
    Money,
    Texts,
    /// Texts by names that are somebody's own.
    Map,
    One(&'static [&'static str]),
    Part(Shape),
    Parts(Shape),
    /// Text, number or yes and no.
    Scalar,
}

pub type Shape = &'static [(&'static str, Form)];

pub fn pick(from: &mut Fields, shape: Shape) -> Fields {
    let mut found = Fields::new();
    for (name, form) in shape {
        let value = match form {
            Form::Part(shape) => part(from, name, shape).map(Value::Object),
            Form::Parts(shape) => parts(from, name, shape),
            form => from.take(name, |value| read(value, *form)),
        };
        found.leave(name, value);
    }
    found
}

/// `None` if there is nothing in it that the shape has a place for.
pub fn part(from: &mut Fields, name: &str, shape: Shape) -> Option<Fields> {
    let mut fields = from.object(name)?;
    let found = pick(&mut fields, shape);
    from.leave(name, fields);
    (!found.is_empty()).then_some(found)
}

/// What is left of the third stays the third.
fn parts(from: &mut Fields, name: &str, shape: Shape) -> Option<Value> {
    if !from.get(name)?.as_array()?.iter().all(Value::is_object) {
        return None;
    }
    let mut list = from.list(name)?;
    let picked: Vec<Fields> =
        list.iter_mut().filter_map(Value::as_object_mut).map(|fields| pick(fields, shape)).collect();
    from.leave(name, list);
    let found: Vec<Value> = picked.into_iter().filter(|one| !one.is_empty()).map(Value::Object).collect();
    (!found.is_empty()).then(|| found.into())
}

fn read(value: &Value, form: Form) -> Option<Value> {
    match form {
        Form::Text => fields::text(value).map(Value::from),
        Form::Number => value.is_number().then(|| value.clone()),
        Form::Whole => value.as_u64().map(Value::from),
        Form::Percent => value.as_f64().filter(|percent| (0.0..=100.0).contains(percent)).map(Value::from),
        Form::Flag => value.is_boolean().then(|| value.clone()),
        Form::Moment => fields::moment(value).map(Value::from),
        Form::Decimal => fields::decimal(value).map(Value::from),
        Form::Money => {
            let (amount, currency) = (fields::text(value.get("amount")?)?, value.get("currency")?.as_str()?);
            let money =
                Money::new(&amount, currency).filter(|_| value.as_object().is_some_and(|it| it.len() == 2));
            money.map(|money| json!(money))
        }
        Form::Texts => {
            let texts: Option<Vec<String>> = value.as_array()?.iter().map(fields::text).collect();
            texts.filter(|texts| !texts.is_empty()).map(Value::from)
        }
        Form::Map => {
            let texts =
                value.as_object()?.values().all(|text| text.as_str().is_some_and(|text| !text.is_empty()));
            texts.then(|| value.clone())
        }
        Form::One(words) => value.as_str().filter(|word| words.contains(word)).map(Value::from),
        Form::Scalar => (value.is_boolean() || fields::text(value).is_some()).then(|| value.clone()),
        Form::Part(_) | Form::Parts(_) => None,
    }
}
