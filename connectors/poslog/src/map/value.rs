//! Single values: decimals, money, days, times, telephone numbers, and the object that leaves out what is absent.
//! A value that is not what it should be is `None`, and so stays with the element.

use serde_json::{Map, Value, json};

use crate::element::Element;

/// Digits of a number. Money and quantities of the standard have at most 18; this keeps sums inside an `i128`.
const DIGITS_MAX: usize = 30;

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
        let digits = self.amount.trim_start_matches('-');
        let amount = if is_zero(digits) { digits.to_owned() } else { format!("-{digits}") };
        Self { amount, ..self }
    }

    pub fn positive(self) -> Self {
        Self { amount: self.amount.trim_start_matches('-').to_owned(), ..self }
    }

    pub fn is_zero(&self) -> bool {
        is_zero(&self.amount)
    }

    /// `None` where the currencies differ.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        let amount = sum(&self.amount, &other.amount)?;
        (self.currency == other.currency).then(|| Self { amount, currency: self.currency.clone() })
    }

    pub fn minus(&self, other: &Self) -> Option<Self> {
        let amount = match other.amount.strip_prefix('-') {
            Some(positive) => sum(&self.amount, positive)?,
            None => sum(&self.amount, &format!("-{}", other.amount))?,
        };
        (self.currency == other.currency).then(|| Self { amount, currency: self.currency.clone() })
    }
}

impl From<Money> for Value {
    fn from(money: Money) -> Self {
        json!({ "amount": money.amount, "currency": money.currency })
    }
}

/// A decimal number as JSON's text form wants it: `-?digits(.digits)?`.
pub fn decimal(text: &str) -> Option<String> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        // Some hosts write the sign behind the number.
        _ => text.strip_suffix('-').map_or((false, text), |digits| (true, digits)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let count = whole.len() + fraction.len();
    if !all_digits(whole) || !all_digits(fraction) || count == 0 || count > DIGITS_MAX {
        return None;
    }
    let sign = if negative && !is_zero(digits) { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
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

pub fn currency_code(text: &str) -> Option<String> {
    (text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| text.to_owned())
}

/// `xs:date`; an offset after it says nothing about a trading day and is dropped, as is the midnight that some append.
pub fn day(text: &str) -> Option<String> {
    let date = text.get(..10)?;
    let rest = &text[10..];
    let plain = rest.is_empty() || offset(rest).is_some() || rest.starts_with(['T', ' ']);
    (plain && is_day(date)).then(|| date.to_owned())
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
        let (date, rest) = (text.get(..10)?, text.get(10..)?);
        let time = rest.strip_prefix(['T', ' '])?;
        let clock_end = time.find(|letter: char| !letter.is_ascii_digit() && letter != ':' && letter != '.');
        let (clock, zone) = time.split_at(clock_end.unwrap_or(time.len()));
        if !is_day(date) || !is_clock(clock) {
            return None;
        }
        let zone = zone.trim_start();
        let (zone, assumed) = if zone.is_empty() { (assumed_offset, true) } else { (offset(zone)?, false) };
        Some(Self { text: format!("{date}T{clock}{zone}"), assumed })
    }
}

impl From<Moment> for Value {
    fn from(moment: Moment) -> Self {
        moment.text.into()
    }
}

/// `Z` or `+hh:mm`.
pub fn offset(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let numeric = bytes.len() == 6
        && matches!(bytes[0], b'+' | b'-')
        && bytes[3] == b':'
        && number(&bytes[1..3]).is_some_and(|hours| hours <= 14)
        && number(&bytes[4..6]).is_some_and(|minutes| minutes <= 59);
    (text == "Z" || numeric).then_some(text)
}

/// E.164, from a number with its country's code; `None` for one that only its own country can dial.
pub fn e164(country: &str, area: &str, local: &str) -> Option<String> {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let local = local.trim_start_matches("tel:").trim();
    if !local.chars().all(|letter| letter.is_ascii_digit() || " +-./()".contains(letter)) {
        return None;
    }
    let number = if local.starts_with('+') {
        digits(&local.replace("(0)", ""))
    } else {
        let country = digits(country);
        let national = format!("{}{}", digits(area), digits(local));
        // Italy keeps the zero that others only dial at home (ITU-T E.164 national numbering plans).
        let national = if country == "39" { national.as_str() } else { national.trim_start_matches('0') };
        if country.is_empty() || national.is_empty() {
            return None;
        }
        format!("{country}{national}")
    };
    ((7..=15).contains(&number.len()) && !number.starts_with('0')).then(|| format!("+{number}"))
}

fn sum(left: &str, right: &str) -> Option<String> {
    let scale = |text: &str| text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let places = scale(left).max(scale(right));
    let units = |text: &str| -> Option<i128> {
        let digits = format!("{}{}", text.replace('.', ""), "0".repeat(places - scale(text)));
        digits.parse().ok()
    };
    let total = units(left)?.checked_add(units(right)?)?;
    let sign = if total < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", total.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    Some(if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

fn is_day(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return false;
    }
    let (Some(year), Some(month), Some(day)) =
        (number(&bytes[..4]), number(&bytes[5..7]), number(&bytes[8..]))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day) && year > 0
}

/// `hh:mm:ss`, with a fraction or without.
fn is_clock(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let bytes = clock.as_bytes();
    bytes.len() == 8
        && bytes[2] == b':'
        && bytes[5] == b':'
        && number(&bytes[..2]).is_some_and(|hours| hours <= 23)
        && number(&bytes[3..5]).is_some_and(|minutes| minutes <= 59)
        && number(&bytes[6..]).is_some_and(|seconds| seconds <= 59)
        && (1..=9).contains(&fraction.len())
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(digits: &[u8]) -> Option<u32> {
    let digit = |value: u32, byte: &u8| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0'));
    digits.iter().try_fold(0, digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_scale() {
        for (text, expected) in [
            ("12.50", Some("12.50")),
            ("+3", Some("3")),
            ("-0.19", Some("-0.19")),
            ("4.20-", Some("-4.20")),
            (".5", Some("0.5")),
            ("-0.00", Some("0.00")),
            ("1,50", None),
            ("1e3", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(decimal(text).as_deref(), expected, "{text}");
        }
    }

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
    fn days_lose_what_is_not_a_day() {
        for (text, expected) in [
            ("2026-03-01", Some("2026-03-01")),
            ("2026-03-01+01:00", Some("2026-03-01")),
            ("2026-03-01T00:00:00", Some("2026-03-01")),
            ("2026-13-01", None),
            ("20260301", None),
        ] {
            assert_eq!(day(text).as_deref(), expected, "{text}");
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
