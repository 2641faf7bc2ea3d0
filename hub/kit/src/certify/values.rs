//! What can be told of money and times without knowing the vendor: which scale an amount has, and whether a time kept its offset.

use serde_json::Value;

/// Every leaf with its JSON Pointer.
pub fn leaves(value: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), value)];
    while let Some((at, value)) = open.pop() {
        match value {
            Value::Object(fields) => {
                open.extend(
                    fields.iter().rev().map(|(name, value)| (format!("{at}/{}", escape(name)), value)),
                );
            }
            Value::Array(items) => {
                open.extend(
                    items.iter().enumerate().rev().map(|(place, value)| (format!("{at}/{place}"), value)),
                );
            }
            leaf => found.push((at, leaf)),
        }
    }
    found
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A number without exponent: its digits as a whole number, and how many of them are behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    digits: i128,
    scale: u32,
}

/// More digits than any amount has.
const DIGITS_MAX: usize = 30;

impl Decimal {
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}");
        let bare = digits.strip_prefix('-').unwrap_or(&digits);
        let fits =
            !bare.is_empty() && bare.len() <= DIGITS_MAX && bare.bytes().all(|byte| byte.is_ascii_digit());
        if !fits {
            return None;
        }
        Some(Self { digits: digits.parse().ok()?, scale: u32::try_from(fraction.len()).ok()? }.shortest())
    }

    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    fn shortest(mut self) -> Self {
        while self.scale > 0 && self.digits % 10 == 0 {
            (self.digits, self.scale) = (self.digits / 10, self.scale - 1);
        }
        self
    }

    pub const fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// The same digits with the point moved to the right.
    pub fn times_ten_to(self, power: u32) -> Self {
        let scale = self.scale.saturating_sub(power);
        let missing = power.saturating_sub(self.scale);
        Self { digits: self.digits.saturating_mul(10_i128.saturating_pow(missing)), scale }.shortest()
    }
}

/// The part of an RFC 3339 time before its offset, and the offset; `None` if the text is no such time.
pub fn time_and_offset(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() >= 19
        && text.is_ascii()
        && bytes[..19].iter().zip(b"0000-00-00T00:00:00").all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b' '),
            sign => byte == sign,
        });
    if !shaped {
        return None;
    }
    let behind = 19
        + text[19..]
            .find(|letter: char| letter != '.' && !letter.is_ascii_digit())
            .unwrap_or(text.len() - 19);
    let offset = &text[behind..];
    let is_offset = matches!(offset, "Z" | "z" | "")
        || (offset.starts_with(['+', '-'])
            && offset[1..].bytes().all(|byte| byte.is_ascii_digit() || byte == b':'));
    is_offset.then_some((&text[..19], offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_compared_by_value_and_scaled_exactly() {
        let of = |text| Decimal::parse(text).unwrap();
        assert_eq!(of("12.90"), of("12.9"));
        assert_eq!(of("12.99").times_ten_to(2), of("1299"));
        assert_eq!(of("-0.5").times_ten_to(2), of("-50"));
        assert_eq!(of("7").times_ten_to(3), of("7000"));
        for text in ["", "-", "1e3", "12,9", "a", "1.2.3"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_split_from_their_offsets() {
        for (text, expected) in [
            ("2026-03-01T10:00:00+01:00", Some(("2026-03-01T10:00:00", "+01:00"))),
            ("2026-03-01T10:00:00.250Z", Some(("2026-03-01T10:00:00", "Z"))),
            ("2026-03-01T10:00:00", Some(("2026-03-01T10:00:00", ""))),
            ("2026-03-01 10:00:00+0100", Some(("2026-03-01 10:00:00", "+0100"))),
            ("2026-03-01", None),
            ("2026-03-01T10:00:00 of course", None),
        ] {
            assert_eq!(time_and_offset(text), expected, "{text}");
        }
    }
}
