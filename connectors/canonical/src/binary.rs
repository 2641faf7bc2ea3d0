//! CloudEvents' binary mode: the attributes are headers, the body is `data`. HTTP binding 1.0.2, section 3.1.

use std::borrow::Cow;

use snodo_connector::{Draft, Fault, Message};

use crate::read::Envelope;

/// The content type tells the modes apart (section 3); only a sender of this one needs `ce-type`.
pub fn is_binary(message: &Message) -> bool {
    let structured = |kind: &str| {
        let kind = kind.trim_start().as_bytes();
        kind.get(..23).is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/cloudevents"))
    };
    message.header("ce-type").is_some() && !message.header("content-type").is_some_and(structured)
}

pub fn event(message: &Message) -> Result<Draft, Fault> {
    let mut envelope = Envelope::default();
    if let Some(kind) = message.header("content-type") {
        envelope.set(Cow::from("datacontenttype"), Cow::from(kind));
    }
    for (header, value) in &message.headers {
        let Some(name) = header.strip_prefix("ce-") else { continue };
        let value = text(value).ok_or_else(|| {
            Fault::permanent_at(
                format!("/{name}"),
                format!("the header {header} is not UTF-8 once it is percent-decoded"),
            )
        })?;
        match name {
            // The hub's own vocabulary says which schema holds, and the body's type is in its own header.
            "dataschema" | "datacontenttype" => {}
            _ => envelope.set(Cow::from(name), Cow::from(value)),
        }
    }
    let body = serde_json::from_slice(&message.body)
        .map_err(|error| Fault::permanent_at("/data", format!("failed to read the body as JSON: {error}")))?;
    envelope.data = Some(body);
    envelope.draft().map_err(|wrong| wrong.within(""))
}

/// A header's value (section 3.1.3.2): first what quotation marks hold, then one round of percent-decoding. `None` if that is
/// not UTF-8.
fn text(value: &str) -> Option<String> {
    let value = value.trim();
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let value = quoted.map_or(Cow::from(value), unescape);
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .split_at_checked(2)
            .filter(|(pair, _)| *first == b'%' && pair.iter().all(u8::is_ascii_hexdigit));
        let encoded = digits.and_then(|(pair, after)| {
            let pair = std::str::from_utf8(pair).ok()?;
            Some((u8::from_str_radix(pair, 16).ok()?, after))
        });
        let (byte, after) = encoded.unwrap_or((*first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// Takes away the backslashes before escaped characters (RFC 7230, 3.2.6).
fn unescape(quoted: &str) -> Cow<'_, str> {
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            _ => text.push(character),
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_header_is_decoded_once() {
        for (value, expected) in [
            ("plain", Some("plain")),
            // The example of the specification.
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", Some("Euro € 😀")),
            ("%e2%82%ac", Some("€")),
            ("%41", Some("A")),
            ("%2541", Some("%41")),
            ("100%", Some("100%")),
            ("%4", Some("%4")),
            ("%+1", Some("%+1")),
            ("\"a \\\"b\\\" %20\"", Some("a \"b\"  ")),
            ("%C0%A0", None),
            ("", Some("")),
        ] {
            assert_eq!(text(value).as_deref(), expected, "{value}");
        }
    }
}
