//! The HMAC that a channel declares: where the signature stands, and what is signed. Most vendors' schemes are one of these.
//!
//! With a list in the header it is Stripe's (<https://docs.stripe.com/webhooks#verify-manually>): several signatures stand there
//! while the vendor changes over to a new secret. With the address signed it is Square's
//! (<https://developer.squareup.com/docs/webhooks/step3validate>).

use std::time::Duration;

use super::check::{SIGNATURES_MAX, matching};
use super::signed::{Content, Filling, Key, Place, Signature};
use super::spot::{Spot, Time};
use super::{Encoding, Refusal, SchemeError, Verify, is_called_url};
use crate::Timestamp;
use crate::secret::{Secret, SecretError, SecretRef};

#[derive(Clone, Debug)]
pub struct HmacSha256 {
    signature: Spot,
    encoding: Encoding,
    prefix: String,
    keys: Vec<Key>,
    content: Content,
    url: Option<String>,
    time: Option<Time>,
}

impl HmacSha256 {
    /// `declared` is a `Verify::HmacSha256`.
    pub fn new(
        declared: &Verify,
        mut resolve: impl FnMut(&SecretRef) -> Result<Secret, SecretError>,
    ) -> Result<Self, SchemeError> {
        let Verify::HmacSha256 { header, field, encoding, prefix, secret, previous, signed, url, timestamp } =
            declared
        else {
            unreachable!("another scheme is made elsewhere")
        };
        if let Some(url) = url.as_ref().filter(|url| !is_called_url(url)) {
            return Err(SchemeError::Url(url.clone()));
        }
        let template: &str = match (signed, timestamp) {
            (Some(_), Some(_)) => return Err(SchemeError::SignedTwice),
            (Some(signed), None) => signed,
            (None, Some(time)) => &time.signed,
            (None, None) => "{body}",
        };
        let places =
            [timestamp.as_ref().map(|_| Place::Time), url.as_ref().map(|_| Place::Url), Some(Place::Body)];
        let places: Vec<Place> = places.into_iter().flatten().collect();
        let key = |at: &SecretRef| Ok::<_, SecretError>(Key::new(resolve(at)?.expose()));
        Ok(Self {
            signature: Spot::new(header, field.as_deref())?,
            encoding: *encoding,
            prefix: prefix.clone(),
            content: Content::parse(template, &places)?,
            url: url.clone(),
            time: timestamp.as_ref().map(Time::new).transpose()?,
            keys: std::iter::once(secret).chain(previous).map(key).collect::<Result<_, _>>()?,
        })
    }

    pub fn header(&self) -> &str {
        &self.signature.header
    }

    /// `None` if no time is signed.
    pub fn tolerance(&self) -> Option<Duration> {
        self.time.as_ref().map(|time| time.tolerance)
    }

    /// The signature that was believed, where it stands for the very act of sending: with a time in it.
    pub fn check<'a>(
        &self,
        required: &impl Fn(&str) -> Result<&'a [u8], Refusal>,
        query: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<Signature>, Refusal> {
        let header = self.header();
        let presented: Vec<Signature> = self
            .signature
            .all(required(header)?)
            .filter_map(|text| self.encoding.read(text.strip_prefix(self.prefix.as_bytes())?))
            .take(SIGNATURES_MAX)
            .collect();
        if presented.is_empty() {
            let wanted = match self.encoding {
                Encoding::Base64 => "a base64 HMAC-SHA256, with the declared field and prefix",
                Encoding::Hex => "a hexadecimal HMAC-SHA256, with the declared field and prefix",
            };
            return Err(Refusal::Malformed { header: header.to_owned(), wanted });
        }
        let time = self.time.as_ref().map(|time| time.read(required, now)).transpose()?.unwrap_or_default();
        let url = self.url.as_ref().map(|url| called(url, query)).unwrap_or_default();
        let filling = Filling { time, url: &url, body };
        let presented = presented.iter().copied();
        let believed = matching(&self.keys, &presented, header, |key| self.content.sign(key, filling))?;
        Ok(self.time.as_ref().map(|_| believed))
    }
}

/// The address as the vendor called it.
pub(super) fn called(url: &str, query: &str) -> String {
    match query {
        "" => url.to_owned(),
        query => format!("{url}?{query}"),
    }
}
