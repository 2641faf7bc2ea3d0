//! A tree as JSON, in one pass. Blank fields are left out; the elements of a list keep their places, so what is left of the
//! third line still stands third.

use super::{Node, Object};

/// Appends the object, and says whether there was anything in it.
pub fn object(object: &Object, out: &mut Vec<u8>) -> bool {
    out.push(b'{');
    let mut some = false;
    for (name, value) in object.fields.iter().filter(|(_, value)| !value.is_empty()) {
        let before = out.len();
        if some {
            out.push(b',');
        }
        text(name, out);
        out.push(b':');
        if node(value, out) {
            some = true;
        } else {
            out.truncate(before);
        }
    }
    out.push(b'}');
    some
}

fn node(node: &Node, out: &mut Vec<u8>) -> bool {
    match node {
        Node::Null => out.extend_from_slice(b"null"),
        Node::Bool(value) => json(value, out),
        Node::Unsigned(number) => json(number, out),
        Node::Signed(number) => json(number, out),
        Node::Float(number) => json(number, out),
        Node::Text(found) => text(found, out),
        Node::List(items) => return list(items, out),
        Node::Object(fields) => return object(fields, out),
    }
    !node.is_blank()
}

fn list(items: &[Node], out: &mut Vec<u8>) -> bool {
    out.push(b'[');
    let mut some = false;
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        some |= node(item, out);
    }
    out.push(b']');
    some
}

fn json(value: &impl serde::Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("a scalar is always JSON, and memory takes it");
}

fn text(text: &str, out: &mut Vec<u8>) {
    if !is_plain(text.as_bytes()) {
        return json(&text, out);
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Whether the text stands in JSON as it is: no control character, quotation mark or backslash. Eight bytes at a time: most
/// texts are short, and every round of a loop costs twice in the sandbox.
fn is_plain(text: &[u8]) -> bool {
    let (eights, rest) = text.as_chunks::<8>();
    // The last eight may overlap those before them.
    let last = match (text.last_chunk::<8>(), rest) {
        (_, []) => u64::from_le_bytes([b' '; 8]),
        (Some(last), _) => u64::from_le_bytes(*last),
        (None, rest) => {
            rest.iter().fold(u64::from_le_bytes([b' '; 8]), |all, byte| all << 8 | u64::from(*byte))
        }
    };
    eights.iter().map(|eight| u64::from_le_bytes(*eight)).chain([last]).all(|eight| {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const TOPS: u64 = ONES << 7;
        let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
        let control = eight.wrapping_sub(ONES * 0x20) & !eight;
        let quote = zero(eight ^ (ONES * b'"' as u64));
        let backslash = zero(eight ^ (ONES * b'\\' as u64));
        (control | quote | backslash) & TOPS == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_serde_writes() {
        for found in [
            "",
            "short",
            "exactly8",
            "nine char",
            "Zürich, 8. März",
            "a\"b",
            "a\\b",
            "longer than eight\n",
            "\u{1f}",
            "\u{7f}é\u{80}",
        ] {
            let mut out = Vec::new();
            text(found, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(found).unwrap());
        }
    }

    #[test]
    fn blank_fields_leave_nothing_and_elements_keep_their_places() {
        let read: Node = serde_json::from_str(
            r#"{"a":null,"b":{"c":"","d":[null,{}]},"e":[null,{"f":null},{"g":1.5}],"h":false,"i":-3}"#,
        )
        .unwrap();
        let mut out = Vec::new();
        assert!(node(&read, &mut out));
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"e":[null,{},{"g":1.5}],"h":false,"i":-3}"#);
        assert!(!object(&Object::default(), &mut Vec::new()));
    }
}
