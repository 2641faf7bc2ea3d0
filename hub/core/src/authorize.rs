//! What a request to a destination carries so that it is let in: credentials, and a signature of its body. Pure: secrets and
//! the time come in, headers and a query parameter go out. Also which hosts that is shown to.

mod aws;
pub mod hosts;
pub mod sign;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::{Secret, SecretError, SecretRef};
use crate::verify::{Encoding, SchemeError, header_name};

pub use hosts::Hosts;
pub use sign::{Signer, Signing};

/// What a destination wants to see before it listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "scheme", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Auth {
    /// Nothing.
    None {},
    /// `Authorization: Bearer <token>`.
    Bearer {
        /// The token.
        token: SecretRef,
    },
    /// `Authorization: Basic <user and password>`.
    Basic {
        /// The user's name.
        user: String,
        /// The user's password.
        password: SecretRef,
    },
    /// A fixed key in a header.
    ApiKey {
        /// The header that holds the key.
        header: String,
        /// What stands before the key in its header: `"Token "`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
        /// The key.
        key: SecretRef,
    },
    /// A fixed key in the query of the URL.
    ApiKeyQuery {
        /// The parameter that holds the key.
        parameter: String,
        /// The key.
        key: SecretRef,
    },
    /// OAuth 2.0 (RFC 6749): the hub fetches a token, shows it as `Authorization: Bearer <token>`, and renews it before it runs out.
    Oauth2 {
        /// Where tokens are fetched, `https://…`.
        token_url: String,
        /// What the system calls the hub.
        client_id: String,
        /// The hub's secret there.
        client_secret: SecretRef,
        /// What the hub was given when somebody let it in. Without it the hub asks in its own name (client credentials).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refresh_token: Option<SecretRef>,
        /// Where the hub shows its name and its secret when it fetches a token.
        #[serde(default, skip_serializing_if = "SecretIn::is_header")]
        secret_in: SecretIn,
        /// What the token is to be good for, as the system names it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
    },
}

/// How a token's server is shown who asks (RFC 6749, 2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretIn {
    /// As user and password of HTTP Basic, which every server of tokens must know.
    #[default]
    Header,
    /// In the form, for those that do not.
    Body,
}

impl SecretIn {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_header(&self) -> bool {
        *self == Self::Header
    }
}

/// How a request is signed, so that the destination can tell that it is from the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "scheme", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Sign {
    /// Not at all.
    None {},
    /// Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` (standardwebhooks.com).
    StandardWebhooks {
        /// The signing secret, `whsec_` and base64.
        secret: SecretRef,
        /// The secret that the destination knew before: as long as it stands here, requests carry both signatures.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<SecretRef>,
    },
    /// HMAC-SHA256 over the body, in a header of the destination's choice.
    HmacSha256 {
        /// The header that takes the signature.
        header: String,
        /// How the signature is written.
        #[serde(default)]
        encoding: Encoding,
        /// What stands before the signature in its header: `"sha256="`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        prefix: String,
        /// The key to sign with.
        secret: SecretRef,
        /// Where the time of signing goes, for destinations that want it signed with the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timestamp: Option<SignTime>,
    },
    /// AWS Signature Version 4, as Amazon's services and S3-compatible stores want it.
    #[serde(rename = "aws-sigv4")]
    AwsSigV4 {
        /// The region that the service is in: `"eu-central-1"`.
        region: String,
        /// What AWS calls the service.
        #[serde(default = "Sign::default_service")]
        service: String,
        /// The id of the access key.
        access_key: String,
        /// The secret of the access key.
        secret_key: SecretRef,
    },
}

impl Sign {
    fn default_service() -> String {
        "s3".to_owned()
    }
}

/// A time that is sent in a header and signed together with the body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignTime {
    /// The header that takes the time, as seconds since 1970.
    pub header: String,
    /// What is signed, with `{timestamp}` and `{body}` in their places: `"{timestamp}.{body}"`.
    #[serde(default = "crate::verify::signed_content")]
    pub signed: String,
}

/// An `Auth` with its secrets in it: made once per channel, put into every request.
#[derive(Clone, Debug)]
pub enum Credential {
    None,
    Header {
        name: String,
        value: Secret,
    },
    /// To be percent-encoded by whoever builds the URL.
    Query {
        parameter: String,
        value: Secret,
    },
    /// A token that must be fetched.
    Grant(Grant),
}

/// What a token is fetched with.
#[derive(Clone, Debug)]
pub struct Grant {
    pub token_url: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub secret_in: SecretIn,
    pub refresh_token: Option<Secret>,
    pub scope: Option<String>,
}

impl Default for Auth {
    fn default() -> Self {
        Self::None {}
    }
}

impl Default for Sign {
    fn default() -> Self {
        Self::None {}
    }
}

