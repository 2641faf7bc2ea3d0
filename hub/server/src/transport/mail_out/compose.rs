//! A connector's request as a mail: MIME, with a Message-ID that is the same for each attempt. Nothing of an event gets into a
//! header but as its value. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use serde::Deserialize;
use snodo_core::declare::channel::is_mail_address;

use super::fail::MailError;
use crate::transport::Request;

/// Recipients of one mail: many servers take no more.
const RECIPIENTS_MAX: usize = 100;

/// RFC 5322, 2.1.1, with room for the name of the header.
const HEADER_LINE_MAX: usize = 900;
const HEADER_BYTES_MAX: usize = 8192;

/// Headers that a connector may set, beside those that begin with `x-`.
const HEADERS: [&str; 5] =
    ["auto-submitted", "in-reply-to", "list-unsubscribe", "list-unsubscribe-post", "references"];

/// A mail that is ready to be handed over.
#[derive(Debug)]
pub struct Letter {
    pub recipients: Vec<Address>,
    pub message_id: String,
    pub bytes: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    to: Vec<Person>,
    #[serde(default)]
    cc: Vec<Person>,
    #[serde(default)]
    bcc: Vec<Person>,
    #[serde(default)]
    reply_to: Vec<Person>,
    subject: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    html: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    #[serde(default)]
    name: Option<String>,
    address: String,
}

/// A request as logs and explanations show it: addresses are personal.
pub fn describe(method: &str, target: &str) -> String {
    match target.split(',').count() {
        1 => format!("{method} to 1 recipient"),
        many => format!("{method} to {many} recipients"),
    }
}

pub fn compose(request: &Request, from: &Mailbox, now: SystemTime) -> Result<Letter, MailError> {
    if request.method != "SEND" {
        return malformed("its method is not SEND");
    }
    // serde's words may quote a value.
    let Ok(asked) = serde_json::from_slice::<Asked>(&request.body) else {
        return malformed(
            "its body is not an object with to, cc, bcc, reply_to, subject, text, html and headers",
        );
    };
    let recipients = recipients(&asked, &request.target)?;
    let message_id = message_id(&request.id, from.email.domain());
    let envelope = Envelope::new(Some(from.email.clone()), recipients.clone());
    let Ok(envelope) = envelope else { return malformed("it has no recipient") };
    if asked.subject.contains(is_control) {
        return malformed("its subject is not one line");
    }
    let mut mail = lettre::Message::builder()
        .envelope(envelope)
        .from(from.clone())
        .date(now)
        .message_id(Some(message_id.clone()))
        .subject(asked.subject);
    for person in &asked.to {
        mail = mail.to(mailbox(person)?);
    }
    for person in &asked.cc {
        mail = mail.cc(mailbox(person)?);
    }
    for person in &asked.reply_to {
        mail = mail.reply_to(mailbox(person)?);
    }
    for (name, value) in asked.headers {
        mail = mail.raw_header(header(name, value)?);
    }
    let composed = match (asked.text, asked.html) {
        (Some(text), Some(html)) => mail.multipart(MultiPart::alternative_plain_html(text, html)),
        (Some(text), None) => mail.singlepart(SinglePart::plain(text)),
        (None, Some(html)) => mail.singlepart(SinglePart::html(html)),
        (None, None) => return malformed("it has neither text nor html"),
    };
    match composed {
        Ok(composed) => Ok(Letter { recipients, message_id, bytes: composed.formatted() }),
        Err(_) => malformed("it could not be composed"),
    }
}

/// Each once. The target names the same, so that what a request does can be seen from its line.
fn recipients(asked: &Asked, target: &str) -> Result<Vec<Address>, MailError> {
    let all = || asked.to.iter().chain(&asked.cc).chain(&asked.bcc);
    let named: Option<BTreeSet<&str>> = target.strip_prefix("mailto:").map(|list| list.split(',').collect());
    let wanted: BTreeSet<&str> = all().map(|person| person.address.as_str()).collect();
    if named.as_ref() != Some(&wanted) {
        return malformed("its target is not mailto: with the addresses of to, cc and bcc, each once");
    }
    if wanted.len() > RECIPIENTS_MAX {
        return malformed("it has more than 100 recipients");
    }
    let mut seen = BTreeSet::new();
    all().filter(|person| seen.insert(&person.address)).map(address).collect()
}

fn address(person: &Person) -> Result<Address, MailError> {
    match person.address.parse() {
        Ok(address) if is_mail_address(&person.address) => Ok(address),
        _ => malformed("one of its addresses is not an address of mail"),
    }
}

fn mailbox(person: &Person) -> Result<Mailbox, MailError> {
    let name = person.name.clone().filter(|name| !name.trim().is_empty());
    if name.as_ref().is_some_and(|name| name.contains(is_control)) {
        return malformed("one of its names is not one line");
    }
    Ok(Mailbox::new(name, address(person)?))
}

fn header(name: String, value: String) -> Result<HeaderValue, MailError> {
    let lower = name.to_ascii_lowercase();
    let plain = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !plain || !(HEADERS.contains(&lower.as_str()) || (lower.starts_with("x-") && lower.len() > 2)) {
        return malformed("one of its headers is not among those that may be set");
    }
    let words: Vec<&str> = value.split(' ').collect();
    let fits = words.iter().all(|word| word.len() <= HEADER_LINE_MAX) && value.len() <= HEADER_BYTES_MAX;
    if value.trim().is_empty() || value.contains(is_control) || !fits {
        return malformed("one of its headers has a value that is empty, too long or not one line");
    }
    let Ok(name) = HeaderName::new_from_ascii(name) else {
        return malformed("one of its headers has a name that cannot be");
    };
    if !value.is_ascii() {
        return Ok(HeaderValue::new(name, value));
    }
    // As it is: an address of the web in it must not be encoded, and a reference must stay whole.
    let folded = folded(&words);
    Ok(HeaderValue::dangerous_new_pre_encoded(name, value, folded))
}

