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

/// What is signed: text around a time and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Time,
    Body,
}

impl Content {
    /// Reads `"v0:{timestamp}:{body}"`: both places, once each.
    pub fn parse(template: &str) -> Result<Self, SchemeError> {
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let (text, place) = rest.split_at(open);
            parts.push(Part::Text(text.to_owned()));
            let (part, after) = match (place.strip_prefix("{timestamp}"), place.strip_prefix("{body}")) {
                (Some(after), _) => (Part::Time, after),
                (_, Some(after)) => (Part::Body, after),
                _ => return Err(SchemeError::Signed(template.to_owned())),
            };
            parts.push(part);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        parts.retain(|part| *part != Part::Text(String::new()));
        let once = |place: &Part| parts.iter().filter(|part| *part == place).count() == 1;
        match once(&Part::Time) && once(&Part::Body) {
            true => Ok(Self(parts)),
            false => Err(SchemeError::Signed(template.to_owned())),
        }
    }

    pub fn sign(&self, key: &Key, time: &[u8], body: &[u8]) -> Signature {
        let parts: Vec<&[u8]> = self
            .0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_bytes(),
                Part::Time => time,
                Part::Body => body,
            })
            .collect();
        key.sign(&parts)
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
    fn what_is_signed_names_the_time_and_the_body_once() {
        for (template, fits) in [
            ("{timestamp}.{body}", true),
            ("v0:{timestamp}:{body}", true),
            ("{body}{timestamp}", true),
            ("{body}", false),
            ("{timestamp}.{body}.{body}", false),
            ("{timestamp}.{id}.{body}", false),
            ("{timestamp.{body}", false),
            ("", false),
        ] {
            assert_eq!(Content::parse(template).is_ok(), fits, "{template}");
        }
    }
}
