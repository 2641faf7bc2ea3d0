//! How a channel knows that a message is from whom it says: the schemes a declaration can choose from, and what a check
//! answers. Never says what would have been right.

pub mod challenge;
pub mod check;
mod ecdsa_p256;
mod hmac_sha256;
pub mod signed;
mod spot;
mod twilio;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::declare::Period;
use crate::secret::SecretRef;

pub use challenge::{Challenge, Challenger};
pub use check::Verifier;

/// How far a sender's clock may be from ours. Standard Webhooks and most vendors take five minutes.
pub const TOLERANCE: Period = Period::of_secs(5 * 60);

/// How a source's messages prove where they come from, always on the raw bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "scheme", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Verify {
    /// Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` (standardwebhooks.com).
    StandardWebhooks {
        /// The signing secret, `whsec_` and base64.
        secret: SecretRef,
        /// Secrets that are still taken while the sender changes over to a new one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        previous: Vec<SecretRef>,
        /// How far the sender's clock may be from the hub's: `"5 minutes"`.
        #[serde(default = "tolerance")]
        tolerance: Period,
    },
    /// HMAC-SHA256 over the body, in a header of the vendor's choice: Shopify, GitHub, Meta, Slack, Stripe, Square and many more.
    HmacSha256 {
        /// The header that holds the signature.
        header: String,
        /// Where the header holds a list, `t=…,v1=…`: the name that the signature has in it. Each of that name is tried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<String>,
        /// How the signature is written.
        #[serde(default)]
        encoding: Encoding,
        /// What stands before the signature in its header: `"sha256="`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
        /// The key the vendor signs with.
        secret: SecretRef,
        /// Keys that are still taken while the vendor changes over to a new one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        previous: Vec<SecretRef>,
        /// What is signed, with `{url}` and `{body}` in their places: `"{url}{body}"`. Without it, the body. With a
        /// `timestamp` it stands there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signed: Option<String>,
        /// For vendors that sign it: the address that the vendor calls, as it was given to the vendor, without a query. The
        /// hub cannot know what it is called from outside.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("format" = "url"))]
        url: Option<String>,
        /// Where the time of signing is, for vendors that sign it with the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timestamp: Option<SignedTime>,
    },
    /// ECDSA over the curve P-256 with SHA-256, by a key of the vendor's own: SendGrid.
    EcdsaP256 {
        /// The header that holds the signature, in base64.
        header: String,
        /// The vendor's public key, in base64 as the vendor shows it. It is no secret.
        #[schemars(extend("examples" = ["MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE…"]))]
        public_key: String,
        /// Keys that are still taken while the vendor changes over to a new one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        previous: Vec<String>,
        /// Where the time of signing is, for vendors that sign it with the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timestamp: Option<SignedTime>,
    },
    /// Twilio: `X-Twilio-Signature`, over the address and the parameters of a form, or over the address with the digest of a
    /// JSON body in it.
    Twilio {
        /// The address that Twilio calls, as it was given to Twilio, without a query.
        #[schemars(extend("format" = "url"))]
        url: String,
        /// The account's auth token, or the shared key of a webhooks rule.
        secret: SecretRef,
        /// Tokens that are still taken while the account changes over to a new one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        previous: Vec<SecretRef>,
    },
    /// `Authorization: Bearer <token>`.
    Bearer {
        /// The token the sender must present.
        token: SecretRef,
        /// Tokens that are still taken while the sender changes over to a new one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        previous: Vec<SecretRef>,
    },
    /// `Authorization: Basic <user and password>`.
    Basic {
        /// The user's name.
        user: String,
        /// The user's password.
        password: SecretRef,
    },
    /// A write key as Segment's tracking API has it: `Authorization: Basic <key as the user, no password>`. Such a channel also
    /// takes what is sent to `/v1/track` and its siblings under that key.
    WriteKey {
        /// The key that the sender's library is set up with. No other channel may have the same.
        key: SecretRef,
        /// Keys that are still taken while senders change over to a new one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        previous: Vec<SecretRef>,
    },
    /// A fixed key in a header.
    ApiKey {
        /// The header that holds the key.
        header: String,
        /// The key the sender must present.
        key: SecretRef,
        /// Keys that are still taken while the sender changes over to a new one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        previous: Vec<SecretRef>,
    },
    /// A fixed key in the query of the address, for vendors that can be given an address and nothing else. Proxies on the way may
    /// write addresses down: choose another scheme where there is one.
    ApiKeyQuery {
        /// The parameter that holds the key.
        parameter: String,
        /// The key the sender must present.
        key: SecretRef,
        /// Keys that are still taken while the sender changes over to a new one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        previous: Vec<SecretRef>,
    },
    /// Anybody who can reach the hub may send. Only for networks that are guarded in another way.
    None {},
}

/// How the bytes of a signature are written as text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Base64 with padding, the standard alphabet.
    #[default]
    Base64,
    /// Hexadecimal digits, in either case.
    Hex,
}

/// A time that a vendor sends in a header and signs together with the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignedTime {
    /// The header that holds the time: seconds or milliseconds since 1970, RFC 3339, or a date as in HTTP's own headers.
    pub header: String,
    /// Where the header holds a list, `t=…,v1=…`: the name that the time has in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is signed, with `{timestamp}` and `{body}` in their places, and `{url}` where one is declared:
    /// `"v0:{timestamp}:{body}"`.
    #[serde(default = "signed_content")]
    pub signed: String,
    /// How far the sender's clock may be from the hub's: `"5 minutes"`.
    #[serde(default = "tolerance")]
    pub tolerance: Period,
}

const fn tolerance() -> Period {
    TOLERANCE
}

