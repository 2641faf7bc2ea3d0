//! Signatures that the vendors' own libraries make and check, against a running hub: what they sign is believed, and nothing
//! that differs from it in anything. The libraries come from their registries, in the versions of `tests/clients`.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::company::{Company, Hub};
use crate::doors::{node, python};
use crate::line::{client, order, post};
use crate::receiver::Receiver;

/// A request as a library has signed it.
#[derive(Clone, Debug, Deserialize)]
struct Signed {
    query: String,
    headers: serde_json::Map<String, Value>,
}

enum Library {
    Node,
    Python,
}

struct Vendor {
    name: &'static str,
    library: Library,
    /// What its channel declares under `[receive.verify]`, but for the secret.
    verify: &'static str,
    secret: &'static str,
    body: &'static str,
    /// Every header without which it cannot be believed.
    proofs: &'static [&'static str],
    /// Whether it signs a time: then what is old is refused, and a copy is known as one.
    time: Time,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Time {
    Signed,
    Unsigned,
}

const JSON: &str = r#"{"id": 1001, "note": "caffè"}"#;

const VENDORS: [Vendor; 8] = [
    Vendor {
        name: "standard-webhooks",
        library: Library::Python,
        verify: "scheme = 'standard-webhooks'",
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        body: JSON,
        proofs: &["webhook-id", "webhook-timestamp", "webhook-signature"],
        time: Time::Signed,
    },
    Vendor {
        name: "shopify",
        library: Library::Node,
        verify: "scheme = 'hmac-sha256'\nheader = 'x-shopify-hmac-sha256'",
        secret: "shpss_hush",
        body: JSON,
        proofs: &["x-shopify-hmac-sha256"],
        time: Time::Unsigned,
    },
    Vendor {
        name: "stripe",
        library: Library::Node,
        verify: "scheme = 'hmac-sha256'\nheader = 'stripe-signature'\nfield = 'v1'\nencoding = 'hex'\n\
                 timestamp = { header = 'stripe-signature', field = 't' }",
        secret: "whsec_hush",
        body: JSON,
        proofs: &["stripe-signature"],
        time: Time::Signed,
    },
    Vendor {
        name: "slack",
        library: Library::Python,
        verify: "scheme = 'hmac-sha256'\nheader = 'x-slack-signature'\nencoding = 'hex'\nprefix = 'v0='\n\
                 timestamp = { header = 'x-slack-request-timestamp', signed = 'v0:{timestamp}:{body}' }",
        secret: "8f742231b10e8888abcd99yyyzzz85a5",
        body: JSON,
        proofs: &["x-slack-request-timestamp", "x-slack-signature"],
        time: Time::Signed,
    },
    Vendor {
        name: "meta",
        library: Library::Node,
        verify: "scheme = 'hmac-sha256'\nheader = 'x-hub-signature-256'\nencoding = 'hex'\nprefix = 'sha256='",
        secret: "app-hush",
        body: JSON,
        proofs: &["x-hub-signature-256"],
        time: Time::Unsigned,
    },
    Vendor {
        name: "square",
        library: Library::Python,
        verify: "scheme = 'hmac-sha256'\nheader = 'x-square-hmacsha256-signature'\nsigned = '{url}{body}'\n\
                 url = 'https://hub.example.com/in/square'",
        secret: "asdf1234",
        body: JSON,
        proofs: &["x-square-hmacsha256-signature"],
        time: Time::Unsigned,
    },
    Vendor {
        name: "twilio-form",
        library: Library::Python,
        verify: "scheme = 'twilio'\nurl = 'https://hub.example.com/in/twilio-form'",
        secret: "twilio-hush",
        body: "To=%2B390212345678&From=%2B393331234567&Body=Caff%C3%A8+freddo%3F&CallSid=CA1",
        proofs: &["X-Twilio-Signature"],
        time: Time::Unsigned,
    },
    Vendor {
        name: "twilio-json",
        library: Library::Python,
        verify: "scheme = 'twilio'\nurl = 'https://hub.example.com/in/twilio-json'",
        secret: "twilio-hush",
        body: JSON,
        proofs: &["X-Twilio-Signature"],
        time: Time::Unsigned,
    },
];

