//! An event as one line of XML 1.0, by the rule by which `read` reads, turned around. What XML has no sign for does not get lost
//! without a trace: characters that it forbids become U+FFFD, names that are none are escaped.

use std::fmt::Write as _;

use serde_json::Value;

/// What a list in a list calls its elements, for they have no name.
const ITEM: &str = "item";

/// What the file begins with.
pub fn head(root: &str) -> String {
    let mut head = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?><");
    push_name(&mut head, root);
    head + ">"
}

/// What the file ends with.
pub fn foot(root: &str) -> String {
    let mut foot = String::from("</");
    push_name(&mut foot, root);
    foot + ">"
}

pub fn element(name: &str, fields: &[(&str, &Value)]) -> String {
    let mut line = String::new();
    push_element(&mut line, name, fields);
    line
}

fn push_element(line: &mut String, name: &str, fields: &[(&str, &Value)]) {
    line.push('<');
    push_name(line, name);
    for (field, value) in fields {
        if let (Some(attribute), Some(text)) = (field.strip_prefix('@'), plain(value)) {
            line.push(' ');
            push_name(line, attribute);
            line.push_str("=\"");
            push_text(line, &text);
            line.push('"');
        }
    }
    let start = line.len();
    line.push('>');
    for (field, value) in fields {
        match (*field, plain(value)) {
            ("#text", Some(text)) => push_text(line, &text),
            (field, Some(_)) if field.starts_with('@') => {}
            (field, _) => push_value(line, field, value),
        }
    }
    push_end(line, start, name);
}

/// A list is an element for each of its own; null is none.
fn push_value(line: &mut String, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            let fields: Vec<(&str, &Value)> =
                fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
            push_element(line, name, &fields);
        }
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::Array(_) => push_element(line, name, &[(ITEM, item)]),
                    // It keeps its place.
                    Value::Null => push_element(line, name, &[]),
                    item => push_value(line, name, item),
                }
            }
        }
        text => push_element(line, name, &[("#text", text)]),
    }
}

/// Closes what was opened; `start` is where its start tag ends. What has nothing in it is one tag.
fn push_end(line: &mut String, start: usize, name: &str) {
    if line.len() == start + 1 {
        line.truncate(start);
        line.push_str("/>");
        return;
    }
    line.push_str("</");
    push_name(line, name);
    line.push('>');
}

/// What can be an attribute, or text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Escaped for texts and attributes alike (XML 1.0, 2.4 and 3.3.3). The line stays one: its ends are written as references, which
/// a parser gives back as they were.
fn push_text(line: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => line.push_str("&amp;"),
            '<' => line.push_str("&lt;"),
            '>' => line.push_str("&gt;"),
            '"' => line.push_str("&quot;"),
            '\t' | '\n' | '\r' => _ = write!(line, "&#{};", u32::from(letter)),
            // XML 1.0, 2.2: not even a reference may stand for one.
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => line.push('\u{fffd}'),
            letter => line.push(letter),
        }
    }
}

/// A name, as SQL/XML makes one of any text (ISO 9075-14): what cannot stand in it is its number, `_x0020_`, and so is the
/// beginning of what looks so already. A colon would part a prefix, and names that begin with `xml` are XML's own.
fn push_name(line: &mut String, name: &str) {
    let is_reserved = name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml"));
    if name.is_empty() {
        line.push_str("_x_");
    }
    for (at, letter) in name.char_indices() {
        let fits = match letter {
            '_' => !name[at..].starts_with("_x"),
            letter if at == 0 => is_name_start(letter) && !is_reserved,
            letter => is_name_start(letter) || is_name_part(letter),
        };
        match fits {
            true => line.push(letter),
            false => _ = write!(line, "_x{:04X}_", u32::from(letter)),
        }
    }
}

/// `NameStartChar` without the colon (XML 1.0, 2.3).
const fn is_name_start(letter: char) -> bool {
    matches!(letter,
        'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}' | '\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

/// What `NameChar` has besides.
const fn is_name_part(letter: char) -> bool {
    matches!(letter, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use roxmltree::Document;
    use serde_json::json;

    use super::*;
    use crate::read;

    fn check(value: &Value, expected: &str) {
        let line = element("e", &[("v", value)]);
        assert_eq!(line, format!("<e>{expected}</e>"));
        let document = format!("{}\n{line}\n{}\n", head("all"), foot("all"));
        assert!(Document::parse(&document).is_ok(), "{document}");
    }

    #[test]
    fn every_value_is_well_formed_on_one_line() {
        for (value, expected) in [
            (json!("a < b & \"c\" ]]>"), "<v>a &lt; b &amp; &quot;c&quot; ]]&gt;</v>"),
            (json!("a\r\n\tb"), "<v>a&#13;&#10;&#9;b</v>"),
            (json!("a\u{0}\u{b}\u{ffff}\u{1f600}"), "<v>a\u{fffd}\u{fffd}\u{fffd}\u{1f600}</v>"),
            (json!(""), "<v/>"),
            (json!(1.5), "<v>1.5</v>"),
            (json!({"@n": true, "#text": "x"}), "<v n=\"true\">x</v>"),
            (json!({"@n": "a\nb"}), "<v n=\"a&#10;b\"/>"),
            (json!({"@n": {"a": 1}, "b": null}), "<v><_x0040_n><a>1</a></_x0040_n></v>"),
            (json!([1, null, [2, 3], {"a": []}]), "<v>1</v><v/><v><item>2</item><item>3</item></v><v/>"),
            (
                json!({"a b": 1, "1": 2, "x:y": 3}),
                "<v><a_x0020_b>1</a_x0020_b><_x0031_>2</_x0031_><x_x003A_y>3</x_x003A_y></v>",
            ),
            (json!({"": 1, "_x0020_": 2}), "<v><_x_>1</_x_><_x005F_x0020_>2</_x005F_x0020_></v>"),
            (
                json!({"@xmlns": "u", "XMLa": "", "straße": "ß"}),
                "<v _x0078_mlns=\"u\"><_x0058_MLa/><straße>ß</straße></v>",
            ),
        ] {
            check(&value, expected);
        }
    }

    #[test]
    fn what_came_as_xml_goes_out_the_same() {
        let sent = "<a n=\"1\"><b>1</b><b c=\"x\">2</b><d/></a>";
        let value = read::document(&Document::parse(sent).unwrap());
        assert_eq!(element("e", &[("a", &value["a"])]), format!("<e>{sent}</e>"));
    }
}