pub(crate) fn signed_content() -> String {
    "{timestamp}.{body}".to_owned()
}

/// A message that is from whom it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Stands for the very act of sending: the same only for a copy of the same request, bit by bit where it is signed. For schemes that sign a time.
    pub replay_key: Option<[u8; 16]>,
}

/// Why a message was not believed. The sender may read it: it says where to look, never what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the header {header} is missing")]
    Missing { header: String },
    #[error("the query has no {parameter}")]
    MissingParameter { parameter: String },
    #[error("the header {header} cannot be read: {wanted} is expected there")]
    Malformed { header: String, wanted: &'static str },
    #[error("the signature in {header} does not fit the body")]
    Signature { header: String },
    #[error(
        "the time in {header} is {seconds} s from the hub's clock, more than the {tolerance_seconds} s allowed"
    )]
    Time { header: String, seconds: u64, tolerance_seconds: u64 },
    #[error("the credential in {header} is not the channel's")]
    Credential { header: String },
}

impl Refusal {
    /// What whoever set the sender up should look at.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::MissingParameter { .. } => {
                "have the sender sign in, or sign, as the channel declares under verify"
            }
            Self::Malformed { .. } => "compare the sender's scheme with the channel's verify",
            Self::Signature { .. } => {
                "compare the secrets, and the url if one is signed, and let nothing change the body on its way"
            }
            Self::Time { .. } => "set the sender's clock, and have each attempt signed anew",
            Self::Credential { .. } => "compare the sender's credential with the channel's secret",
        }
    }
}

/// A declaration that cannot be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemeError {
    #[error(transparent)]
    Secret(#[from] crate::secret::SecretError),
    #[error("{0:?} is no name of a header: use letters, digits and hyphens")]
    Header(String),
    #[error("signed = {signed:?} does not say what is signed: use {places}, once each")]
    Signed { signed: String, places: String },
    #[error("signed stands beside timestamp: write it inside, timestamp = {{ …, signed = \"…\" }}")]
    SignedTwice,
    #[error("field = {0:?} is no name in a list: use letters, digits, hyphens and underscores")]
    Field(String),
    #[error(
        "url = {0:?} is not an address that a vendor calls: write \"https://…\", without the query, which comes with each request"
    )]
    Url(String),
    #[error("user = {0:?} holds a colon or a control character, which Basic cannot carry")]
    User(String),
    #[error(
        "public_key = {0:?} is no key of ECDSA P-256: write the base64 that the vendor shows, MFkwEwYHKoZIzj0…"
    )]
    PublicKey(String),
    #[error("the write key in {0} holds a colon, which Basic cannot carry")]
    WriteKey(SecretRef),
    #[error("{0:?} is no name of a query parameter")]
    Parameter(String),
}

/// A declared header's name in lower case, if it is one (RFC 9110, 5.6.2: a token).
pub(crate) fn header_name(name: &str) -> Result<String, SchemeError> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match !name.is_empty() && name.bytes().all(token) {
        true => Ok(name.to_ascii_lowercase()),
        false => Err(SchemeError::Header(name.to_owned())),
    }
}

/// Whether a vendor could have been given that address. Its query is no part of it: it may be another for each request.
pub(crate) fn is_called_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    !host.is_empty() && url.bytes().all(|byte| byte.is_ascii_graphic()) && !url.contains(['?', '#', '@'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_reads_as_it_is_meant() {
        let secret = SecretRef::Env("KEY".into());
        let cases = [
            (
                "scheme = \"hmac-sha256\"\nheader = \"x-shopify-hmac-sha256\"\nencoding = \"base64\"\nsecret = { env = \"KEY\" }",
                Verify::HmacSha256 {
                    header: "x-shopify-hmac-sha256".into(),
                    field: None,
                    encoding: Encoding::Base64,
                    prefix: String::new(),
                    secret: secret.clone(),
                    previous: vec![],
                    signed: None,
                    url: None,
                    timestamp: None,
                },
            ),
            (
                "scheme = \"twilio\"\nurl = \"https://hub.example.com/in/calls\"\nsecret = { env = \"KEY\" }",
                Verify::Twilio {
                    url: "https://hub.example.com/in/calls".into(),
                    secret: secret.clone(),
                    previous: vec![],
                },
            ),
            (
                "scheme = \"standard-webhooks\"\nsecret = { env = \"KEY\" }\nprevious = [{ env = \"KEY\" }]\ntolerance = \"90s\"",
                Verify::StandardWebhooks {
                    secret: secret.clone(),
                    previous: vec![secret.clone()],
                    tolerance: Period::of_secs(90),
                },
            ),
            ("scheme = \"none\"", Verify::None {}),
        ];
        for (text, expected) in cases {
            let read: Verify = toml::from_str(text).expect(text);
            assert_eq!(read, expected, "{text}");
            let written = toml::to_string(&read).expect("what was read can be written");
            assert_eq!(toml::from_str::<Verify>(&written).expect(&written), expected, "{written}");
        }
    }

    #[test]
    fn a_declaration_with_anything_else_in_it_is_refused() {
        for text in [
            "scheme = \"none\"\ntoken = { env = \"KEY\" }",
            "scheme = \"bearer\"",
            "scheme = \"bearer\"\ntoken = { env = \"KEY\" }\nheader = \"x\"",
            "scheme = \"hmac-sha1\"\nsecret = { env = \"KEY\" }",
            "scheme = \"standard-webhooks\"\nsecret = { env = \"KEY\" }\ntolerance = 300",
            "",
        ] {
            assert!(toml::from_str::<Verify>(text).is_err(), "{text}");
        }
    }
}
