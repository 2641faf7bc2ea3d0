//! HMAC-SHA256 as vendors use it: what is signed, how the key and the signature are written. Never compares in a time that
//! depends on where the difference is.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{Encoding, SchemeError};
use crate::secret::{Secret, SecretError, SecretRef};

/// The bytes of a signature.
pub type Signature = [u8; 32];

/// A signing key, its first block already hashed.
#[derive(Clone)]
pub struct Key(Box<Hmac<Sha256>>);

impl Key {
    pub fn new(secret: &[u8]) -> Self {
        Self(Box::new(Hmac::new_from_slice(secret).expect("HMAC takes a key of any length")))
    }

    /// Standard Webhooks keys are base64, mostly behind `whsec_`.
    pub fn standard_webhooks(secret: &Secret, at: &SecretRef) -> Result<Self, SecretError> {
        let text = secret.expose_line().unwrap_or_default();
        match STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)) {
            Ok(key) if !key.is_empty() => Ok(Self::new(&key)),
            _ => Err(SecretError::Unfit {
                at: at.clone(),
                wanted: "base64 key, with or without whsec_ before it",
            }),
        }
    }

    pub fn sign(&self, parts: &[&[u8]]) -> Signature {
        let mut mac = Hmac::clone(&self.0);
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

impl Encoding {
    pub fn write(self, signature: &Signature) -> String {
        match self {
            Self::Base64 => STANDARD.encode(signature),
            Self::Hex => signature.iter().fold(String::with_capacity(64), |mut text, byte| {
                text.push(char::from_digit(u32::from(byte >> 4), 16).expect("half a byte is one digit"));
                text.push(char::from_digit(u32::from(byte & 15), 16).expect("half a byte is one digit"));
                text
            }),
        }
    }

    /// `None` if the text is not a signature of the right length.
    pub fn read(self, text: &[u8]) -> Option<Signature> {
        match self {
            Self::Base64 => STANDARD.decode(text).ok()?.try_into().ok(),
            Self::Hex => {
                let digit =
                    |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let mut signature = [0; 32];
                let (pairs, rest) = text.as_chunks::<2>();
                (pairs.len() == signature.len() && rest.is_empty()).then_some(())?;
                for (byte, [high, low]) in signature.iter_mut().zip(pairs) {
                    *byte = digit(*high)? << 4 | digit(*low)?;
                }
                Some(signature)
            }
        }
    }
}

/// What is signed: text around what each request brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Place),
}

/// What each request brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Time,
    Url,
    Body,
}

/// What stands in the places. What has no place in the content is not looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filling<'a> {
    pub time: &'a [u8],
    pub url: &'a str,
    pub body: &'a [u8],
}

impl Place {
    const ALL: [Self; 3] = [Self::Time, Self::Url, Self::Body];

    const fn written(self) -> &'static str {
        match self {
            Self::Time => "{timestamp}",
            Self::Url => "{url}",
            Self::Body => "{body}",
        }
    }
}

impl Content {
    /// Reads `"v0:{timestamp}:{body}"`: each of `places` once, and no other.
    pub fn parse(template: &str, places: &[Place]) -> Result<Self, SchemeError> {
        let wrong = || SchemeError::Signed {
            signed: template.to_owned(),
            places: places.iter().map(|place| place.written()).collect::<Vec<_>>().join(" and "),
        };
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let (text, from) = rest.split_at(open);
            parts.push(Part::Text(text.to_owned()));
            let found =
                Place::ALL.into_iter().find_map(|place| Some((place, from.strip_prefix(place.written())?)));
            let (place, after) = found.ok_or_else(wrong)?;
            parts.push(Part::Place(place));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| *part != Part::Text(String::new()));
        let count = |place: Place| parts.iter().filter(|part| **part == Part::Place(place)).count();
        match Place::ALL.into_iter().all(|place| count(place) == usize::from(places.contains(&place))) {
            true => Ok(Self(parts)),
            false => Err(wrong()),
        }
    }

    pub fn sign(&self, key: &Key, filling: Filling<'_>) -> Signature {
        key.sign(&self.parts(filling))
    }

    /// What is signed, piece by piece.
    pub fn parts<'a>(&'a self, filling: Filling<'a>) -> Vec<&'a [u8]> {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_bytes(),
                Part::Place(Place::Time) => filling.time,
                Part::Place(Place::Url) => filling.url.as_bytes(),
                Part::Place(Place::Body) => filling.body,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_read_as_it_is_written() {
        let signature = Key::new(b"hush").sign(&[br#"{"id":820982911946154508,"email":"jon@example.com"}"#]);
        // Computed with Python's hmac.
        for (encoding, text) in [
            (Encoding::Base64, "D0UMXmhjwBRi4y66TmhJrDlhQABD7zI2fm3p6/QLMo8="),
            (Encoding::Hex, "0f450c5e6863c01462e32eba4e6849ac3961400043ef32367e6de9ebf40b328f"),
        ] {
            assert_eq!(encoding.write(&signature), text);
            assert_eq!(encoding.read(text.as_bytes()), Some(signature));
            assert_eq!(encoding.read(&text.as_bytes()[..40]), None, "too short");
            assert_eq!(encoding.read(format!("{text}00").as_bytes()), None, "too long");
            assert_eq!(encoding.read(b"\xff".repeat(text.len()).as_slice()), None, "no such digits");
        }
        assert_eq!(
            Encoding::Hex.read(Encoding::Hex.write(&signature).to_uppercase().as_bytes()),
            Some(signature)
        );
    }

    #[test]
    fn what_is_signed_names_each_place_that_there_is_once() {
        let timed = &[Place::Time, Place::Body][..];
        let addressed = &[Place::Url, Place::Body][..];
        let all = &Place::ALL[..];
        for (template, places, fits) in [
            ("{timestamp}.{body}", timed, true),
            ("v0:{timestamp}:{body}", timed, true),
            ("{body}{timestamp}", timed, true),
            ("{body}", timed, false),
            ("{timestamp}.{body}.{body}", timed, false),
            ("{timestamp}.{id}.{body}", timed, false),
            ("{timestamp.{body}", timed, false),
            ("{timestamp}{url}{body}", timed, false),
            ("", timed, false),
            ("{url}{body}", addressed, true),
            ("{body}", addressed, false),
            ("{timestamp}{url}{body}", addressed, false),
            ("POST{url}{body}{timestamp}", all, true),
            ("{body}{timestamp}", all, false),
            ("{body}", &[Place::Body], true),
        ] {
            assert_eq!(Content::parse(template, places).is_ok(), fits, "{template} {places:?}");
        }
        let error = Content::parse("{body}", addressed).unwrap_err();
        assert!(error.to_string().contains("use {url} and {body}, once each"), "{error}");
    }
}
