//! Twilio's signature: over the address that was called and the parameters of the form, or over the address with the digest of
//! the body in its query. It signs no time, so a copy of a request is believed for as long as the token is.
//!
//! After <https://www.twilio.com/docs/usage/webhooks/webhooks-security>. What the page leaves open is as in Twilio's own
//! libraries: parameters are a set, the port may be signed or not, and a webhooks rule signs with SHA-256
//! (<https://github.com/twilio/twilio-python/blob/main/twilio/request_validator.py>).

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use form_urlencoded::parse;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::hmac_sha256::called;
use super::signed::same;
use super::{Refusal, SchemeError, is_called_url};
use crate::secret::Secret;

pub const SIGNATURE: &str = "x-twilio-signature";
/// What a webhooks rule adds: `key=…,algorithm=HMAC_SHA256`.
const SETTINGS: &str = "x-twilio-webhooks-signature-settings";
/// In the query of a request whose body is no form: the body's SHA-256 in hexadecimal digits.
const BODY_DIGEST: &str = "bodySHA256";

/// The longest form that Twilio documents has some forty parameters; each is sorted before the sender is known.
const PARAMETERS_MAX: usize = 1000;

#[derive(Clone, Debug)]
pub struct Twilio {
    /// With and without the port: which one is signed depends on the product.
    urls: Vec<String>,
    tokens: Vec<Secret>,
}

#[derive(Clone, Copy)]
enum Algorithm {
    Sha1,
    Sha256,
}

impl Twilio {
    pub fn new(url: &str, tokens: Vec<Secret>) -> Result<Self, SchemeError> {
        match is_called_url(url) {
            true => Ok(Self { urls: with_and_without_port(url), tokens }),
            false => Err(SchemeError::Url(url.to_owned())),
        }
    }

    pub fn check<'a>(
        &self,
        header: &impl Fn(&str) -> Option<&'a [u8]>,
        query: &str,
        body: &[u8],
    ) -> Result<(), Refusal> {
        let malformed = |header: &str, wanted| Refusal::Malformed { header: header.to_owned(), wanted };
        let wrong = || Refusal::Signature { header: SIGNATURE.to_owned() };
        let presented = header(SIGNATURE).ok_or_else(|| Refusal::Missing { header: SIGNATURE.to_owned() })?;
        let presented = STANDARD.decode(presented).map_err(|_| malformed(SIGNATURE, "a base64 HMAC"))?;
        let algorithm = algorithm(header(SETTINGS))
            .ok_or_else(|| malformed(SETTINGS, "algorithm=HMAC_SHA1 or algorithm=HMAC_SHA256"))?;
        let digest = parse(query.as_bytes()).find(|(name, _)| name == BODY_DIGEST);
        let is_form = header("content-type").is_some_and(is_form);
        let parameters = match (digest, is_form) {
            (Some((_, digest)), _) if !same(digest.as_bytes(), hex(&Sha256::digest(body)).as_bytes()) => {
                return Err(wrong());
            }
            (_, true) => {
                parameters(body).ok_or_else(|| malformed("content-type", "a form of fewer parameters"))?
            }
            (None, false) if !body.is_empty() => {
                return Err(Refusal::MissingParameter { parameter: BODY_DIGEST.to_owned() });
            }
            (_, false) => String::new(),
        };
        let mut believed = false;
        for url in &self.urls {
            let signed = called(url, query) + &parameters;
            for token in &self.tokens {
                believed |= same(&presented, &algorithm.sign(token.expose(), signed.as_bytes()));
            }
        }
        believed.then_some(()).ok_or_else(wrong)
    }
}

impl Algorithm {
    fn sign(self, token: &[u8], signed: &[u8]) -> Vec<u8> {
        /// Infallible, whatever the key: RFC 2104 takes any length.
        fn keyed<M: Mac + KeyInit>(token: &[u8], signed: &[u8]) -> Vec<u8> {
            let mac = <M as KeyInit>::new_from_slice(token).expect("HMAC takes a key of any length");
            mac.chain_update(signed).finalize().into_bytes().to_vec()
        }
        match self {
            Self::Sha1 => keyed::<Hmac<Sha1>>(token, signed),
            Self::Sha256 => keyed::<Hmac<Sha256>>(token, signed),
        }
    }
}

/// Whoever sends without knowing the key gains nothing by choosing between the two.
fn algorithm(settings: Option<&[u8]>) -> Option<Algorithm> {
    let named = settings
        .into_iter()
        .flat_map(|settings| settings.split(|byte| *byte == b','))
        .find_map(|one| one.trim_ascii().strip_prefix(b"algorithm="));
    match named {
        None | Some(b"HMAC_SHA1") => Some(Algorithm::Sha1),
        Some(b"HMAC_SHA256") => Some(Algorithm::Sha256),
        Some(_) => None,
    }
}

