//! Events as columns: those that every event has, and those that the channel asks for.

use declarative::columns::plain;
use serde::Deserialize;
use serde_json::Value;
use snodo_connector::{money, time};

use crate::file::{self, Values};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    name: String,
    from: String,
    #[serde(rename = "type", default)]
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Text,
    Integer,
    Number,
    Boolean,
    Time,
    Json,
}

/// Of what every event has, id, type, source, time and data are never absent.
const OWN: [(&str, Kind, bool); 7] = [
    ("id", Kind::Text, true),
    ("type", Kind::Text, true),
    ("source", Kind::Text, true),
    ("subject", Kind::Text, false),
    ("time", Kind::Time, true),
    ("customer", Kind::Text, false),
    ("data", Kind::Json, true),
];

pub fn columns<'c>(further: &'c [Column], events: &[Value]) -> Vec<file::Column<'c>> {
    let own = OWN.into_iter().map(|(name, kind, required)| file::Column {
        name,
        required,
        values: kind.read(events.iter().map(|event| event.get(name))),
    });
    let further = further.iter().map(|column| file::Column {
        name: &column.name,
        required: false,
        values: column.kind.read(events.iter().map(|event| event.pointer(&column.from))),
    });
    own.chain(further).collect()
}

impl Kind {
    fn read<'e>(self, values: impl Iterator<Item = Option<&'e Value>>) -> Values {
        let values = values.map(|value| value.filter(|value| !value.is_null()));
        match self {
            Self::Text => Values::Text(values.map(|value| value.map(plain)).collect()),
            Self::Json => Values::Json(values.map(|value| value.map(Value::to_string)).collect()),
            Self::Integer => {
                let read = |value: &Value| money::decimal(&plain(value))?.parse().ok();
                Values::Integer(values.map(|value| value.and_then(read)).collect())
            }
            Self::Number => {
                let read = |value: &Value| match value {
                    Value::Number(number) => number.as_f64(),
                    value => money::decimal(&plain(value))?.parse().ok(),
                };
                Values::Number(values.map(|value| value.and_then(read)).collect())
            }
            Self::Boolean => Values::Boolean(values.map(|value| value.and_then(Value::as_bool)).collect()),
            Self::Time => {
                let read = |value: &Value| time::epoch_micros(value.as_str()?);
                Values::Micros(values.map(|value| value.and_then(read)).collect())
            }
        }
    }
}
