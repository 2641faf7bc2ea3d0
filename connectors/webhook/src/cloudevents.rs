//! Writes an event in the CloudEvents JSON format (CloudEvents 1.0.2, JSON event format 1.0.2). The body is spliced in as the
//! bytes it is: it was JSON when the hub accepted it, so it is neither parsed nor copied twice.

use snodo_connector::Delivery;

/// Names that the envelope itself writes; an attribute never overrides one.
const ENVELOPE: [&str; 9] =
    ["specversion", "id", "type", "source", "subject", "time", "datacontenttype", "dataschema", "data"];

/// Room for the names, the quotes and an escape or two: enough that the body is allocated once.
const PUNCTUATION_BYTES: usize = 192;

/// About how long the event will be.
pub fn bytes(delivery: &Delivery) -> usize {
    let event = &delivery.event;
    let attributes = event.attributes.iter().map(|(name, value)| name.len() + value.len() + 6).sum::<usize>();
    PUNCTUATION_BYTES
        + event.id.len()
        + event.kind.len()
        + event.source.len()
        + event.subject.as_ref().map_or(0, String::len)
        + event.time.len()
        + event.dataschema.len()
        + attributes
        + event.data.len()
}

pub fn write(out: &mut Vec<u8>, delivery: &Delivery) {
    let event = &delivery.event;
    out.extend_from_slice(br#"{"specversion":"1.0","id":"#);
    string(out, &event.id);
    member(out, "type", &event.kind);
    member(out, "source", &event.source);
    if let Some(subject) = &event.subject {
        member(out, "subject", subject);
    }
    member(out, "time", &event.time);
    member(out, "dataschema", &event.dataschema);
    for (name, value) in &event.attributes {
        if !ENVELOPE.contains(&name.as_str()) {
            member(out, name, value);
        }
    }
    out.extend_from_slice(br#","datacontenttype":"application/json","data":"#);
    out.extend_from_slice(&event.data);
    out.push(b'}');
}

fn member(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b',');
    string(out, name);
    out.push(b':');
    string(out, value);
}

/// A JSON string (RFC 8259, 7): what need not be escaped is copied in runs.
fn string(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut run = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[run..at]);
        run = at + 1;
        if byte < 0x20 {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 0xf)]);
        } else {
            out.extend_from_slice(&[b'\\', byte]);
        }
    }
    out.extend_from_slice(&bytes[run..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    #[test]
    fn every_character_comes_back_as_it_was() {
        let all: String = (0..0x3000).filter_map(char::from_u32).collect();
        for text in ["", "plain", "\"", "\\", "a\"b\\c", "\u{0}\u{1f}\n\t", "é – 日本 🦀", &all] {
            let mut out = Vec::new();
            super::string(&mut out, text);
            let read: Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(read.as_str(), Some(text));
        }
    }
}