fn is_form(content_type: &[u8]) -> bool {
    let kind = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// Names and values, sorted, one behind the other. `None` if there are too many.
fn parameters(body: &[u8]) -> Option<String> {
    let mut sorted = BTreeSet::new();
    for (count, pair) in parse(body).enumerate() {
        if count >= PARAMETERS_MAX {
            return None;
        }
        sorted.insert(pair);
    }
    Some(sorted.iter().flat_map(|(name, value)| [&**name, &**value]).collect())
}

fn with_and_without_port(url: &str) -> Vec<String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let (host, path) = rest.find('/').map_or((rest, ""), |start| rest.split_at(start));
    let port = if scheme == "https" { 443 } else { 80 };
    let other = match host.rsplit_once(':') {
        // An IPv6 address in brackets has colons, too.
        Some((name, port)) if !port.contains(']') => format!("{scheme}://{name}{path}"),
        _ => format!("{scheme}://{host}:{port}{path}"),
    };
    vec![url.to_owned(), other]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://example.com/myapp";
    const FORM: &str =
        "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";

    fn check(url: &str, headers: &[(&str, &str)], query: &str, body: &str) -> Result<(), Refusal> {
        let tokens = vec![Secret::new(b"new"), Secret::new(b"12345")];
        let header =
            |name: &str| headers.iter().find(|(one, _)| *one == name).map(|(_, value)| value.as_bytes());
        Twilio::new(url, tokens).unwrap().check(&header, query, body.as_bytes())
    }

    #[test]
    fn a_form_is_believed_when_the_address_and_every_parameter_fit() {
        // The address, the form and the token of the tests of Twilio's libraries; signatures by Python's hmac.
        let (form, text) = (
            ("content-type", "application/x-www-form-urlencoded; charset=UTF-8"),
            ("content-type", "text/plain"),
        );
        let query = "foo=1&bar=2";
        let signed = (SIGNATURE, "V46CDrhPu3a6q+aUFH2wGmTiSnw=");
        let with_port = (SIGNATURE, "dkRVNsR7XmIv//5KEiRXm9+gUBQ=");
        let by_rule = (SIGNATURE, "x9jQnMm4eMV9yPiPK3NwBz6XqsiI9lWoej7DH5MfxCw=");
        let rule = (SETTINGS, "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256");
        let twice = (SIGNATURE, "MmoQRDpdHqAXpQ1dPkS8b9qR6k8=");
        let shuffled: Vec<&str> = FORM.split('&').rev().collect();
        let shuffled = shuffled.join("&");
        for (headers, query, body, believed) in [
            (vec![form, signed], query, FORM, true),
            (vec![form, signed], query, shuffled.as_str(), true),
            (vec![form, signed], query, &format!("{FORM}&To=%2B18005551212"), true),
            (vec![form, with_port], query, FORM, true),
            (vec![form, by_rule, rule], query, FORM, true),
            (vec![form, twice], query, "To=b&To=a&To=b", true),
            (vec![form, by_rule], query, FORM, false),
            (vec![form, signed, rule], query, FORM, false),
            (vec![form, signed, (SETTINGS, "algorithm=NONE")], query, FORM, false),
            (vec![form, signed], "foo=1", FORM, false),
            (vec![form, signed], query, &FORM[1..], false),
            (vec![form, signed], query, &format!("{FORM}&A=b"), false),
            (vec![form, (SIGNATURE, "RSOYDt4T1cUTdK1PDd93")], query, FORM, false),
            (vec![form, (SIGNATURE, "")], query, FORM, false),
            (vec![form], query, FORM, false),
            (vec![text, signed], query, FORM, false),
            (vec![signed], query, FORM, false),
        ] {
            assert_eq!(check(URL, &headers, query, body).is_ok(), believed, "{headers:?} {query} {body}");
        }
        assert!(check("https://example.com/other", &[form, signed], query, FORM).is_err());
        let many = "a=b&".repeat(PARAMETERS_MAX + 1);
        assert!(matches!(check(URL, &[form, signed], query, &many), Err(Refusal::Malformed { .. })));
    }

    #[test]
    fn any_other_body_is_believed_by_the_digest_in_the_query() {
        let json = ("content-type", "application/json");
        let form = ("content-type", "application/x-www-form-urlencoded");
        let query = "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
        let signed = (SIGNATURE, "Klp85180pYIxzIO5cuyxpfh1BKw=");
        let bare = (SIGNATURE, "XqNa/0zb23Pa5OkAE2d03kJM920=");
        for (headers, query, body, believed) in [
            (vec![json, signed], query, r#"{"property": "value", "boolean": true}"#, true),
            (vec![signed], query, r#"{"property": "value", "boolean": true}"#, true),
            (vec![json, signed], query, r#"{"property": "value", "boolean": false}"#, false),
            (vec![json, signed], "", r#"{"property": "value", "boolean": true}"#, false),
            // A form without parameters adds nothing to what is signed, and must not slip past the digest.
            (vec![form, signed], query, "&&", false),
            (vec![json, bare], "", "", true),
            (vec![json, bare], "", "{}", false),
        ] {
            assert_eq!(check(URL, &headers, query, body).is_ok(), believed, "{headers:?} {query} {body}");
        }
        let unsigned = check(URL, &[json, bare], "", "{}").unwrap_err();
        assert_eq!(unsigned, Refusal::MissingParameter { parameter: BODY_DIGEST.to_owned() });
    }

    #[test]
    fn an_address_is_signed_with_its_port_or_without() {
        for (url, other) in [
            ("https://example.com/a", "https://example.com:443/a"),
            ("http://example.com", "http://example.com:80"),
            ("https://example.com:8443/a/b", "https://example.com/a/b"),
            ("https://[::1]/a", "https://[::1]:443/a"),
        ] {
            assert_eq!(with_and_without_port(url), [url, other]);
        }
        for url in ["example.com", "https://", "https://example.com/a?b=c", "ftp://example.com", ""] {
            assert!(Twilio::new(url, vec![]).is_err(), "{url}");
        }
    }
}
