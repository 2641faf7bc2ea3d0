//! One field of an event: where its value comes from, and how it is read. As a channel writes it: text for a place or, behind `=`,
//! a constant; a table for all else.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::{Map, Value, json};
use snodo_connector::Fault;
use snodo_connector::money::Money;

use crate::place::{Place, Scope, Template, text};
use crate::put;
use crate::reading::{As, How};

#[derive(Debug)]
pub struct Field {
    value: From,
    pub required: bool,
    otherwise: Option<Value>,
}

#[derive(Debug)]
enum From {
    Constant(Value),
    Template(Template),
    /// The first place whose value can be read.
    Places {
        from: Vec<Place>,
        how: How,
        table: Option<Map<String, Value>>,
    },
    Money {
        from: Vec<Place>,
        how: How,
        currency: Vec<Currency>,
        minor: bool,
    },
    List {
        each: String,
        fields: Fields,
    },
}

#[derive(Debug)]
enum Currency {
    Code(String),
    At(Place),
}

/// Canonical pointers and what belongs there.
#[derive(Debug, Default, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Fields(Vec<(String, Field)>);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    from: Value,
    template: Option<Template>,
    constant: Option<Value>,
    each: Option<String>,
    fields: Option<Fields>,
    #[serde(rename = "as")]
    reading: As,
    currency: Value,
    minor: bool,
    comma: Option<bool>,
    format: Option<String>,
    offset: Option<String>,
    calling_code: Option<String>,
    separator: Option<String>,
    table: Option<Map<String, Value>>,
    otherwise: Option<Value>,
    required: bool,
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Field {
    pub fn of(written: Value) -> Result<Self, String> {
        let written: Written = match written {
            Value::String(text) => match text.strip_prefix('=') {
                Some(constant) => Written { constant: Some(constant.into()), ..Written::default() },
                None => Written { from: text.into(), ..Written::default() },
            },
            written => serde_json::from_value(written).map_err(|error| error.to_string())?,
        };
        let (required, otherwise) = (written.required, written.otherwise.clone());
        Ok(Self { value: written.source()?, required, otherwise })
    }
}

impl Written {
    fn source(self) -> Result<From, String> {
        if let Some(constant) = self.constant {
            return Ok(From::Constant(constant));
        }
        if let Some(template) = self.template {
            return Ok(From::Template(template));
        }
        if let Some(each) = self.each {
            let fields = self.fields.ok_or("a list needs its fields beside each")?;
            return Ok(From::List { each, fields });
        }
        let from = texts(self.from)?.into_iter().map(Place::try_from).collect::<Result<Vec<_>, _>>()?;
        if from.is_empty() {
            return Err("a field needs one of: from, template, constant, each".to_owned());
        }
        let how = How {
            reading: self.reading,
            comma: self.comma,
            format: self.format,
            offset: self.offset,
            calling_code: self.calling_code,
            separator: self.separator,
        };
        if how.reading != As::Money {
            return Ok(From::Places { from, how, table: self.table });
        }
        let currency =
            |text: String| match text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
                true => Ok(Currency::Code(text)),
                false => Place::try_from(text).map(Currency::At),
            };
        let currency = texts(self.currency)?.into_iter().map(currency).collect::<Result<Vec<_>, _>>()?;
        match currency.is_empty() {
            true => Err("money needs its currency: a code such as EUR, or the place of one".to_owned()),
            false => Ok(From::Money { from, how, currency, minor: self.minor }),
        }
    }
}

/// One text, or several.
fn texts(value: Value) -> Result<Vec<String>, String> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![text]),
        value => serde_json::from_value(value).map_err(|_| "expected text, or a list of texts".to_owned()),
    }
}

impl TryFrom<Map<String, Value>> for Fields {
    type Error = String;

    fn try_from(written: Map<String, Value>) -> Result<Self, String> {
        let field = |(pointer, value): (String, Value)| {
            if !pointer.starts_with('/') {
                return Err(format!("{pointer:?} is no place in an event: write it like /order/id"));
            }
            let field = Field::of(value).map_err(|why| format!("{pointer}: {why}"))?;
            Ok((pointer, field))
        };
        written.into_iter().map(field).collect::<Result<_, _>>().map(Self)
    }
}

impl Fields {
    /// All of them in an object. `None` if one that is required has nothing.
    pub fn read(&self, scope: &Scope<'_>) -> Result<Option<Map<String, Value>>, Fault> {
        let mut data = Map::new();
        for (pointer, field) in &self.0 {
            let Some(value) = field.read(scope)? else {
                if field.required {
                    return Ok(None);
                }
                continue;
            };
            if !put::put(&mut data, pointer, value) {
                return Err(Fault::misconfigured(format!(
                    "two fields of one rule are for the same place: {pointer}"
                )));
            }
        }
        Ok(Some(data))
    }
}

impl Field {
    pub fn read(&self, scope: &Scope<'_>) -> Result<Option<Value>, Fault> {
        let found = match &self.value {
            From::Constant(value) => Some(value.clone()),
            From::Template(template) => template.text(scope).map(|text| {
                template.take(scope);
                text.into()
            }),
            From::Places { from, how, table } => first(scope, from, |value| match table {
                Some(table) => table.get(&text(value)?).cloned(),
                None => how.read(value, scope.about.decimal_comma),
            }),
            From::Money { from, how, currency, minor } => money(scope, from, how, currency, *minor),
            From::List { each, fields } => list(scope, each, fields)?,
        };
        Ok(found.or_else(|| self.otherwise.clone()))
    }
}

/// The first that can be read is taken.
fn first<T>(scope: &Scope<'_>, from: &[Place], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
    from.iter().find_map(|place| {
        let found = read(scope.read(place)?.as_ref())?;
        scope.take(place);
        Some(found)
    })
}

fn money(scope: &Scope<'_>, from: &[Place], how: &How, currency: &[Currency], minor: bool) -> Option<Value> {
    let (code, at) = currency.iter().find_map(|currency| match currency {
        Currency::Code(code) => Some((code.clone(), None)),
        Currency::At(place) => Some((snodo_connector::money::currency(&scope.text(place)?)?, Some(place))),
    })?;
    let found = first(scope, from, |value| {
        let amount = how.decimal(value, scope.about.decimal_comma)?;
        if minor { Money::from_minor(amount, &code) } else { Money::new(&amount, &code) }
    })?;
    if let Some(place) = at {
        scope.take(place);
    }
    Some(json!(found))
}

/// An element that lacks what it requires is left out, and stays under `vendor`.
fn list(scope: &Scope<'_>, each: &str, fields: &Fields) -> Result<Option<Value>, Fault> {
    let mut items = Vec::new();
    for element in scope.elements(each).unwrap_or_default() {
        let before = element.taken();
        match fields.read(&element)? {
            Some(item) if !item.is_empty() => items.push(Value::Object(item)),
            _ => element.give_back(before),
        }
    }
    Ok((!items.is_empty()).then_some(Value::Array(items)))
}
