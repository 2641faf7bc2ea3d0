//! Times as HubSpot takes them: RFC 3339 in, milliseconds since 1970 out. Reads no clock.

/// Microseconds since the epoch, so that events of one millisecond keep their order; `None` if it is no RFC 3339 time.
pub fn micros(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let punctuated =
        [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')].iter().all(|&(at, c)| bytes.get(at) == Some(&c));
    if !punctuated || !matches!(bytes.get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let rest = text.get(19..)?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (fraction, zone) = rest.split_at(zone_at);
    let minutes =
        days(number(0, 4)?, number(5, 7)?, number(8, 10)?) * 1_440 + number(11, 13)? * 60 + number(14, 16)?
            - offset_minutes(zone)?;
    Some((minutes * 60 + number(17, 19)?) * 1_000_000 + fraction_micros(fraction)?)
}

/// A HubSpot date-time property: milliseconds since 1970, as text.
pub fn property(text: &str) -> Option<String> {
    Some(micros(text)?.div_euclid(1_000).to_string())
}

fn offset_minutes(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
    Some(if zone.starts_with('-') { -minutes } else { minutes })
}

fn fraction_micros(fraction: &str) -> Option<i64> {
    let Some(digits) = fraction.strip_prefix('.') else { return fraction.is_empty().then_some(0) };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.bytes().chain([b'0'; 6]).take(6).fold(0, |micros, byte| micros * 10 + i64::from(byte - b'0')))
}

/// Days from 1970-01-01 in the Gregorian calendar, counting years from March so that a leap day ends one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 719_469
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_time_is_the_same_moment_in_every_zone() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some("0")),
            ("2026-01-01T00:00:00Z", Some("1767225600000")),
            ("2026-01-01T01:00:00+01:00", Some("1767225600000")),
            ("2025-12-31T18:30:00.250-05:30", Some("1767225600250")),
            ("2024-02-29T23:59:59.999999Z", Some("1709251199999")),
            ("1969-12-31T23:59:59.5Z", Some("-500")),
            ("2026-01-01", None),
            ("2026-01-01T00:00:00", None),
            ("yesterday", None),
        ] {
            assert_eq!(super::property(text).as_deref(), expected, "{text}");
        }
    }
}
