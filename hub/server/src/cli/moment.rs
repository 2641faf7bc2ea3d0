//! Moments on the command line: a time, or how long ago.

use snodo_core::Timestamp;
use snodo_core::declare::Period;

use crate::clock;

pub fn parse(text: &str) -> Result<Timestamp, String> {
    if let Some(at) = Timestamp::parse(text) {
        return Ok(at);
    }
    let ago: Period = text.parse().map_err(|_| {
        format!("{text:?} is neither a time (2026-03-01T00:00:00Z) nor how long ago (30m, 7d)")
    })?;
    Ok(clock::now() - ago.0)
}
