//! Hides personal data in a text of any form: a vendor's request body, an answer, an address. Knows the values, not the form.

use std::collections::HashMap;

use super::{Class, PersonalValue};

/// Shorter values are everywhere in a text, by chance.
const CHARS_MIN: usize = 3;

/// Values up to this length are hidden only where they stand alone: "Ann" is not hidden in "announcement".
const ALONE_CHARS_MAX: usize = 5;

/// Replaces each occurrence of a personal value by the mark of its class, as plain text and in the ways in which JSON, XML
/// and URLs write it, in capitals or not.
pub fn mask_text(text: &str, values: &[PersonalValue]) -> String {
    let needles = needles(values);
    let mut out = String::with_capacity(text.len());
    let mut rest = 0;
    let mut at = 0;
    while at < text.len() {
        let first = text.as_bytes()[at].to_ascii_lowercase();
        let hit =
            needles.get(&first).and_then(|needles| needles.iter().find(|needle| needle.stands_at(text, at)));
        match hit {
            Some(needle) => {
                out.push_str(&text[rest..at]);
                out.push_str(&needle.class.mark());
                at += needle.text.len();
                rest = at;
            }
            None => at += 1,
        }
    }
    out.push_str(&text[rest..]);
    out
}

struct Needle {
    text: String,
    class: Class,
    alone: bool,
}

impl Needle {
    fn stands_at(&self, text: &str, at: usize) -> bool {
        let end = at + self.text.len();
        let bytes = text.as_bytes();
        let same = bytes.get(at..end).is_some_and(|found| found.eq_ignore_ascii_case(self.text.as_bytes()));
        let joined =
            |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
        let alone =
            || !joined(at.checked_sub(1).and_then(|before| bytes.get(before))) && !joined(bytes.get(end));
        same && (!self.alone || alone())
    }
}

/// By first byte, the longest first: a whole name goes before its parts.
fn needles(values: &[PersonalValue]) -> HashMap<u8, Vec<Needle>> {
    let mut needles: HashMap<u8, Vec<Needle>> = HashMap::new();
    for PersonalValue { class, value, .. } in values {
        let chars = value.chars().count();
        // `true` and `false` are no secrets, and stand everywhere.
        if chars < CHARS_MIN || matches!(value.as_str(), "true" | "false") {
            continue;
        }
        for text in writings(value, *class) {
            let first = text.as_bytes()[0].to_ascii_lowercase();
            needles.entry(first).or_default().push(Needle {
                text,
                class: *class,
                alone: chars <= ALONE_CHARS_MAX,
            });
        }
    }
    for same_first in needles.values_mut() {
        same_first.sort_by(|a, b| b.text.len().cmp(&a.text.len()).then_with(|| a.text.cmp(&b.text)));
        same_first.dedup_by(|a, b| a.text == b.text);
    }
    needles
}

/// The value as it stands, in a JSON string, in XML, and in a URL.
fn writings(value: &str, class: Class) -> Vec<String> {
    let json = serde_json::Value::from(value).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let json_ascii = json.chars().flat_map(ascii_escape).collect();
    let xml = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let xml_attribute = xml.replace('"', "&quot;").replace('\'', "&apos;");
    let percent = percent(value);
    let form = percent.replace("%20", "+");
    let mut writings = vec![value.to_owned(), json, json_ascii, xml, xml_attribute, percent, form];
    // E.164 without its plus is how many vendors write it.
    if let (Class::Contact | Class::Identifier, Some(digits)) = (class, value.strip_prefix('+')) {
        writings.extend((digits.len() >= CHARS_MIN).then(|| digits.to_owned()));
    }
    writings.sort();
    writings.dedup();
    writings
}

fn ascii_escape(char: char) -> Vec<char> {
    let mut units = [0; 2];
    match char.is_ascii() {
        true => vec![char],
        false => char
            .encode_utf16(&mut units)
            .iter()
            .flat_map(|unit| format!("\\u{unit:04x}").chars().collect::<Vec<_>>())
            .collect(),
    }
}

fn percent(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    value
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, values: &[(Class, &str)], masked: &str) {
        let values: Vec<_> = values
            .iter()
            .map(|(class, value)| PersonalValue {
                pointer: String::new(),
                class: *class,
                value: (*value).into(),
            })
            .collect();
        assert_eq!(mask_text(text, &values), masked);
    }

    #[test]
    fn a_value_is_hidden_however_the_text_writes_it() {
        let contact = [(Class::Contact, "anna+shop@example.com")];
        check(r#"{"email":"anna+shop@example.com"}"#, &contact, r#"{"email":"‹contact›"}"#);
        check("/contacts/Anna%2BShop%40example.com?x", &contact, "/contacts/‹contact›?x");
        check(r#"{"n":"Zo\u00eb \"Z\" Li"}"#, &[(Class::Name, "Zoë \"Z\" Li")], r#"{"n":"‹name›"}"#);
        check("<n>Rossi &amp; Figli</n>", &[(Class::Name, "Rossi & Figli")], "<n>‹name›</n>");
        check("to=Via+Roma+1", &[(Class::Location, "Via Roma 1")], "to=‹location›");
        check("tel 393331234567.", &[(Class::Contact, "+393331234567")], "tel ‹contact›.");
        check("città di Forlì", &[(Class::Location, "Forlì")], "città di ‹location›");
    }

    #[test]
    fn short_values_are_hidden_only_where_they_stand_alone() {
        let name = [(Class::Name, "Ann")];
        check("announcement for ann, Ann!", &name, "announcement for ‹name›, ‹name›!");
        check("id 42 of 421", &[(Class::Identifier, "42")], "id 42 of 421");
        check("is true", &[(Class::Content, "true")], "is true");
    }

    #[test]
    fn the_longest_value_goes_first() {
        let values =
            [(Class::Name, "Anna"), (Class::Name, "Anna Bianchi"), (Class::Contact, "anna@example.com")];
        check("Anna Bianchi <anna@example.com>, Anna", &values, "‹name› <‹contact›>, ‹name›");
    }
}
