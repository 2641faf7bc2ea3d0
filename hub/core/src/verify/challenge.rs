//! What a vendor asks before it sends its first message: that whoever has the address gives back a word. Nothing of it is a
//! message, and nothing is kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::digest;
use super::signed::same;
use super::{Refusal, SchemeError};
use crate::secret::{Secret, SecretError, SecretRef};

/// How a vendor asks whether an address is the right one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "scheme", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Challenge {
    /// Not at all.
    None {},
    /// Meta (Facebook, Instagram, WhatsApp): `GET` with `hub.mode=subscribe`, `hub.challenge` and `hub.verify_token`
    /// (<https://developers.facebook.com/docs/graph-api/webhooks/getting-started>).
    Meta {
        /// The verify token, as it was typed in at Meta beside the address.
        token: SecretRef,
    },
    /// Slack: a message of type `url_verification`, signed like any other
    /// (<https://docs.slack.dev/reference/events/url_verification>).
    Slack {},
    /// Mailchimp: `GET`, which must be answered with 200
    /// (<https://mailchimp.com/developer/marketing/guides/sync-audience-data-webhooks/>).
    Mailchimp {},
    /// WooCommerce: a form with `webhook_id` alone, which is not signed and must be answered with 200
    /// (<https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/class-wc-webhook.php>, `deliver_ping`).
    Woocommerce {},
}

/// A `Challenge` with its secret in it.
#[derive(Clone, Debug, Default)]
pub struct Challenger(Scheme);

#[derive(Clone, Debug, Default)]
enum Scheme {
    #[default]
    None,
    /// The token's digest, so that a comparison gives away no length.
    Meta([u8; 32]),
    Slack,
    Mailchimp,
    Woocommerce,
}

/// Vendors ask for less than a hundred characters. What is longer is not given back.
const WORD_BYTES_MAX: usize = 1024;
/// A message that asks has little else in it.
const QUESTION_BYTES_MAX: usize = 4096;
/// `webhook_id=` and a number.
const PING_BYTES_MAX: usize = 64;

#[derive(Deserialize)]
struct Asked {
    r#type: String,
    challenge: String,
}

impl Challenger {
    pub fn new(
        declared: Option<&Challenge>,
        mut resolve: impl FnMut(&SecretRef) -> Result<Secret, SecretError>,
    ) -> Result<Self, SchemeError> {
        Ok(Self(match declared {
            None | Some(Challenge::None {}) => Scheme::None,
            Some(Challenge::Meta { token }) => {
                Scheme::Meta(digest(resolve(token)?.line(token)?.trim().as_bytes()))
            }
            Some(Challenge::Slack {}) => Scheme::Slack,
            Some(Challenge::Mailchimp {}) => Scheme::Mailchimp,
            Some(Challenge::Woocommerce {}) => Scheme::Woocommerce,
        }))
    }

    /// The word to give back to a `GET`. `None` if its query asks for none.
    pub fn answer_query(&self, query: &str) -> Option<Result<String, Refusal>> {
        let token = match &self.0 {
            Scheme::Meta(token) => token,
            Scheme::Mailchimp => return Some(Ok(String::new())),
            Scheme::None | Scheme::Slack | Scheme::Woocommerce => return None,
        };
        let value = |wanted: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value)
        };
        let word = value("hub.challenge").filter(|word| is_word(word))?;
        value("hub.mode").filter(|mode| mode == "subscribe")?;
        let Some(presented) = value("hub.verify_token") else {
            return Some(Err(Refusal::MissingParameter { parameter: "hub.verify_token".to_owned() }));
        };
        match same(token, &digest(presented.as_bytes())) {
            true => Some(Ok(word.into_owned())),
            false => Some(Err(Refusal::Credential { header: "hub.verify_token".to_owned() })),
        }
    }

    /// Whether that is a question which nobody signs, and whose answer says nothing.
    pub fn is_ping(&self, body: &[u8]) -> bool {
        let id = (body.len() <= PING_BYTES_MAX).then(|| body.strip_prefix(b"webhook_id=")).flatten();
        matches!(self.0, Scheme::Woocommerce)
            && id.is_some_and(|id| !id.is_empty() && id.iter().all(u8::is_ascii_digit))
    }

    /// The word to give back to a message that was believed. `None` if it asks for none.
    pub fn answer_message(&self, body: &[u8]) -> Option<String> {
        let Scheme::Slack = &self.0 else { return None };
        let body = (body.len() <= QUESTION_BYTES_MAX).then_some(body)?;
        let asked: Asked = serde_json::from_slice(body).ok()?;
        (asked.r#type == "url_verification" && is_word(&asked.challenge)).then_some(asked.challenge)
    }
}

