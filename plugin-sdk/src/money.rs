//! Amounts without loss: decimal text in its own scale, and the currency it is in. Never a floating-point number.
//!
//! ```
//! use snodo_connector::money::{self, Money};
//!
//! assert_eq!(money::decimal("+12.50").as_deref(), Some("12.50"));
//! assert_eq!(money::decimal("1,50"), None, "one and a half, or a hundred and fifty?");
//! assert_eq!(money::decimal_comma("1.234,56").as_deref(), Some("1234.56"));
//! assert_eq!(money::add("12.50", "0.5").as_deref(), Some("13.00"));
//! let yen = Money::from_minor(1200, "jpy").unwrap();
//! assert_eq!((yen.amount.as_str(), yen.currency.as_str()), ("1200", "JPY"));
//! assert_eq!(serde_json::json!(Money::new("9.90", "EUR")), serde_json::json!({"amount": "9.90", "currency": "EUR"}));
//! ```

use std::cmp::Ordering;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// More digits than any currency has; what is longer is no amount.
const DIGITS_MAX: usize = 30;

/// Money as the schemas want it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    pub amount: String,
    pub currency: String,
}

impl Money {
    /// `None` if the amount or the currency cannot be read as such.
    pub fn new(amount: &str, currency: &str) -> Option<Self> {
        Some(Self { amount: decimal(amount)?, currency: self::currency(currency)? })
    }

    /// From cents, pence, fils: with as many digits as ISO 4217 gives the currency.
    pub fn from_minor(units: impl Display, currency: &str) -> Option<Self> {
        Some(Self {
            amount: from_minor(units, minor_digits(currency)?)?,
            currency: self::currency(currency)?,
        })
    }
}

/// A decimal number as the schemas want it, `-?digits(.digits)?`, with its own scale: "+3" is "3", ".5" "0.5", "4.20-" "-4.20".
pub fn decimal(text: &str) -> Option<String> {
    let (sign, whole, fraction) = parts(text, '.')?;
    written(sign, whole, fraction)
}

/// The same where the channel knows that a comma stands before the fraction: "1.234,56" is "1234.56". Groups of three may be set
/// off by a point, a blank (also one that does not break) or an apostrophe.
pub fn decimal_comma(text: &str) -> Option<String> {
    let (sign, whole, fraction) = parts(text, ',')?;
    let mut groups = whole.split(['.', ' ', '\u{a0}', '\u{202f}', '\'', '’']);
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    let grouped =
        rest.is_empty() || (1..=3).contains(&first.len()) && rest.iter().all(|group| group.len() == 3);
    if !grouped {
        return None;
    }
    written(sign, &(first.to_owned() + &rest.concat()), fraction)
}

/// Whole units of the last of so many digits, as a decimal number: `from_minor(1050, 2)` is "10.50". For vendors that have digits
/// of their own for a currency; [`Money::from_minor`] takes those of ISO 4217.
pub fn from_minor(units: impl Display, digits: u32) -> Option<String> {
    let units = decimal(&units.to_string()).filter(|units| !units.contains('.'))?;
    let (sign, units) = units.strip_prefix('-').map_or(("", units.as_str()), |units| ("-", units));
    let places = usize::try_from(digits).ok().filter(|&places| places <= DIGITS_MAX)?;
    let units = format!("{units:0>width$}", width = places + 1);
    let (whole, fraction) = units.split_at(units.len() - places);
    written(if sign.is_empty() { Sign::Plus } else { Sign::Minus }, whole, fraction)
}

/// An ISO 4217 code by its form: three letters, in capitals. Whether it is in use is not checked.
pub fn currency(text: &str) -> Option<String> {
    let code = text.trim();
    let plain = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    plain.then(|| code.to_ascii_uppercase())
}

/// How many digits of a currency stand behind the point: the minor unit of ISO 4217, list one. It is two but for those named here.
/// `None` for what has no such unit: metals, bonds, drawing rights, "no currency".
pub fn minor_digits(currency: &str) -> Option<u32> {
    match self::currency(currency)?.as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => Some(0),
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => Some(3),
        "CLF" | "UYW" => Some(4),
        "XAG" | "XAU" | "XBA" | "XBB" | "XBC" | "XBD" | "XDR" | "XPD" | "XPT" | "XSU" | "XTS" | "XUA"
        | "XXX" => None,
        _ => Some(2),
    }
}

/// The exact sum, in the finer scale of the two.
pub fn add(left: &str, right: &str) -> Option<String> {
    let ((left, left_scale), (right, right_scale)) = (units(left)?, units(right)?);
    let scale = left_scale.max(right_scale);
    let at = |units: i128, from: u32| units.checked_mul(10_i128.checked_pow(scale - from)?);
    from_minor(at(left, left_scale)?.checked_add(at(right, right_scale)?)?, scale)
}

/// The exact difference, in the finer scale of the two.
pub fn subtract(left: &str, right: &str) -> Option<String> {
    add(left, &negative(right)?)
}

/// The same number on the other side of zero.
pub fn negative(text: &str) -> Option<String> {
    let number = decimal(text)?;
    match number.strip_prefix('-') {
        Some(positive) => Some(positive.to_owned()),
        None => decimal(&format!("-{number}")),
    }
}

/// Which is more: "1.0" and "1" are equal.
pub fn compare(left: &str, right: &str) -> Option<Ordering> {
    let difference = subtract(left, right)?;
    Some(match difference.starts_with('-') {
        true => Ordering::Less,
        false if is_zero(&difference) => Ordering::Equal,
        false => Ordering::Greater,
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Sign {
    Plus,
    Minus,
}

/// Sign, digits before the point and behind it. The sign may stand at the end, as tills write it, but not at both ends.
fn parts(text: &str, point: char) -> Option<(Sign, &str, &str)> {
    let text = text.trim();
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (Sign::Minus, &text[1..]),
        b'+' => (Sign::Plus, &text[1..]),
        _ => text.strip_suffix('-').map_or((Sign::Plus, text), |digits| (Sign::Minus, digits)),
    };
    let (whole, fraction) = digits.split_once(point).unwrap_or((digits, ""));
    Some((sign, whole, fraction))
}

fn written(sign: Sign, whole: &str, fraction: &str) -> Option<String> {
    let count = whole.len() + fraction.len();
    let digits = || whole.bytes().chain(fraction.bytes());
    if count == 0 || count > DIGITS_MAX || !digits().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let sign = if sign == Sign::Minus && digits().any(|byte| byte != b'0') { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

fn is_zero(decimal: &str) -> bool {
    decimal.bytes().all(|byte| !(b'1'..=b'9').contains(&byte))
}

/// As a whole number of units of the last digit, and how many digits stand behind the point.
fn units(text: &str) -> Option<(i128, u32)> {
    let number = decimal(text)?;
    let scale = number.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    Some((number.replace('.', "").parse().ok()?, u32::try_from(scale).ok()?))
}