impl Auth {
    pub fn basic(user: &str, password: &str) -> Credential {
        authorization(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }

    pub fn credential(
        &self,
        mut resolve: impl FnMut(&SecretRef) -> Result<Secret, SecretError>,
    ) -> Result<Credential, SchemeError> {
        let mut text = |at: &SecretRef| resolve(at)?.line(at).map(str::to_owned);
        Ok(match self {
            Self::None {} => Credential::None,
            Self::Bearer { token } => authorization(&format!("Bearer {}", text(token)?)),
            Self::Basic { user, .. } if user.contains([':', '\r', '\n']) => {
                return Err(SchemeError::User(user.clone()));
            }
            Self::Basic { user, password } => Self::basic(user, text(password)?.as_str()),
            Self::ApiKey { header, prefix, key } => Credential::Header {
                name: header_name(header)?,
                value: Secret::new(format!("{prefix}{}", text(key)?).as_bytes()),
            },
            Self::ApiKeyQuery { parameter, .. } if parameter.is_empty() => {
                return Err(SchemeError::Parameter(parameter.clone()));
            }
            Self::ApiKeyQuery { parameter, key } => {
                Credential::Query { parameter: parameter.clone(), value: Secret::new(text(key)?.as_bytes()) }
            }
            Self::Oauth2 { token_url, client_id, client_secret, secret_in, refresh_token, scope } => {
                let mut secret = |at: &SecretRef| text(at).map(|text| Secret::new(text.as_bytes()));
                Credential::Grant(Grant {
                    token_url: token_url.clone(),
                    client_id: client_id.clone(),
                    client_secret: secret(client_secret)?,
                    secret_in: *secret_in,
                    refresh_token: refresh_token.as_ref().map(secret).transpose()?,
                    scope: scope.clone(),
                })
            }
        })
    }
}

fn authorization(value: &str) -> Credential {
    Credential::Header { name: "authorization".to_owned(), value: Secret::new(value.as_bytes()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(declared: &str, secret: &str) -> Result<String, SchemeError> {
        let auth: Auth = toml::from_str(declared).expect(declared);
        Ok(match auth.credential(|_| Ok(Secret::new(secret.as_bytes())))? {
            Credential::None => String::new(),
            Credential::Header { name, value } => {
                format!("{name}: {}", value.expose_line().expect("one line"))
            }
            Credential::Query { parameter, value } => {
                format!("?{parameter}={}", value.expose_line().expect("one line"))
            }
            Credential::Grant(grant) => grant.token_url,
        })
    }

    #[test]
    fn each_scheme_puts_its_credential_where_the_destination_looks() {
        for (declared, expected) in [
            ("scheme = \"none\"", ""),
            ("scheme = \"bearer\"\ntoken = { env = \"T\" }", "authorization: Bearer s3"),
            // RFC 7617, section 2, with its own user and another password.
            (
                "scheme = \"basic\"\nuser = \"Aladdin\"\npassword = { env = \"T\" }",
                "authorization: Basic QWxhZGRpbjpzMw==",
            ),
            ("scheme = \"api-key\"\nheader = \"X-Api-Key\"\nkey = { env = \"T\" }", "x-api-key: s3"),
            (
                "scheme = \"api-key\"\nheader = \"authorization\"\nprefix = \"Token \"\nkey = { env = \"T\" }",
                "authorization: Token s3",
            ),
            ("scheme = \"api-key-query\"\nparameter = \"apikey\"\nkey = { env = \"T\" }", "?apikey=s3"),
        ] {
            assert_eq!(shown(declared, "s3").expect(declared), expected);
        }
    }

    #[test]
    fn a_declaration_with_anything_else_in_it_is_refused() {
        for declared in [
            "scheme = \"none\"\ntoken = { env = \"T\" }",
            "scheme = \"bearer\"\nuser = \"a\"\ntoken = { env = \"T\" }",
        ] {
            assert!(toml::from_str::<Auth>(declared).is_err(), "{declared}");
            assert!(toml::from_str::<Sign>(declared).is_err(), "{declared}");
        }
    }

    #[test]
    fn what_no_request_can_carry_is_refused_when_the_channel_is_loaded() {
        let bearer = "scheme = \"bearer\"\ntoken = { env = \"T\" }";
        for (declared, secret) in [
            (bearer, "a\r\nx-admin: 1"),
            ("scheme = \"api-key\"\nheader = \"x api\"\nkey = { env = \"T\" }", "s3"),
            ("scheme = \"basic\"\nuser = \"a:b\"\npassword = { env = \"T\" }", "s3"),
            ("scheme = \"api-key-query\"\nparameter = \"\"\nkey = { env = \"T\" }", "s3"),
        ] {
            assert!(shown(declared, secret).is_err(), "{declared}");
        }
    }
}
