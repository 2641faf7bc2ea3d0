//! Where a vendor puts what it signs with: in a header, or by a name in the list that a header holds.

use std::time::Duration;

use super::check::{SIGNATURES_MAX, timely};
use super::{Refusal, SchemeError, SignedTime, header_name};
use crate::Timestamp;

/// Entries of a list that are looked at: a time, and more signatures than any vendor sends, of more versions than one.
const ENTRIES_MAX: usize = 4 * SIGNATURES_MAX;

#[derive(Clone, Debug)]
pub struct Spot {
    pub header: String,
    field: Option<String>,
}

/// Where the time of signing is, and how far it may be from the hub's.
#[derive(Clone, Debug)]
pub struct Time {
    spot: Spot,
    pub tolerance: Duration,
}

impl Spot {
    pub fn new(header: &str, field: Option<&str>) -> Result<Self, SchemeError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        match field {
            Some(field) if field.is_empty() || !field.bytes().all(plain) => {
                Err(SchemeError::Field(field.to_owned()))
            }
            field => Ok(Self { header: header_name(header)?, field: field.map(str::to_owned) }),
        }
    }

    /// What stands there in a header's value: the whole of it, or each entry of that name.
    pub fn all<'v>(&self, value: &'v [u8]) -> impl Iterator<Item = &'v [u8]> {
        let whole = self.field.is_none().then_some(value);
        let entries = self.field.as_ref().map(|field| {
            // Neither stands in a signature or a time; some vendors part by one, some by the other.
            value.split(|byte| matches!(byte, b',' | b';')).take(ENTRIES_MAX).filter_map(move |entry| {
                entry.trim_ascii().strip_prefix(field.as_bytes())?.strip_prefix(b"=")
            })
        });
        whole.into_iter().chain(entries.into_iter().flatten())
    }
}

impl Time {
    pub fn new(declared: &SignedTime) -> Result<Self, SchemeError> {
        let spot = Spot::new(&declared.header, declared.field.as_deref())?;
        Ok(Self { spot, tolerance: declared.tolerance.0 })
    }

    /// The time as it was sent, if it is near enough to the hub's.
    pub fn read<'a>(
        &self,
        required: &impl Fn(&str) -> Result<&'a [u8], Refusal>,
        now: Timestamp,
    ) -> Result<&'a [u8], Refusal> {
        let Self { spot, tolerance } = self;
        let malformed = || Refusal::Malformed { header: spot.header.clone(), wanted: "a time" };
        let time = spot.all(required(&spot.header)?).next().ok_or_else(malformed)?;
        timely(&spot.header, time, *tolerance, now)?;
        Ok(time)
    }
}
