//! An event as the JSON that a CloudEvents receiver is sent (JSON event format 1.0.2). `data` is copied as it is.

use snodo_connector::Event;

/// What the names, quotes and braces of the envelope take, beside its values.
const ENVELOPE_BYTES: usize = 256;

pub fn event(event: &Event) -> Vec<u8> {
    let mut out = Vec::with_capacity(size(event));
    append(&mut out, event);
    out
}

/// Several events as one JSON array (JSON batch format, section 4).
pub fn batch<'a>(events: impl Iterator<Item = &'a Event> + Clone) -> Vec<u8> {
    let mut out = Vec::with_capacity(events.clone().map(|event| size(event) + 1).sum::<usize>() + 2);
    out.push(b'[');
    for (place, event) in events.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        append(&mut out, event);
    }
    out.push(b']');
    out
}

fn append(out: &mut Vec<u8>, event: &Event) {
    out.extend_from_slice(br#"{"specversion":"1.0","#);
    attribute(out, "id", &event.id);
    attribute(out, "type", &event.kind);
    attribute(out, "source", &event.source);
    if let Some(subject) = &event.subject {
        attribute(out, "subject", subject);
    }
    attribute(out, "time", &event.time);
    attribute(out, "dataschema", &event.dataschema);
    attribute(out, "datacontenttype", "application/json");
    for (name, value) in &event.attributes {
        attribute(out, name, value);
    }
    out.extend_from_slice(br#""data":"#);
    // A line end in JSON is nothing but space: inside a text it is written as an escape. Without it the event is one line.
    out.extend(event.data.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    out.push(b'}');
}

/// `"name":"value",`. The hub lets nothing but lower-case letters and digits into a name.
fn attribute(out: &mut Vec<u8>, name: &str, value: &str) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(br#"":"#);
    serde_json::to_writer(&mut *out, value).expect("text is always JSON, and memory takes it");
    out.push(b',');
}

fn size(event: &Event) -> usize {
    let attributes = event.attributes.iter().map(|(name, value)| name.len() + value.len() + 6).sum::<usize>();
    let envelope = [&event.id, &event.kind, &event.source, &event.time, &event.dataschema];
    let subject = event.subject.as_ref().map_or(0, String::len);
    ENVELOPE_BYTES
        + envelope.iter().map(|text| text.len()).sum::<usize>()
        + subject
        + attributes
        + event.data.len()
}
