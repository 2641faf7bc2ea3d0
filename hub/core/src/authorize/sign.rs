//! Signs requests. Never reads the clock: the time comes in.

use super::Sign;
use super::aws::Aws;
use crate::Timestamp;
use crate::secret::{Secret, SecretError, SecretRef};
use crate::verify::signed::{Content, Filling, Key, Place};
use crate::verify::{Encoding, SchemeError, header_name};

/// A `Sign` with its secrets in it: made once per channel, used for every request.
#[derive(Clone, Debug)]
pub struct Signer(Scheme);

#[derive(Clone, Debug)]
enum Scheme {
    None,
    StandardWebhooks { keys: Vec<Key> },
    Hmac { header: String, encoding: Encoding, prefix: String, key: Key, time: Option<(String, Content)> },
    Aws(Aws),
}

/// What is signed. A scheme signs of it what it must.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// Names the request, the same for each attempt.
    pub id: &'a str,
    pub method: &'a str,
    pub url: &'a str,
    pub body: &'a [u8],
    pub now: Timestamp,
}

impl Signer {
    pub fn new(
        declared: &Sign,
        mut resolve: impl FnMut(&SecretRef) -> Result<Secret, SecretError>,
    ) -> Result<Self, SchemeError> {
        Ok(Self(match declared {
            Sign::None {} => Scheme::None,
            Sign::StandardWebhooks { secret, previous } => {
                let mut keys = Vec::new();
                for at in std::iter::once(secret).chain(previous) {
                    keys.push(Key::standard_webhooks(&resolve(at)?, at)?);
                }
                Scheme::StandardWebhooks { keys }
            }
            Sign::HmacSha256 { header, encoding, prefix, secret, timestamp } => {
                let time = match timestamp {
                    None => None,
                    Some(time) => {
                        let content = Content::parse(&time.signed, &[Place::Time, Place::Body])?;
                        Some((header_name(&time.header)?, content))
                    }
                };
                Scheme::Hmac {
                    header: header_name(header)?,
                    encoding: *encoding,
                    prefix: prefix.clone(),
                    key: Key::new(resolve(secret)?.expose()),
                    time,
                }
            }
            Sign::AwsSigV4 { region, service, access_key, secret_key } => {
                let secret = resolve(secret_key)?;
                Scheme::Aws(Aws::new(region, service, access_key, secret.line(secret_key)?))
            }
        }))
    }

    /// The headers to add. `None` if the scheme cannot sign such a request.
    pub fn sign(&self, signing: &Signing<'_>) -> Option<Vec<(String, String)>> {
        let &Signing { id, body, now, .. } = signing;
        let seconds = now.as_millis().div_euclid(1000).to_string();
        Some(match &self.0 {
            Scheme::None => Vec::new(),
            Scheme::StandardWebhooks { keys } => {
                let parts = [id.as_bytes(), b".", seconds.as_bytes(), b".", body];
                let signatures: Vec<String> = keys
                    .iter()
                    .map(|key| format!("v1,{}", Encoding::Base64.write(&key.sign(&parts))))
                    .collect();
                vec![
                    ("webhook-id".to_owned(), id.to_owned()),
                    ("webhook-signature".to_owned(), signatures.join(" ")),
                    ("webhook-timestamp".to_owned(), seconds),
                ]
            }
            Scheme::Hmac { header, encoding, prefix, key, time: None } => {
                vec![(header.clone(), format!("{prefix}{}", encoding.write(&key.sign(&[body]))))]
            }
            Scheme::Hmac { header, encoding, prefix, key, time: Some((time_header, content)) } => {
                let filling = Filling { time: seconds.as_bytes(), body, ..Filling::default() };
                let signature = content.sign(key, filling);
                vec![
                    (header.clone(), format!("{prefix}{}", encoding.write(&signature))),
                    (time_header.clone(), seconds),
                ]
            }
            Scheme::Aws(aws) => return aws.sign(signing),
        })
    }

    /// The headers that are the signer's to set.
    pub fn headers(&self) -> Vec<&str> {
        match &self.0 {
            Scheme::None => vec![],
            Scheme::StandardWebhooks { .. } => vec!["webhook-id", "webhook-signature", "webhook-timestamp"],
            Scheme::Hmac { header, time, .. } => std::iter::once(header.as_str())
                .chain(time.as_ref().map(|(header, _)| header.as_str()))
                .collect(),
            Scheme::Aws(_) => Aws::HEADERS.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Verifier, Verify};

    #[test]
    fn what_is_signed_here_is_believed_there() {
        let secret = "secret = { env = \"KEY\" }";
        for scheme in [
            "scheme = \"standard-webhooks\"",
            "scheme = \"hmac-sha256\"\nheader = \"X-Sig\"",
            "scheme = \"hmac-sha256\"\nheader = \"x-sig\"\nencoding = \"hex\"\nprefix = \"sha256=\"",
            "scheme = \"hmac-sha256\"\nheader = \"x-sig\"\ntimestamp = { header = \"X-Time\", signed = \"v0:{timestamp}:{body}\" }",
        ] {
            let declared = format!("{secret}\n{scheme}");
            let resolve = |_: &SecretRef| Ok(Secret::new(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
            let sign: Sign = toml::from_str(&declared).expect(&declared);
            let verify: Verify = toml::from_str(&declared).expect(&declared);
            let signer = Signer::new(&sign, resolve).expect(&declared);
            let verifier = Verifier::new(&verify, resolve).expect(&declared);
            let now = Timestamp::from_millis(1_700_000_000_999);
            let signing =
                Signing { id: "msg_1", method: "POST", url: "https://x.example/", body: b"{}", now };
            let headers = signer.sign(&signing).unwrap();
            assert_eq!(
                headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
                signer.headers(),
                "{scheme}"
            );
            let header = |name: &str| {
                headers.iter().find(|(named, _)| named == name).map(|(_, value)| value.as_bytes())
            };
            assert!(verifier.check(header, "", b"{}", now).is_ok(), "{scheme}");
            assert!(verifier.check(header, "", b"{ }", now).is_err(), "{scheme}");
        }
    }

    #[test]
    fn a_signature_is_the_documented_one() {
        // The example of the Standard Webhooks libraries and of Svix's documentation.
        let resolve = |_: &SecretRef| Ok(Secret::new(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        let sign = Sign::StandardWebhooks {
            secret: SecretRef::Env("KEY".into()),
            previous: Some(SecretRef::Env("OLD".into())),
        };
        let signing = Signing {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            method: "POST",
            url: "https://x.example/",
            body: br#"{"test": 2432232314}"#,
            now: Timestamp::from_millis(1_614_265_330_000),
        };
        let headers = Signer::new(&sign, resolve).expect("the key is one").sign(&signing).unwrap();
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(headers[1], ("webhook-signature".to_owned(), format!("{signature} {signature}")));
        assert_eq!(headers[2].1, "1614265330");
    }
}