/// Lines end where a space was (RFC 5322, 2.2.3).
fn folded(words: &[&str]) -> String {
    const LINE: usize = 76;
    let (mut text, mut line) = (String::new(), 24);
    for (place, word) in words.iter().enumerate() {
        if place > 0 {
            // A line of nothing but a space would end the header for some.
            let fold = line + word.len() > LINE && !word.is_empty() && !words[place - 1].is_empty();
            text.push_str(if fold { "\r\n " } else { " " });
            line = if fold { 1 } else { line + 1 };
        }
        text.push_str(word);
        line += word.len();
    }
    text
}

/// Of the request, so that a mail that is sent once more is known as the same.
fn message_id(id: &str, domain: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let parts: Vec<&str> = id.split('.').collect();
    match id.len() <= 200 && parts.iter().all(|part| !part.is_empty() && part.chars().all(plain)) {
        true => format!("<{id}@{domain}>"),
        false => format!("<{}@{domain}>", &blake3::hash(id.as_bytes()).to_hex()[..32]),
    }
}

fn is_control(c: char) -> bool {
    c.is_control()
}

fn malformed<T>(why: &str) -> Result<T, MailError> {
    Err(MailError::Malformed(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use serde_json::{Value, json};

    use super::*;

    fn composed(target: &str, body: &Value) -> Result<Letter, MailError> {
        let request = Request {
            id: "0192f0c1-7b2e-7000-8000-000000000001.welcome".into(),
            method: "SEND".into(),
            target: target.into(),
            headers: Vec::new(),
            body: body.to_string().into(),
        };
        let from = Mailbox::new(Some("Ühr Shop".into()), "news@shop.example".parse().unwrap());
        compose(&request, &from, UNIX_EPOCH)
    }

    #[test]
    fn a_mail_has_what_it_was_asked_to_have() {
        let link = format!("<https://shop.example/u/{}>, <mailto:u@shop.example>", "a".repeat(300));
        let letter = composed(
            "mailto:rosa@example.com,b@example.com,c@example.com",
            &json!({
                "to": [{"name": "Rosa, née Müller", "address": "rosa@example.com"}],
                "cc": [{"address": "b@example.com"}], "bcc": [{"address": "c@example.com"}],
                "reply_to": [{"address": "help@shop.example"}],
                "subject": "Grüße", "text": "Hallo\n.\nTschüss", "html": "<p>Hallo</p>",
                "headers": {"List-Unsubscribe": link, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "X-Campaign": "é"},
            }),
        )
        .unwrap();
        let text = String::from_utf8(letter.bytes).unwrap();
        assert!(text.is_ascii(), "{text}");
        for part in [
            "Message-ID: <0192f0c1-7b2e-7000-8000-000000000001.welcome@shop.example>\r\n",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
            "Reply-To: help@shop.example\r\n",
            "Cc: b@example.com\r\n",
            "MIME-Version: 1.0\r\n",
            "multipart/alternative",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            &format!("<https://shop.example/u/{}>,", "a".repeat(300)),
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        assert!(!text.contains("c@example.com"), "{text}");
        let addresses: Vec<&str> = letter.recipients.iter().map(AsRef::as_ref).collect();
        assert_eq!(addresses, ["rosa@example.com", "b@example.com", "c@example.com"]);
    }

    #[test]
    fn what_would_be_another_mail_is_refused_and_quotes_nobody() {
        const TO: &str = "mailto:rosa@example.com";
        let mail = |change: Value| {
            let mut mail = json!({"to": [{"address": "rosa@example.com"}], "subject": "Hi", "text": "Hi"});
            mail.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            mail
        };
        assert!(composed(TO, &mail(json!({}))).is_ok());
        for (target, change) in [
            (TO, json!({"subject": "Hi\r\nBcc: eve@example.com"})),
            (TO, json!({"subject": "Hi\nBcc: eve@example.com"})),
            (TO, json!({"to": [{"name": "Rosa\r\nBcc: eve@example.com", "address": "rosa@example.com"}]})),
            (TO, json!({"headers": {"X-A": "1\r\nBcc: eve@example.com"}})),
            (TO, json!({"headers": {"X-A: 1\r\nBcc": "eve@example.com"}})),
            (TO, json!({"headers": {"Bcc": "eve@example.com"}})),
            (TO, json!({"headers": {"From": "eve@example.com"}})),
            (TO, json!({"headers": {"DKIM-Signature": "v=1"}})),
            (TO, json!({"headers": {"x-": "1"}})),
            (TO, json!({"headers": {"References": "a".repeat(1000)}})),
            (TO, json!({"cc": [{"address": "eve@example.com"}]})),
            (TO, json!({"from": {"address": "eve@example.com"}})),
            (TO, json!({"text": null})),
            ("mailto:rosa@example.com,eve@example.com", json!({})),
            ("rosa@example.com", json!({})),
            ("mailto:rosa@example.com>", json!({"to": [{"address": "rosa@example.com>"}]})),
            ("mailto:", json!({"to": []})),
        ] {
            let error = composed(target, &mail(change.clone())).unwrap_err();
            assert!(matches!(error, MailError::Malformed(_)), "{change}: {error}");
            assert!(!error.to_string().contains("example.com"), "{error}");
        }
    }
}
