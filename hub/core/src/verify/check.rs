//! Checks a message against its channel's scheme, on the raw bytes and in constant time. Never parses the body.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::ecdsa_p256::EcdsaP256;
use super::hmac_sha256::HmacSha256;
use super::signed::{Key, Signature, same};
use super::twilio::{self, Twilio};
use super::{Encoding, Refusal, SchemeError, Verified, Verify, header_name};
use crate::Timestamp;
use crate::secret::{Secret, SecretError, SecretRef};

/// More signatures than this in one header are not a rotation but an attack on our time.
pub(super) const SIGNATURES_MAX: usize = 8;

/// A `Verify` with its secrets in it: made once per channel, asked for every message.
#[derive(Clone, Debug)]
pub struct Verifier {
    scheme: Scheme,
    credential_headers: Vec<String>,
    write_keys: Vec<[u8; 32]>,
}

#[derive(Clone, Debug)]
enum Scheme {
    StandardWebhooks {
        keys: Vec<Key>,
        tolerance: Duration,
    },
    Hmac(HmacSha256),
    Ecdsa(EcdsaP256),
    Twilio(Twilio),
    /// What the header must hold: one of these, as digests, so that a comparison gives away no length.
    Fixed {
        header: String,
        accepted: Vec<[u8; 32]>,
        wanted: &'static str,
        prefix: &'static str,
    },
    /// The same in the query.
    Query {
        parameter: String,
        accepted: Vec<[u8; 32]>,
    },
    None,
}

impl Verifier {
    pub fn new(
        declared: &Verify,
        mut resolve: impl FnMut(&SecretRef) -> Result<Secret, SecretError>,
    ) -> Result<Self, SchemeError> {
        let scheme = match declared {
            Verify::StandardWebhooks { secret, previous, tolerance } => {
                let key = |at: &SecretRef| Key::standard_webhooks(&resolve(at)?, at);
                let keys = std::iter::once(secret).chain(previous).map(key).collect::<Result<_, _>>()?;
                Scheme::StandardWebhooks { keys, tolerance: tolerance.0 }
            }
            Verify::HmacSha256 { .. } => Scheme::Hmac(HmacSha256::new(declared, resolve)?),
            Verify::EcdsaP256 { .. } => Scheme::Ecdsa(EcdsaP256::new(declared)?),
            Verify::Twilio { url, secret, previous } => {
                let tokens = std::iter::once(secret).chain(previous).map(&mut resolve);
                Scheme::Twilio(Twilio::new(url, tokens.collect::<Result<_, _>>()?)?)
            }
            Verify::Bearer { token, previous } => {
                let accepted = accepted(token, previous, resolve)?;
                Scheme::Fixed {
                    header: "authorization".into(),
                    accepted,
                    wanted: "Bearer and a token",
                    prefix: "bearer ",
                }
            }
            Verify::Basic { user, .. } if user.contains(':') || user.chars().any(char::is_control) => {
                return Err(SchemeError::User(user.clone()));
            }
            Verify::Basic { user, password } => {
                let pair = format!("{user}:{}", resolve(password)?.line(password)?);
                Scheme::Fixed {
                    header: "authorization".into(),
                    accepted: vec![digest(STANDARD.encode(pair).as_bytes())],
                    wanted: "Basic and base64",
                    prefix: "basic ",
                }
            }
            Verify::WriteKey { key, previous } => {
                let credential = |at: &SecretRef| match resolve(at)?.line(at)?.trim() {
                    key if key.contains(':') => Err(SchemeError::WriteKey(at.clone())),
                    key => Ok(digest(write_key(key).as_bytes())),
                };
                Scheme::Fixed {
                    header: "authorization".into(),
                    accepted: std::iter::once(key)
                        .chain(previous)
                        .map(credential)
                        .collect::<Result<_, _>>()?,
                    wanted: "Basic and base64",
                    prefix: "basic ",
                }
            }
            Verify::ApiKey { header, key, previous } => {
                let accepted = accepted(key, previous, resolve)?;
                Scheme::Fixed { header: header_name(header)?, accepted, wanted: "a key", prefix: "" }
            }
            Verify::ApiKeyQuery { parameter, .. } if parameter.is_empty() => {
                return Err(SchemeError::Parameter(parameter.clone()));
            }
            Verify::ApiKeyQuery { parameter, key, previous } => {
                Scheme::Query { parameter: parameter.clone(), accepted: accepted(key, previous, resolve)? }
            }
            Verify::None {} => Scheme::None,
        };
        let credential_headers = match &scheme {
            Scheme::StandardWebhooks { .. } => vec!["webhook-signature".to_owned()],
            Scheme::Hmac(hmac) => vec![hmac.header().to_owned()],
            Scheme::Ecdsa(ecdsa) => vec![ecdsa.header().to_owned()],
            Scheme::Twilio(_) => vec![twilio::SIGNATURE.to_owned()],
            Scheme::Fixed { header, .. } => vec![header.clone()],
            Scheme::Query { .. } | Scheme::None => vec![],
        };
        let write_keys = match (declared, &scheme) {
            (Verify::WriteKey { .. }, Scheme::Fixed { accepted, .. }) => accepted.clone(),
            _ => vec![],
        };
        Ok(Self { scheme, credential_headers, write_keys })
    }

