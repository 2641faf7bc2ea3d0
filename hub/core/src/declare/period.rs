//! A length of time as people write it: `"30 seconds"`, `"2 min"`, `"1 h 30 min"`, `"7 days"`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = "period", "examples" = ["30 seconds", "1 h 30 min", "7 days"]))]
pub struct Period(pub Duration);

/// Each unit: how long it is, how it is printed for one and for several, and how else it may be written.
const UNITS: [(u64, &str, &str, &[&str]); 5] = [
    (86_400_000, "day", "days", &["d"]),
    (3_600_000, "hour", "hours", &["h", "hr", "hrs"]),
    (60_000, "minute", "minutes", &["m", "min", "mins"]),
    (1_000, "second", "seconds", &["s", "sec", "secs"]),
    (1, "millisecond", "milliseconds", &["ms"]),
];

#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is not a length of time: write a number and a unit, such as \"30 seconds\", \"5 min\" or \"7 days\""
)]
pub struct PeriodError(String);

impl Period {
    pub const fn of_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        read(text)
            .map(|millis| Self(Duration::from_millis(millis)))
            .ok_or_else(|| PeriodError(text.to_owned()))
    }
}

/// The milliseconds of `text`, which is pairs of a whole number and a unit.
fn read(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut millis = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (word, after) = after.split_at(letters);
        let (unit, ..) = UNITS.iter().find(|(_, one, many, short)| {
            word.eq_ignore_ascii_case(one) || word.eq_ignore_ascii_case(many) || short.contains(&word)
        })?;
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(*unit)?)?;
        rest = after.trim_start();
    }
    Some(millis)
}

/// In the largest units that give whole numbers.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return f.write_str("0 seconds");
        }
        let mut space = "";
        for (unit, one, many, _) in UNITS {
            let count = millis / unit;
            millis %= unit;
            if count > 0 {
                write!(f, "{space}{count} {}", if count == 1 { one } else { many })?;
                space = " ";
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;

    fn try_from(text: String) -> Result<Self, PeriodError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_prints_what_it_reads() {
        for (text, printed) in [
            ("30s", Some("30 seconds")),
            ("1 h 30 min", Some("1 hour 30 minutes")),
            ("90 min", Some("1 hour 30 minutes")),
            ("7 Days", Some("7 days")),
            ("250ms", Some("250 milliseconds")),
            ("0 s", Some("0 seconds")),
            ("", None),
            ("30", None),
            ("soon", None),
            ("-1 s", None),
            ("99999999999999999999 s", None),
        ] {
            let read = text.parse::<Period>().ok();
            assert_eq!(read.map(|period| period.to_string()).as_deref(), printed, "{text}");
            if let Some(period) = read {
                assert_eq!(period.to_string().parse::<Period>().unwrap(), period);
            }
        }
    }
}
