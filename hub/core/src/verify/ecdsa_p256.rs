//! A signature that the vendor makes with a key of its own, and anybody can check: ECDSA over the curve P-256 with SHA-256, as
//! SendGrid's Event Webhook has it
//! (<https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features>).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use super::signed::{Content, Filling, Place};
use super::spot::Time;
use super::{Refusal, SchemeError, Verify, header_name};
use crate::Timestamp;

/// What stands before the point in the key of an uncompressed P-256 point (RFC 5480, 2.1.1 and 2.2).
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const POINT_BYTES: usize = 65;
const UNCOMPRESSED: u8 = 4;

#[derive(Clone, Debug)]
pub struct EcdsaP256 {
    header: String,
    keys: Vec<UnparsedPublicKey<Vec<u8>>>,
    content: Content,
    time: Option<Time>,
}

impl EcdsaP256 {
    /// `declared` is a `Verify::EcdsaP256`.
    pub fn new(declared: &Verify) -> Result<Self, SchemeError> {
        let Verify::EcdsaP256 { header, public_key, previous, timestamp } = declared else {
            unreachable!("another scheme is made elsewhere")
        };
        let (template, places) = match timestamp {
            Some(time) => (time.signed.as_str(), &[Place::Time, Place::Body][..]),
            None => ("{body}", &[Place::Body][..]),
        };
        Ok(Self {
            header: header_name(header)?,
            keys: std::iter::once(public_key)
                .chain(previous)
                .map(|text| key(text))
                .collect::<Result<_, _>>()?,
            content: Content::parse(template, places)?,
            time: timestamp.as_ref().map(Time::new).transpose()?,
        })
    }

    pub fn header(&self) -> &str {
        &self.header
    }

    /// `None` if no time is signed.
    pub fn tolerance(&self) -> Option<Duration> {
        self.time.as_ref().map(|time| time.tolerance)
    }

    /// A digest of what was signed, where it stands for the very act of sending: with a time in it. Of the signature itself anybody
    /// can make another one that is as good.
    pub fn check<'a>(
        &self,
        required: &impl Fn(&str) -> Result<&'a [u8], Refusal>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<[u8; 32]>, Refusal> {
        let malformed =
            |_| Refusal::Malformed { header: self.header.clone(), wanted: "a base64 ECDSA signature" };
        let presented = STANDARD.decode(required(&self.header)?).map_err(malformed)?;
        let time = self.time.as_ref().map(|time| time.read(required, now)).transpose()?;
        let filling = Filling { time: time.unwrap_or_default(), url: "", body };
        let signed = self.content.parts(filling).concat();
        match self.keys.iter().any(|key| key.verify(&signed, &presented).is_ok()) {
            true => Ok(time.map(|_| blake3::hash(&signed).into())),
            false => Err(Refusal::Signature { header: self.header.clone() }),
        }
    }
}

/// A key as vendors show it: base64, in one line or as a PEM file has it.
fn key(text: &str) -> Result<UnparsedPublicKey<Vec<u8>>, SchemeError> {
    let base64: String =
        text.lines().filter(|line| !line.starts_with("-----")).flat_map(str::split_whitespace).collect();
    let key = STANDARD.decode(base64).ok();
    let point = key.as_deref().and_then(|key| key.strip_prefix(&SPKI));
    match point.filter(|point| point.len() == POINT_BYTES && point[0] == UNCOMPRESSED) {
        Some(point) => Ok(UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point.to_vec())),
        None => Err(SchemeError::PublicKey(text.to_owned())),
    }
}