/// Between two scripts and a request no test takes that long; the hub allows 300.
const STALE_SECONDS: u64 = 600;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Vendor {
    /// The address as the vendor was given it: not the one that this test calls.
    fn url(&self) -> String {
        format!("https://hub.example.com/in/{}", self.name)
    }

    fn sign(&self, secret: &str, url: &str, seconds: u64) -> Signed {
        let seconds = seconds.to_string();
        let printed = match self.library {
            Library::Node => node("sign.mjs", &[self.name, secret, &seconds, self.body]),
            Library::Python => python("sign.py", &["sign", self.name, secret, url, &seconds, self.body]),
        };
        serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{}: {printed}", self.name))
    }

    async fn send(&self, hub: &Hub, signed: &Signed, body: &str) -> (StatusCode, Value) {
        let url = format!("http://{}/in/{}{}", hub.address, self.name, signed.query);
        let mut request = client().post(url).body(body.to_owned());
        for (name, value) in &signed.headers {
            request = request.header(name, value.as_str().unwrap());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }
}

/// A hub with a channel for each vendor.
fn hub() -> (Company, Hub) {
    let company = Company::new();
    for vendor in &VENDORS {
        let (name, verify) = (vendor.name, vendor.verify);
        company.write(&format!("secrets/{name}"), vendor.secret);
        company.channel(
            name,
            &format!(
                "connector = 'canonical'\n[receive]\ntransport = 'http'\n[receive.verify]\n{verify}\nsecret = {{ file = 'secrets/{name}' }}\n"
            ),
        );
    }
    let hub = company.start();
    (company, hub)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_vendors_library_signs_is_believed_and_nothing_else() {
    let (company, hub) = hub();
    let mut accepted = 0;
    for vendor in &VENDORS {
        let name = vendor.name;
        let changed = vendor.body.replace('1', "2");
        assert_ne!(changed, vendor.body);
        let right = vendor.sign(vendor.secret, &vendor.url(), now());

        let (status, first) = vendor.send(&hub, &right, vendor.body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{name}: {first} {right:?}");
        let (status, again) = vendor.send(&hub, &right, vendor.body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{name}: {again}");
        let known = (&again["id"], &again["repeated"]) == (&first["id"], &json!(true));
        assert_eq!(
            known,
            vendor.time == Time::Signed,
            "{name}: a copy is known where a time is signed: {again}"
        );
        accepted += if known { 1 } else { 2 };

        let other_secret = match name {
            "standard-webhooks" => "whsec_b3RoZXIgc2VjcmV0",
            _ => "other",
        };
        let mut refused = vec![
            ("another secret", vendor.sign(other_secret, &vendor.url(), now()), vendor.body),
            ("another body", right.clone(), changed.as_str()),
        ];
        for proof in vendor.proofs {
            let mut without = right.clone();
            assert!(without.headers.shift_remove(*proof).is_some(), "{name}: {proof}");
            refused.push((proof, without, vendor.body));
        }
        if vendor.time == Time::Signed {
            for seconds in [now() - STALE_SECONDS, now() + STALE_SECONDS] {
                refused.push((
                    "another time",
                    vendor.sign(vendor.secret, &vendor.url(), seconds),
                    vendor.body,
                ));
            }
        }
        if vendor.verify.contains("url =") {
            let elsewhere = "https://hub.example.com/in/elsewhere";
            refused.push(("another address", vendor.sign(vendor.secret, elsewhere, now()), vendor.body));
            let more = Signed {
                query: format!("{}&more=1", right.query).replacen(
                    '&',
                    "?",
                    usize::from(right.query.is_empty()),
                ),
                ..right.clone()
            };
            refused.push(("another query", more, vendor.body));
        }
        for (what, signed, body) in refused {
            let (status, problem) = vendor.send(&hub, &signed, body).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{name}, {what}: {problem}");
            assert_eq!(problem["type"], "urn:snodo:problem:not-verified", "{name}, {what}");
            assert!(!problem.to_string().contains(vendor.secret), "{name}, {what}: {problem}");
        }
    }
    assert_eq!(company.settled()["messages"]["accepted"], accepted);
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hub_and_squares_library_agree_on_what_to_believe() {
    let (_company, hub) = hub();
    let square = VENDORS.iter().find(|vendor| vendor.name == "square").unwrap();
    let right = square.sign(square.secret, &square.url(), now());
    let elsewhere = square.sign(square.secret, "https://hub.example.com/in/elsewhere", now());
    let other_secret = square.sign("other", &square.url(), now());
    let mut torn = right.clone();
    torn.headers.insert("x-square-hmacsha256-signature".into(), json!("AAAA"));
    let changed = square.body.replace('1', "2");
    for (signed, body, believed) in [
        (&right, square.body, true),
        (&right, &changed, false),
        (&elsewhere, square.body, false),
        (&other_secret, square.body, false),
        (&torn, square.body, false),
    ] {
        let headers = serde_json::to_string(&signed.headers).unwrap();
        let library = python("sign.py", &["verify", "square", square.secret, &square.url(), &headers, body]);
        assert_eq!(library.trim(), believed.to_string(), "{signed:?} {body}");
        let (status, answer) = square.send(&hub, signed, body).await;
        assert_eq!(status == StatusCode::ACCEPTED, believed, "{signed:?} {body} {answer}");
    }
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hub_signs_is_believed_by_the_libraries() {
    let company = Company::new();
    let receiver = Receiver::start().await;
    let (new, old, slack) =
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_b2xkIHNlY3JldA==", "8f742231b10e");
    for (name, secret) in [("new", new), ("old", old), ("slack", slack)] {
        company.write(&format!("secrets/{name}"), secret);
    }
    company.canonical_in("shop");
    // Slack's own form stands for what any destination may want of hmac-sha256.
    for (name, sign) in [
        (
            "standard",
            "scheme = 'standard-webhooks'\nsecret = { file = 'secrets/new' }\nprevious = { file = 'secrets/old' }",
        ),
        (
            "hmac",
            "scheme = 'hmac-sha256'\nheader = 'x-slack-signature'\nencoding = 'hex'\nprefix = 'v0='\nsecret = { file = 'secrets/slack' }\n\
             timestamp = { header = 'x-slack-request-timestamp', signed = 'v0:{timestamp}:{body}' }",
        ),
    ] {
        company.channel(
            name,
            &format!(
                "connector = 'webhook'\n[send]\ntransport = 'http'\nhosts = ['127.0.0.1']\nprivate_networks = true\n\
                 [send.sign]\n{sign}\n[config]\nurl = 'http://{}/{name}'\n",
                receiver.address
            ),
        );
        company.route(name, "shop", name, "");
    }
    let hub = company.start();
    assert_eq!(post(&client(), &company, "shop", &order(7, "rosa@example.com")).await, Ok(202));
    assert_eq!(company.settled()["fates"]["delivered"], 2);
    let taken = receiver.taken();
    let with = |header: &str| taken.iter().find(|one| one.headers.contains_key(header)).unwrap();
    for (vendor, header, secret, believed) in [
        ("standard-webhooks", "webhook-signature", new, true),
        ("standard-webhooks", "webhook-signature", old, true),
        ("standard-webhooks", "webhook-signature", "whsec_b3RoZXIgc2VjcmV0", false),
        ("slack", "x-slack-signature", slack, true),
        ("slack", "x-slack-signature", "other", false),
    ] {
        let request = with(header);
        let headers: serde_json::Map<String, Value> = request
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
            .collect();
        let headers = serde_json::to_string(&headers).unwrap();
        let body = std::str::from_utf8(&request.raw).unwrap();
        for (body, believed) in [(body.to_owned(), believed), (format!("{body} "), false)] {
            let said = python("sign.py", &["verify", vendor, secret, "", &headers, &body]);
            assert_eq!(said.trim(), believed.to_string(), "{vendor} {secret}");
        }
    }
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_asks_gets_its_word_back_and_nothing_is_kept() {
    let company = Company::new();
    company.write("secrets/token", "meatyhamhock");
    for vendor in VENDORS.iter().filter(|vendor| ["meta", "slack", "shopify"].contains(&vendor.name)) {
        let (name, verify) = (vendor.name, vendor.verify);
        let challenge = match name {
            "meta" => "challenge = { scheme = 'meta', token = { file = 'secrets/token' } }\n",
            "slack" => "challenge = { scheme = 'slack' }\n",
            _ => "",
        };
        company.write(&format!("secrets/{name}"), vendor.secret);
        company.channel(
            name,
            &format!(
                "connector = 'canonical'\n[receive]\ntransport = 'http'\n{challenge}[receive.verify]\n{verify}\nsecret = {{ file = 'secrets/{name}' }}\n"
            ),
        );
    }
    let hub = company.start();
    let client = client();
    let asked = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock";
    let wrong = asked.replace("meaty", "lean");
    for (channel, query, status, word) in [
        ("meta", asked, 200, Some("1158201444")),
        ("meta", &wrong, 401, None),
        ("meta", "", 405, None),
        ("slack", asked, 405, None),
        ("shopify", asked, 405, None),
    ] {
        let url = format!("http://{}/in/{channel}?{query}", hub.address);
        let answer = client.get(url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{channel} {query}");
        let text = String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap();
        assert!(word.is_none_or(|word| text == word), "{channel} {query}: {text}");
        assert!(!text.contains("meatyhamhock"), "{text}");
    }
    let slack = VENDORS.iter().find(|vendor| vendor.name == "slack").unwrap();
    let question =
        r#"{"token":"Jhj5","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd","type":"url_verification"}"#;
    let signed = |secret| {
        let printed = python("sign.py", &["sign", "slack", secret, "", &now().to_string(), question]);
        serde_json::from_str::<Signed>(&printed).unwrap()
    };
    for (secret, status) in [(slack.secret, 200), ("other", 401)] {
        let mut request = client.post(format!("http://{}/in/slack", hub.address)).body(question);
        for (name, value) in &signed(secret).headers {
            request = request.header(name, value.as_str().unwrap());
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        let text = String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap();
        assert_eq!(text == "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd", status == 200, "{text}");
    }
    assert_eq!(company.settled()["messages"]["accepted"], 0);
    hub.stop();
}
