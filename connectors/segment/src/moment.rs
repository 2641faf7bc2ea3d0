//! Moments as the libraries write them: ISO 8601 with an offset. Others are no moments here.

use serde_json::Value;

pub fn text(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    millis(text).map(|_| text.to_owned())
}

/// Milliseconds since the epoch of an RFC 3339 text.
pub fn millis(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    let mark = |at: usize, marks: &[u8]| text.as_bytes().get(at).filter(|byte| marks.contains(byte));
    for (at, marks) in [(4, b"-".as_slice()), (7, b"-"), (10, b"Tt"), (13, b":"), (16, b":")] {
        mark(at, marks)?;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let last = days(year + month / 12, month % 12 + 1, 1) - days(year, month, 1);
    let possible =
        (1..=12).contains(&month) && (1..=last).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let fraction = match mark(19, b".") {
        Some(_) => text[20..].bytes().take_while(u8::is_ascii_digit).count(),
        None => 0,
    };
    let zone = if mark(19, b".").is_some() { 20 + fraction } else { 19 };
    let offset = match text.as_bytes().get(zone)? {
        b'Z' | b'z' if text.len() == zone + 1 => 0,
        sign @ (b'+' | b'-') if text.len() == zone + 6 => {
            mark(zone + 3, b":")?;
            let minutes = number(zone + 1, zone + 3)? * 60 + number(zone + 4, zone + 6)?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let mut millis =
        (0..3).map(|place| if place < fraction { number(20 + place, 21 + place) } else { Some(0) });
    let millis = millis.try_fold(0, |sum, digit| Some(sum * 10 + digit?))?;
    let minutes = days(year, month, day) * 1_440 + hour * 60 + minute - offset;
    possible.then_some((minutes * 60 + second) * 1_000 + millis)
}

/// Days from 1970-01-01 to that day of the Gregorian calendar. Years begin in March, so that the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_year = year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    before_year + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn moments_are_counted_from_the_epoch() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-01-01T00:00:00Z", Some(1_767_225_600_000)),
            ("2024-02-29T23:59:59.25+01:00", Some(1_709_247_599_250)),
            ("2024-02-29T23:59:59.250123+01:00", Some(1_709_247_599_250)),
            ("2012-12-02T00:30:08.276Z", Some(1_354_408_208_276)),
            ("1969-12-31T23:59:59-00:30", Some(1_799_000)),
            ("2026-01-01T00:00:00", None),
            ("2026-01-01", None),
            ("2026-13-01T00:00:00Z", None),
            ("2025-02-29T00:00:00Z", None),
            ("2025-12-31T00:00:00Z", Some(1_767_139_200_000)),
            ("2026-01-01T00:00:00Zz", None),
            ("2026-01-01T00:00:00.Ä", None),
            ("", None),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }
}