    /// Digests of the write keys that it takes: none, unless that is its scheme.
    pub fn write_keys(&self) -> &[[u8; 32]] {
        &self.write_keys
    }

    /// Whether that `Authorization` carries one of its write keys. In constant time for each.
    pub fn has_write_key(&self, authorization: &[u8]) -> bool {
        let header = |_: &str| Some(authorization);
        !self.write_keys.is_empty() && self.check(header, "", b"", Timestamp::default()).is_ok()
    }

    /// The headers, in lower case, that prove who sent the message and are of no use afterwards: not to be stored.
    pub fn credential_headers(&self) -> &[String] {
        &self.credential_headers
    }

    /// `header` gives the value of a header by its name in lower case; `query` is that of the request, as it was sent.
    pub fn check<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a [u8]>,
        query: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        let required = |name: &str| header(name).ok_or_else(|| Refusal::Missing { header: name.to_owned() });
        let replay_key = match &self.scheme {
            Scheme::None => None,
            Scheme::Fixed { header, accepted, wanted, prefix } => {
                let value = required(header)?;
                let credential = match value.split_at_checked(prefix.len()) {
                    Some((scheme, rest)) if scheme.eq_ignore_ascii_case(prefix.as_bytes()) => {
                        digest(rest.trim_ascii())
                    }
                    _ => return Err(Refusal::Malformed { header: header.clone(), wanted }),
                };
                is_one_of(accepted, &credential, header)?;
                None
            }
            Scheme::Query { parameter, accepted } => {
                let presented = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == parameter);
                let missing = || Refusal::MissingParameter { parameter: parameter.clone() };
                let (_, credential) = presented.ok_or_else(missing)?;
                is_one_of(accepted, &digest(credential.as_bytes()), parameter)?;
                None
            }
            Scheme::StandardWebhooks { keys, tolerance } => {
                let (id, time) = (required("webhook-id")?, required("webhook-timestamp")?);
                let presented = required("webhook-signature")?;
                timely("webhook-timestamp", time, *tolerance, now)?;
                let presented = presented
                    .split(|byte| *byte == b' ')
                    .take(SIGNATURES_MAX)
                    .filter_map(|one| Encoding::Base64.read(one.strip_prefix(b"v1,")?));
                Some(matching(keys, &presented, "webhook-signature", |key| {
                    key.sign(&[id, b".", time, b".", body])
                })?)
            }
            Scheme::Hmac(hmac) => hmac.check(&required, query, body, now)?,
            Scheme::Ecdsa(ecdsa) => ecdsa.check(&required, body, now)?,
            Scheme::Twilio(twilio) => {
                twilio.check(&header, query, body)?;
                None
            }
        };
        Ok(Verified {
            replay_key: replay_key
                .map(|signature| signature[..16].try_into().expect("a signature has 32 bytes")),
        })
    }

    /// How long a replay of a believed message would be believed. `None` if its age is not checked.
    pub fn replay_window(&self) -> Option<Duration> {
        match &self.scheme {
            // Early by the tolerance when it is sent, late by the tolerance when it is replayed.
            Scheme::StandardWebhooks { tolerance, .. } => Some(tolerance.saturating_mul(2)),
            Scheme::Hmac(hmac) => Some(hmac.tolerance()?.saturating_mul(2)),
            Scheme::Ecdsa(ecdsa) => Some(ecdsa.tolerance()?.saturating_mul(2)),
            Scheme::Twilio(_) | Scheme::Fixed { .. } | Scheme::Query { .. } | Scheme::None => None,
        }
    }

    /// The query of a request without what proves who sent it, which is not to be stored.
    pub fn without_credential(&self, query: &str) -> String {
        match &self.scheme {
            Scheme::Query { parameter, .. } => without_parameter(query, parameter),
            _ => query.to_owned(),
        }
    }
}

