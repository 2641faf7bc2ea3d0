//! Moments as RFC 3339, read from what vendors write. The zone that was sent is kept: an order at ten in the evening stays one.
//!
//! Nothing here knows zones by name ("Europe/Rome"): their rules change by decree, and a connector has no clock to know which hold.
//!
//! ```
//! use snodo_connector::time;
//!
//! assert_eq!(time::rfc3339("2026-03-01 09:30:00 +0100").as_deref(), Some("2026-03-01T09:30:00+01:00"));
//! assert_eq!(time::rfc3339("2026-03-01T09:30:00"), None, "nobody can tell when that was");
//! assert_eq!(time::local("2026-03-01T09:30:00", "+01:00").as_deref(), Some("2026-03-01T09:30:00+01:00"));
//! assert_eq!(time::rfc2822("Sun, 1 Mar 2026 09:30:00 +0100").as_deref(), Some("2026-03-01T09:30:00+01:00"));
//! assert_eq!(time::from_epoch_seconds(1_772_353_800).as_deref(), Some("2026-03-01T08:30:00Z"));
//! let now = 1_772_353_800_000; // ctx.now
//! assert_eq!(time::from_now(now, 250).as_deref(), Some("2026-03-01T08:30:00.250Z"));
//! ```

use std::fmt::Display;

mod calendar;
mod mail;

use calendar::{civil, days, is_date};
pub use mail::rfc2822;

/// RFC 3339 has no more than nanoseconds that anybody reads.
const FRACTION_MAX: usize = 9;

const SECONDS_A_DAY: i64 = 86_400;

/// A moment with its offset, in the forms that are near to RFC 3339: a blank for the `T`, no seconds, a comma before their
/// fraction, `+0100`, `+01`, `UTC` or `GMT` for the offset. `None` for a time without one: see [`local`].
pub fn rfc3339(text: &str) -> Option<String> {
    Moment::read(text, None).map(|moment| moment.text())
}

/// The same for times that may lack their offset: those have the one given, `Z` or `+01:00`. A channel's configuration is a good
/// place for it, as it differs from shop to shop; in summer it may be another one, which only the sender can know.
pub fn local(text: &str, offset_else: &str) -> Option<String> {
    Moment::read(text, Some(offset_else)).map(|moment| moment.text())
}

/// A day, `2026-03-01`, from a day or a moment: as it was called where it was, whatever the offset.
pub fn day(text: &str) -> Option<String> {
    let (date, rest) = text.trim().split_at_checked(10)?;
    let plain = rest.is_empty() || rest.starts_with(['T', 't', ' ']) || offset(rest).is_some();
    (is_date(date) && plain).then(|| date.to_owned())
}

/// `Z` or `+01:00`, from those, `z`, `UTC`, `GMT`, `+0100` and `+01`.
pub fn offset(text: &str) -> Option<String> {
    if ["Z", "UTC", "GMT"].iter().any(|name| text.eq_ignore_ascii_case(name)) {
        return Some("Z".to_owned());
    }
    let (sign, digits) = text.split_at_checked(1)?;
    let (hours, minutes) = match digits.len() {
        2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        5 => digits.split_once(':')?,
        _ => return None,
    };
    let sound = matches!(sign, "+" | "-") && up_to(hours, 23) && up_to(minutes, 59);
    sound.then(|| format!("{sign}{hours}:{minutes}"))
}

/// A moment in UTC, from seconds since 1970-01-01T00:00:00Z, a number or text; with their fraction, if they have one.
pub fn from_epoch_seconds(seconds: impl Display) -> Option<String> {
    utc(nanos(&seconds.to_string(), 1_000_000_000)?)
}

/// The same from milliseconds.
pub fn from_epoch_millis(millis: impl Display) -> Option<String> {
    utc(nanos(&millis.to_string(), 1_000_000)?)
}

/// A moment in UTC, so many milliseconds after `ctx.now`, or before it if they are negative.
pub fn from_now(now_ms: u64, plus_ms: i64) -> Option<String> {
    utc((i128::from(now_ms) + i128::from(plus_ms)) * 1_000_000)
}

/// Milliseconds since 1970, from what [`rfc3339`] reads. What is finer is cut off.
pub fn epoch_millis(text: &str) -> Option<i64> {
    epoch_micros(text).map(|micros| micros.div_euclid(1_000))
}

