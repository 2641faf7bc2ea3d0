//! Single values: decimals, money, days, times, telephone numbers, and the object that leaves out what is absent.
//! A value that is not what it should be is `None`, and so stays with the element.

use serde_json::{Map, Value, json};
pub use snodo_connector::money::{currency as currency_code, decimal};
pub use snodo_connector::time::day;
use snodo_connector::{contact, money, time};

use crate::element::Element;

/// A JSON object that never holds an empty value.
#[derive(Clone, Default)]
pub struct Object(Map<String, Value>);

impl Object {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn set<T: Into<Value>>(&mut self, name: &str, value: Option<T>) -> &mut Self {
        let empty = |value: &Value| match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        if let Some(value) = value.map(Into::into).filter(|value| !empty(value)) {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// Sets a flag that means nothing when it is not raised.
    pub fn raise(&mut self, name: &str, raised: bool) -> &mut Self {
        self.set(name, raised.then_some(true))
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    pub fn remove(&mut self, name: &str) {
        self.0.shift_remove(name);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0)
    }
}

/// An amount in the scale it was sent in, and its currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Money {
    pub amount: String,
    pub currency: String,
}

impl Money {
    /// Reads an amount; without a currency of its own it has the transaction's. `Action="Subtract"` is a minus.
    pub fn of(element: Element, currency: &str) -> Option<Self> {
        let amount = element.text_as(decimal)?;
        let own =
            ["Currency", "CurrencyCode"].iter().find_map(|name| element.attribute_as(name, currency_code));
        let action = element.attribute_as("Action", |text| {
            ["add", "subtract"].contains(&text.to_ascii_lowercase().as_str()).then_some(text)
        });
        let money = Self { amount, currency: own.unwrap_or_else(|| currency.to_owned()) };
        Some(if action.is_some_and(|action| action.eq_ignore_ascii_case("subtract")) {
            money.negative()
        } else {
            money
        })
    }

    pub fn negative(self) -> Self {
        Self { amount: negative(&self.amount), ..self }
    }

    pub fn positive(self) -> Self {
        Self { amount: self.amount.trim_start_matches('-').to_owned(), ..self }
    }

    pub fn is_zero(&self) -> bool {
        is_zero(&self.amount)
    }

    /// `None` where the currencies differ.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        self.with(other, money::add)
    }

    pub fn minus(&self, other: &Self) -> Option<Self> {
        self.with(other, money::subtract)
    }

    fn with(&self, other: &Self, sum: fn(&str, &str) -> Option<String>) -> Option<Self> {
        let amount = sum(&self.amount, &other.amount)?;
        (self.currency == other.currency).then(|| Self { amount, currency: self.currency.clone() })
    }
}

impl From<Money> for Value {
    fn from(money: Money) -> Self {
        json!({ "amount": money.amount, "currency": money.currency })
    }
}

/// The same number below zero.
pub fn negative(decimal: &str) -> String {
    let digits = decimal.trim_start_matches('-');
    if is_zero(digits) { digits.to_owned() } else { format!("-{digits}") }
}

pub fn is_zero(decimal: &str) -> bool {
    decimal.bytes().all(|byte| !(b'1'..=b'9').contains(&byte))
}

/// Percent as a share of one: the point moves, no digit is lost.
pub fn share(percent: &str) -> Option<String> {
    let percent = decimal(percent.trim_end_matches('%').trim_end())?;
    let (sign, digits) = percent.strip_prefix('-').map_or(("", percent.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = format!("{whole:0>3}");
    let (before, after) = whole.split_at(whole.len() - 2);
    let after = format!("{after}{fraction}");
    let before = before.trim_start_matches('0');
    let before = if before.is_empty() { "0" } else { before };
    decimal(&format!("{sign}{before}.{after}"))
}

/// A moment as RFC 3339, and whether its offset had to be assumed.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub text: String,
    pub assumed: bool,
}

impl Moment {
    /// Reads `xs:dateTime`, with a blank for its `T` if need be.
    pub fn read(text: &str, assumed_offset: &str) -> Option<Self> {
        let assumed = || Some(Self { text: time::local(text, assumed_offset)?, assumed: true });
        time::rfc3339(text).map(|text| Self { text, assumed: false }).or_else(assumed)
    }
}

impl From<Moment> for Value {
    fn from(moment: Moment) -> Self {
        moment.text.into()
    }
}

/// E.164, from a number with its country's code; `None` for one that only its own country can dial.
pub fn e164(country: &str, area: &str, local: &str) -> Option<String> {
    if local.trim_start_matches("tel:").trim_start().starts_with('+') {
        return contact::phone(local);
    }
    contact::phone_in(&[area, local].concat(), country)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_become_shares() {
        for (text, expected) in [
            ("22", "0.22"),
            ("5.952", "0.05952"),
            ("8.5%", "0.085"),
            ("0", "0.00"),
            ("100", "1.00"),
            ("-10", "-0.10"),
        ] {
            assert_eq!(share(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn times_without_an_offset_get_the_channels_and_say_so() {
        for (text, expected) in [
            ("2026-03-01T09:30:00", Some(("2026-03-01T09:30:00+01:00", true))),
            ("2026-03-01 09:30:00.250", Some(("2026-03-01T09:30:00.250+01:00", true))),
            ("2026-03-01T09:30:00Z", Some(("2026-03-01T09:30:00Z", false))),
            ("2026-03-01T09:30:00-05:00", Some(("2026-03-01T09:30:00-05:00", false))),
            ("2026-02-29T09:30:00", None),
            ("2026-03-01T24:00:00", None),
            ("2026-03-01", None),
            ("2026-03-01T09:30:00 soon", None),
            ("übermorgen um zehn", None),
        ] {
            let read = Moment::read(text, "+01:00").map(|moment| (moment.text, moment.assumed));
            assert_eq!(read, expected.map(|(text, assumed)| (text.to_owned(), assumed)), "{text}");
        }
    }

    #[test]
    fn sums_are_exact_in_the_finer_scale() {
        let euro = |amount: &str| Money { amount: amount.into(), currency: "EUR".into() };
        for (left, right, plus, minus) in [
            ("20.00", "3.5", "23.50", "16.50"),
            ("0.10", "0.20", "0.30", "-0.10"),
            ("-1", "-0.05", "-1.05", "-0.95"),
            ("7", "7", "14", "0"),
        ] {
            assert_eq!(euro(left).plus(&euro(right)), Some(euro(plus)), "{left} + {right}");
            assert_eq!(euro(left).minus(&euro(right)), Some(euro(minus)), "{left} - {right}");
        }
        assert_eq!(euro("1").plus(&Money { amount: "1".into(), currency: "USD".into() }), None);
    }

    #[test]
    fn telephone_numbers_need_a_country() {
        for ((country, area, local), expected) in [
            (("46", "0771", "58 48 86"), Some("+46771584886")),
            (("39", "06", "1234567"), Some("+39061234567")),
            (("", "", "tel:+49 (0)30 123456"), Some("+4930123456")),
            (("", "030", "123456"), None),
            (("1", "", "call me"), None),
        ] {
            assert_eq!(e164(country, area, local).as_deref(), expected, "{country} {area} {local}");
        }
    }
}
