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
        Node::Null => {
            out.extend_from_slice(b"null");
            return false;
        }
        Node::Bool(value) => json(value, out),
        Node::Unsigned(number) => json(number, out),
        Node::Signed(number) => json(number, out),
        Node::Float(number) => json(number, out),
        Node::Text(found) => {
            text(found, out);
            return !found.is_empty();
        }
        Node::List(items) => return list(items, out),
        Node::Object(fields) => return object(fields, out),
    }
    true
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

/// Whether the text stands in JSON as it is: no control character, quotation mark or backslash. Without a loop where the text
/// is short, as most are, because every round of one costs twice in the sandbox: first and last bytes may overlap.
fn is_plain(text: &[u8]) -> bool {
    let four = |bytes: &[u8; 4]| u64::from(u32::from_le_bytes(*bytes));
    let eight = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    match (text, text.len()) {
        (_, 16..) => {
            let (sixteens, _) = text.as_chunks::<16>();
            sixteens.iter().chain(text.last_chunk()).all(|bytes| {
                let bytes = u128::from_le_bytes(*bytes);
                are_plain(bytes as u64) & are_plain((bytes >> 64) as u64)
            })
        }
        (_, 8..) => {
            text.first_chunk().is_some_and(|bytes| are_plain(eight(bytes)))
                && text.last_chunk().is_some_and(|bytes| are_plain(eight(bytes)))
        }
        (_, 4..) => text
            .first_chunk()
            .zip(text.last_chunk())
            .is_some_and(|(first, last)| are_plain(four(first) << 32 | four(last))),
        ([first, .., last], count) => are_plain(four(&[*first, text[count / 2], *last, b' ']) | SPACES << 32),
        ([only], _) => are_plain(four(&[*only, b' ', b' ', b' ']) | SPACES << 32),
        ([], _) => true,
    }
}

const SPACES: u64 = ONES * b' ' as u64;
const ONES: u64 = 0x0101_0101_0101_0101;

/// Looks at eight bytes at once.
fn are_plain(eight: u64) -> bool {
    const TOPS: u64 = ONES << 7;
    let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let control = eight.wrapping_sub(SPACES) & !eight;
    let quote = zero(eight ^ (ONES * b'"' as u64));
    let backslash = zero(eight ^ (ONES * b'\\' as u64));
    (control | quote | backslash) & TOPS == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_serde_writes() {
        let same = |found: &str| {
            let mut out = Vec::new();
            text(found, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(found).unwrap());
        };
        for length in 0..50 {
            let plain = "x".repeat(length);
            same(&plain);
            for place in 0..length {
                for odd in ["\"", "\\", "\n", "\u{1f}", "\u{7f}", "é", "\u{80}", "'", " "] {
                    same(&format!("{}{odd}{}", &plain[..place], &plain[place + 1..]));
                }
            }
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