/// The query as it came, but for that parameter.
pub fn without_parameter(query: &str, parameter: &str) -> String {
    let is_named = |pair: &&str| form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == parameter);
    query.split('&').filter(|pair| !is_named(pair)).collect::<Vec<_>>().join("&")
}

/// Each is compared, so that the time says nothing about which one it was.
fn is_one_of(accepted: &[[u8; 32]], credential: &[u8; 32], place: &str) -> Result<(), Refusal> {
    match accepted.iter().fold(false, |found, one| found | same(one, credential)) {
        true => Ok(()),
        false => Err(Refusal::Credential { header: place.to_owned() }),
    }
}

fn accepted(
    current: &SecretRef,
    previous: &[SecretRef],
    mut resolve: impl FnMut(&SecretRef) -> Result<Secret, SecretError>,
) -> Result<Vec<[u8; 32]>, SecretError> {
    let credential = |at: &SecretRef| Ok(digest(resolve(at)?.line(at)?.trim().as_bytes()));
    std::iter::once(current).chain(previous).map(credential).collect()
}

/// A write key as `Basic` carries it: the user's name, and an empty password.
fn write_key(key: &str) -> String {
    STANDARD.encode(format!("{key}:"))
}

/// The `Authorization` that a library would send with that write key, for those that say it in the body only.
pub fn write_key_authorization(key: &str) -> String {
    format!("Basic {}", write_key(key))
}

pub(super) fn digest(credential: &[u8]) -> [u8; 32] {
    blake3::hash(credential).into()
}

/// The signature that a key made and the sender presented, if there is one.
pub(super) fn matching(
    keys: &[Key],
    presented: &(impl Iterator<Item = Signature> + Clone),
    header: &str,
    sign: impl Fn(&Key) -> Signature,
) -> Result<Signature, Refusal> {
    let mut mine = keys.iter().map(sign);
    mine.find(|mine| presented.clone().fold(false, |found, theirs| found | same(mine, &theirs)))
        .ok_or_else(|| Refusal::Signature { header: header.to_owned() })
}

pub(super) fn timely(header: &str, text: &[u8], tolerance: Duration, now: Timestamp) -> Result<(), Refusal> {
    let malformed = || Refusal::Malformed { header: header.to_owned(), wanted: "a time" };
    let then = std::str::from_utf8(text).ok().and_then(moment).ok_or_else(malformed)?;
    let apart = now.since(then).max(then.since(now));
    match apart <= tolerance {
        true => Ok(()),
        false => Err(Refusal::Time {
            header: header.to_owned(),
            seconds: apart.as_secs(),
            tolerance_seconds: tolerance.as_secs(),
        }),
    }
}

/// Seconds or milliseconds since 1970, RFC 3339, or a date as HTTP's headers have it (RFC 9110, 5.6.7).
fn moment(text: &str) -> Option<Timestamp> {
    /// As seconds this is the year 5138, as milliseconds 1973: nobody means anything near it.
    const SECONDS_MAX: u64 = 100_000_000_000;
    match text.parse::<u64>() {
        Ok(seconds) if seconds < SECONDS_MAX => {
            i64::try_from(seconds * 1000).ok().map(Timestamp::from_millis)
        }
        Ok(millis) => i64::try_from(millis).ok().map(Timestamp::from_millis),
        Err(_) => Timestamp::parse(text).or_else(|| {
            let date = jiff::fmt::rfc2822::parse(text).ok()?;
            Some(Timestamp::from_millis(date.timestamp().as_millisecond()))
        }),
    }
}

#[cfg(test)]
mod tests;
