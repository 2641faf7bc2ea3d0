//! How a value is read: what a source writes in many ways as what the schemas want. `None` for what cannot be read as such.

use serde::Deserialize;
use serde_json::{Number, Value};
use snodo_connector::{contact, money, time};

use crate::place::text;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum As {
    #[default]
    Text,
    Lower,
    Upper,
    /// As it is, whatever it is.
    Same,
    /// Text that is a list.
    List,
    Decimal,
    Integer,
    Number,
    Boolean,
    Money,
    /// With its own offset.
    Time,
    LocalTime,
    EpochSeconds,
    EpochMillis,
    /// As mails have it (RFC 2822).
    MailTime,
    Day,
    Email,
    Phone,
}

/// What a reading may have to know.
#[derive(Debug, Default)]
pub struct How {
    pub reading: As,
    /// `None` is what the channel says.
    pub comma: Option<bool>,
    pub format: Option<String>,
    pub offset: Option<String>,
    pub calling_code: Option<String>,
    pub separator: Option<String>,
}

impl How {
    pub fn read(&self, value: &Value, comma_else: bool) -> Option<Value> {
        if self.reading == As::Same {
            return Some(value.clone());
        }
        let written = text(value)?;
        Some(match self.reading {
            As::Same => return None,
            As::Text => written.into(),
            As::Lower => written.to_lowercase().into(),
            As::Upper => written.to_uppercase().into(),
            As::List => {
                let parts = written.split(self.separator.as_deref().unwrap_or(","));
                parts.map(str::trim).filter(|part| !part.is_empty()).collect()
            }
            // Money is put together by the field, which knows the currency.
            As::Decimal | As::Money => self.decimal(value, comma_else)?.into(),
            As::Integer => {
                let number = self.decimal(value, comma_else)?;
                let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
                fraction.bytes().all(|digit| digit == b'0').then_some(())?;
                whole.parse::<i64>().ok()?.into()
            }
            As::Number => match value {
                Value::Number(_) => value.clone(),
                _ => {
                    let plain = self.decimal(value, comma_else).unwrap_or(written);
                    Value::Number(Number::from_f64(plain.parse().ok()?)?)
                }
            },
            As::Boolean => boolean(&written)?.into(),
            As::Time => time::rfc3339(&written)?.into(),
            As::LocalTime => {
                let plain = match &self.format {
                    Some(format) => written_in(format, &written)?.moment()?,
                    None => written,
                };
                time::local(&plain, self.offset.as_deref().unwrap_or("Z"))?.into()
            }
            As::EpochSeconds => time::from_epoch_seconds(written)?.into(),
            As::EpochMillis => time::from_epoch_millis(written)?.into(),
            As::MailTime => time::rfc2822(&written)?.into(),
            As::Day => match &self.format {
                Some(format) => time::day(&written_in(format, &written)?.day()?)?.into(),
                None => time::day(&written)?.into(),
            },
            As::Email => contact::email(&written)?.into(),
            As::Phone => match &self.calling_code {
                Some(code) => contact::phone_in(&written, code)?.into(),
                None => contact::phone(&written)?.into(),
            },
        })
    }

    /// A JSON number has no comma, whatever the texts around it have.
    pub fn decimal(&self, value: &Value, comma_else: bool) -> Option<String> {
        match value {
            Value::String(text) if self.comma.unwrap_or(comma_else) => money::decimal_comma(text),
            value => money::decimal(&text(value)?),
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// The parts of a time that a format names.
#[derive(Default)]
struct Parts<'t> {
    year: &'t str,
    month: &'t str,
    day: &'t str,
    hour: &'t str,
    minute: &'t str,
    second: &'t str,
}

impl Parts<'_> {
    fn day(&self) -> Option<String> {
        let century = if self.year.len() == 2 { "20" } else { "" };
        let whole = !self.year.is_empty() && !self.month.is_empty() && !self.day.is_empty();
        whole.then(|| format!("{century}{}-{:0>2}-{:0>2}", self.year, self.month, self.day))
    }

    fn moment(&self) -> Option<String> {
        Some(format!("{}T{:0>2}:{:0>2}:{:0>2}", self.day()?, self.hour, self.minute, self.second))
    }
}

/// `YYYY`, `YY`, `MM`, `DD`, `hh`, `mm`, `ss` have as many digits as they have letters; `M`, `D` and `h` may have one or two. What
/// else is in the format stands in the text as it is.
fn written_in<'t>(format: &str, mut text: &'t str) -> Option<Parts<'t>> {
    let mut parts = Parts::default();
    let mut format = format;
    while let Some(letter) = format.chars().next() {
        let run = format.chars().take_while(|next| *next == letter).count();
        let (place, most) = match (letter, run) {
            ('Y', 2 | 4) => (&mut parts.year, run),
            ('M', 1 | 2) => (&mut parts.month, 2),
            ('D', 1 | 2) => (&mut parts.day, 2),
            ('h', 1 | 2) => (&mut parts.hour, 2),
            ('m', 2) => (&mut parts.minute, 2),
            ('s', 2) => (&mut parts.second, 2),
            _ => {
                text = text.strip_prefix(letter)?;
                format = &format[letter.len_utf8()..];
                continue;
            }
        };
        let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
        (digits >= run).then_some(())?;
        (*place, text) = text.split_at(digits);
        format = &format[run..];
    }
    text.is_empty().then_some(parts)
}
