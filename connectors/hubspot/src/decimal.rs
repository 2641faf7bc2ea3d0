//! Decimal amounts without loss: money is text on the way in and on the way out.

use std::cmp::Ordering;
use std::fmt;

/// More digits than any currency has; what is longer is no amount.
const DIGITS_MAX: usize = 30;

#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    units: i128,
    scale: u32,
}

impl Decimal {
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if whole.is_empty() || all().count() > DIGITS_MAX || !all().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let units = all().fold(0, |units: i128, byte| units * 10 + i128::from(byte - b'0'));
        Some(Self { units: if negative { -units } else { units }, scale: fraction.len() as u32 })
    }

    /// With the finer scale of the two.
    pub fn minus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        Some(Self { units: self.at(scale)?.checked_sub(other.at(scale)?)?, scale })
    }

    pub fn plus(self, other: Self) -> Option<Self> {
        self.minus(Self { units: -other.units, ..other })
    }

    pub fn sign(self) -> Ordering {
        self.units.cmp(&0)
    }

    fn at(self, scale: u32) -> Option<i128> {
        self.units.checked_mul(10_i128.checked_pow(scale - self.scale)?)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let one = 10_u128.pow(self.scale);
        let units = self.units.unsigned_abs();
        match self.scale {
            0 => write!(f, "{sign}{units}"),
            scale => write!(f, "{sign}{}.{:0width$}", units / one, units % one, width = scale as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn amounts_are_subtracted_exactly() {
        for (from, what, expected) in [
            ("100.00", "10.00", Some("90.00")),
            ("100", "0.5", Some("99.5")),
            ("10.00", "10.00", Some("0.00")),
            ("5.00", "7.25", Some("-2.25")),
            ("-0.05", "0.01", Some("-0.06")),
            ("0.1", "0.30", Some("-0.20")),
            ("", "1", None),
            ("1e3", "1", None),
            ("1.2.3", "1", None),
            (".5", "1", None),
        ] {
            let parsed = Decimal::parse(from).zip(Decimal::parse(what));
            let found = parsed.and_then(|(from, what)| from.minus(what)).map(|left| left.to_string());
            assert_eq!(found.as_deref(), expected, "{from} - {what}");
        }
    }
}