/// Nothing that a browser could take for a page.
fn is_word(text: &str) -> bool {
    (1..=WORD_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>&\"'".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenger(declared: &str) -> Challenger {
        let declared: Challenge = toml::from_str(declared).expect(declared);
        Challenger::new(Some(&declared), |_| Ok(Secret::new(b"meatyhamhock"))).expect("it is sound")
    }

    #[test]
    fn a_query_is_answered_to_who_knows_the_token() {
        let meta = challenger("scheme = \"meta\"\ntoken = { env = \"TOKEN\" }");
        // The example of Meta's page.
        let asked = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock";
        let word = || Some(Ok("1158201444".to_owned()));
        let wrong = || Some(Err(Refusal::Credential { header: "hub.verify_token".to_owned() }));
        let long = asked.replace("1158201444", &"1".repeat(1025));
        for (query, answer) in [
            (asked, word()),
            (&asked.replace("hub.", "hub%2E"), word()),
            (&asked.replace("meaty", "meat"), wrong()),
            (&asked.replace("meatyhamhock", ""), wrong()),
            (
                "hub.mode=subscribe&hub.challenge=1",
                Some(Err(Refusal::MissingParameter { parameter: "hub.verify_token".into() })),
            ),
            (&asked.replace("subscribe", "unsubscribe"), None),
            (&asked.replace("1158201444", "%3Cscript%3E"), None),
            (&asked.replace("1158201444", "a%0Ab"), None),
            (&long, None),
            ("hub.mode=subscribe&hub.verify_token=meatyhamhock", None),
            ("", None),
        ] {
            assert_eq!(meta.answer_query(query), answer, "{query}");
            assert_eq!(challenger("scheme = \"slack\"").answer_query(query), None);
            assert_eq!(Challenger::default().answer_query(query), None);
        }
        assert_eq!(challenger("scheme = \"mailchimp\"").answer_query(""), Some(Ok(String::new())));
        let shown = format!("{:?} {meta:?}", meta.answer_query(&asked.replace("meaty", "gue55")));
        assert!(!shown.contains("gue55") && !shown.contains("meatyhamhock"), "{shown}");
    }

    #[test]
    fn a_message_is_answered_when_it_asks() {
        let slack = challenger("scheme = \"slack\"");
        // The example of Slack's page.
        let asked = r#"{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#;
        let word = Some("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P".to_owned());
        let padded = format!("{asked}{}", " ".repeat(QUESTION_BYTES_MAX));
        for (body, answer) in [
            (asked, word),
            (&asked.replace("url_verification", "event_callback"), None),
            (&asked.replace("3eZbrw1a", "<b>"), None),
            (&asked.replace("\"challenge\"", "\"chall\""), None),
            (&padded, None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(slack.answer_message(body.as_bytes()), answer, "{body}");
        }
        let meta = challenger("scheme = \"meta\"\ntoken = { env = \"TOKEN\" }");
        assert_eq!(meta.answer_message(asked.as_bytes()), None);
        assert_eq!(Challenger::default().answer_message(asked.as_bytes()), None);
    }

    #[test]
    fn a_ping_is_a_number_and_nothing_else() {
        let shop = challenger("scheme = \"woocommerce\"");
        for (body, is_ping) in [
            ("webhook_id=123", true),
            ("webhook_id=", false),
            ("webhook_id=1&order=2", false),
            ("{\"webhook_id\":1}", false),
            ("", false),
        ] {
            assert_eq!(shop.is_ping(body.as_bytes()), is_ping, "{body}");
            assert!(!Challenger::default().is_ping(body.as_bytes()), "{body}");
        }
        assert!(!shop.is_ping(format!("webhook_id={}", "1".repeat(100)).as_bytes()));
    }
}
