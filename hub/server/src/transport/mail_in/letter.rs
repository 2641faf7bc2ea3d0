//! A mail as JSON, for connectors: who, when, about what, and what it says. Of what is attached only name, type and size are
//! kept. What is not there is not written; nothing is guessed.

use std::borrow::Cow;

use mail_parser::{Addr, Address, HeaderValue, Message, MessageParser, MimeHeaders, PartType};
use serde_json::{Map, Value, json};

/// Whom a mail was for in fact, of the addresses of one channel. It need not say so itself.
#[derive(Clone, Debug)]
pub struct Delivered<'a> {
    pub from: &'a str,
    pub to: Vec<&'a str>,
}

/// A mail that was read.
pub struct Letter(Map<String, Value>);

impl Letter {
    /// `None` for what is no mail at all.
    pub fn read(raw: &[u8]) -> Option<Self> {
        let mail = MessageParser::default().parse(raw)?;
        let mut letter = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                letter.insert(key.to_owned(), value);
            }
        };
        put("message_id", mail.message_id().map(Value::from));
        put("date", mail.date().filter(|date| date.is_valid()).map(|date| date.to_rfc3339().into()));
        put("from", people(mail.from()).into_iter().next());
        put("sender", people(mail.sender()).into_iter().next());
        put("reply_to", list(people(mail.reply_to())));
        put("to", list(people(mail.to())));
        put("cc", list(people(mail.cc())));
        put("subject", mail.subject().map(Value::from));
        put("text", text(&mail));
        put("html", html(&mail));
        put("in_reply_to", ids(mail.in_reply_to()).into_iter().next());
        put("references", list(ids(mail.references())));
        put("list_unsubscribe", raw_header(&mail, "List-Unsubscribe"));
        put("auto_submitted", raw_header(&mail, "Auto-Submitted"));
        put("attachments", list(attachments(&mail)));
        Some(Self(letter))
    }

    /// For one channel.
    pub fn body(&self, delivered: &Delivered<'_>) -> Vec<u8> {
        let mut letter = self.0.clone();
        letter.insert("envelope".to_owned(), json!({"from": delivered.from, "to": delivered.to}));
        serde_json::to_vec(&letter).expect("JSON can be written")
    }
}

fn list(values: Vec<Value>) -> Option<Value> {
    (!values.is_empty()).then(|| values.into())
}

fn people(addresses: Option<&Address<'_>>) -> Vec<Value> {
    let one = |person: &Addr<'_>| {
        let mut object = Map::new();
        if let Some(name) = person.name.as_deref().filter(|name| !name.is_empty()) {
            object.insert("name".to_owned(), name.into());
        }
        object.insert("address".to_owned(), person.address.as_deref()?.into());
        Some(Value::from(object))
    };
    addresses.into_iter().flat_map(Address::iter).filter_map(one).collect()
}

fn ids(value: &HeaderValue<'_>) -> Vec<Value> {
    match value {
        HeaderValue::Text(id) => vec![id.as_ref().into()],
        HeaderValue::TextList(ids) => ids.iter().map(|id| id.as_ref().into()).collect(),
        _ => Vec::new(),
    }
}

/// The parts that are text by themselves: none is made of HTML.
fn text(mail: &Message<'_>) -> Option<Value> {
    let parts = mail.text_bodies().filter_map(|part| match &part.body {
        PartType::Text(text) => Some(text),
        _ => None,
    });
    joined(parts)
}

fn html(mail: &Message<'_>) -> Option<Value> {
    let parts = mail.html_bodies().filter_map(|part| match &part.body {
        PartType::Html(html) => Some(html),
        _ => None,
    });
    joined(parts)
}

fn joined<'a>(parts: impl Iterator<Item = &'a Cow<'a, str>>) -> Option<Value> {
    let parts: Vec<&str> = parts.map(AsRef::as_ref).collect();
    (!parts.is_empty()).then(|| parts.join("\n").into())
}

/// On one line, as it was before it was folded.
fn raw_header(mail: &Message<'_>, name: &'static str) -> Option<Value> {
    let words = mail.header_raw(name)?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then(|| words.into())
}

fn attachments(mail: &Message<'_>) -> Vec<Value> {
    let one = |part: &mail_parser::MessagePart<'_>| {
        let mut object = Map::new();
        if let Some(name) = part.attachment_name() {
            object.insert("name".to_owned(), name.into());
        }
        if let Some(kind) = part.content_type() {
            let kind = match kind.subtype() {
                Some(subtype) => format!("{}/{subtype}", kind.ctype()),
                None => kind.ctype().to_owned(),
            };
            object.insert("type".to_owned(), kind.into());
        }
        object.insert("bytes".to_owned(), part.len().into());
        Value::from(object)
    };
    mail.attachments().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Value {
        let raw = raw.replace('\n', "\r\n");
        let body = Letter::read(raw.as_bytes())
            .unwrap()
            .body(&Delivered { from: "", to: vec!["help@shop.example"] });
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn a_mail_with_everything() {
        let mail = read(
            "From: =?utf-8?q?Rosa_M=C3=BCller?= <rosa@example.com>\nTo: Help <help@shop.example>, b@example.com\n\
             Reply-To: r@example.com\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\nDate: Sun, 1 Mar 2026 10:00:00 +0100\n\
             Message-ID: <m1@example.com>\nIn-Reply-To: <m0@shop.example>\nReferences: <a@shop.example>\n <m0@shop.example>\n\
             List-Unsubscribe: <https://example.com/u?a=1>,\n <mailto:u@example.com>\nAuto-Submitted: no\nMIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/alternative; boundary=y\n\n\
             --y\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nHallo =E9\n\
             --y\nContent-Type: text/html\n\n<p>Hallo</p>\n--y--\n\
             --x\nContent-Type: application/pdf; name=\"bill.pdf\"\nContent-Disposition: attachment; filename=\"bill.pdf\"\n\
             Content-Transfer-Encoding: base64\n\naGVsbG8=\n--x--\n",
        );
        assert_eq!(
            mail,
            json!({
                "message_id": "m1@example.com", "date": "2026-03-01T10:00:00+01:00",
                "from": {"name": "Rosa Müller", "address": "rosa@example.com"},
                "reply_to": [{"address": "r@example.com"}],
                "to": [{"name": "Help", "address": "help@shop.example"}, {"address": "b@example.com"}],
                "subject": "Grüße", "text": "Hallo é", "html": "<p>Hallo</p>",
                "in_reply_to": "m0@shop.example", "references": ["a@shop.example", "m0@shop.example"],
                "list_unsubscribe": "<https://example.com/u?a=1>, <mailto:u@example.com>", "auto_submitted": "no",
                "attachments": [{"name": "bill.pdf", "type": "application/pdf", "bytes": 5}],
                "envelope": {"from": "", "to": ["help@shop.example"]},
            })
        );
    }

    #[test]
    fn what_is_not_there_is_not_made_up() {
        let envelope = json!({"from": "", "to": ["help@shop.example"]});
        assert_eq!(
            read("Subject: Hi\nDate: yesterday\nContent-Type: text/html\n\n<p>Hi</p>"),
            json!({"subject": "Hi", "html": "<p>Hi</p>", "envelope": envelope})
        );
        assert_eq!(
            read("Subject: Hi\n\nHi\n"),
            json!({"subject": "Hi", "text": "Hi\r\n", "envelope": envelope})
        );
    }
}