/// Microseconds since 1970: enough to keep events of one millisecond in their order.
pub fn epoch_micros(text: &str) -> Option<i64> {
    Moment::read(text, None)?.micros()
}

/// The parts of a moment, each as RFC 3339 writes it.
struct Moment<'a> {
    date: &'a str,
    /// `hh:mm`
    clock: &'a str,
    seconds: &'a str,
    fraction: &'a str,
    offset: String,
}

impl<'a> Moment<'a> {
    fn read(text: &'a str, offset_else: Option<&str>) -> Option<Self> {
        let (date, rest) = text.trim().split_at_checked(10)?;
        let (clock, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(5)?;
        let (seconds, rest) = match rest.strip_prefix(':') {
            Some(rest) => rest.split_at_checked(2)?,
            None => ("", rest),
        };
        let (fraction, rest) = match rest.strip_prefix(['.', ',']) {
            // Of a minute: nobody means that.
            Some(_) if seconds.is_empty() => return None,
            Some(rest) => match rest.bytes().take_while(u8::is_ascii_digit).count() {
                0 => return None,
                digits => rest.split_at(digits),
            },
            None => ("", rest),
        };
        let (hour, minute) = clock.split_once(':')?;
        let seconds = if seconds.is_empty() { "00" } else { seconds };
        let sound = is_date(date) && up_to(hour, 23) && up_to(minute, 59) && up_to(seconds, 59);
        if !sound {
            return None;
        }
        let offset = match rest.trim_start() {
            "" => offset(offset_else?)?,
            own => offset(own)?,
        };
        Some(Self { date, clock, seconds, fraction: &fraction[..fraction.len().min(FRACTION_MAX)], offset })
    }

    fn text(&self) -> String {
        let Self { date, clock, seconds, fraction, offset } = self;
        match *fraction {
            "" => format!("{date}T{clock}:{seconds}{offset}"),
            fraction => format!("{date}T{clock}:{seconds}.{fraction}{offset}"),
        }
    }

    fn micros(&self) -> Option<i64> {
        let number = |text: &str| text.parse::<i64>().ok();
        let minutes = |clock: &str| -> Option<i64> {
            let (hours, minutes) = clock.split_once(':')?;
            Some(number(hours)? * 60 + number(minutes)?)
        };
        let ahead = match self.offset.split_at_checked(1)? {
            ("+", clock) => minutes(clock)?,
            ("-", clock) => -minutes(clock)?,
            _ => 0,
        };
        let days = days(number(&self.date[..4])?, number(&self.date[5..7])?, number(&self.date[8..])?);
        let seconds = days * SECONDS_A_DAY + (minutes(self.clock)? - ahead) * 60 + number(self.seconds)?;
        let micros = self.fraction.bytes().chain([b'0'; 6]).take(6);
        Some(micros.fold(seconds, |micros, digit| micros * 10 + i64::from(digit - b'0')))
    }
}

/// Two digits, no more than that number.
fn up_to(digits: &str, max: u32) -> bool {
    let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain && digits.parse::<u32>().is_ok_and(|number| number <= max)
}

/// A decimal number of units, in nanoseconds. More than 15 digits before the point are no time that anybody means.
fn nanos(text: &str, unit: i128) -> Option<i128> {
    let text = text.trim();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) || whole.len() > 15 {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(FRACTION_MAX)];
    let parts = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let parts_of_unit = fraction.parse::<i128>().ok()? * unit / parts;
    Some(sign * (whole.parse::<i128>().ok()? * unit + parts_of_unit))
}

/// With as few digits of a second as hold it: none, three, six or nine. `None` outside of the years 1 to 9999.
fn utc(nanos: i128) -> Option<String> {
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    let fraction = match nanos.rem_euclid(1_000_000_000) {
        0 => String::new(),
        nanos if nanos % 1_000_000 == 0 => format!(".{:03}", nanos / 1_000_000),
        nanos if nanos % 1_000 == 0 => format!(".{:06}", nanos / 1_000),
        nanos => format!(".{nanos:09}"),
    };
    let (year, month, day) = civil(seconds.div_euclid(SECONDS_A_DAY));
    let of_day = seconds.rem_euclid(SECONDS_A_DAY);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    (1..=9_999)
        .contains(&year)
        .then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}
