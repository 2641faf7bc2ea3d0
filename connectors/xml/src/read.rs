//! XML as the JSON that rules read. An element is an object: attributes as `@name`, its text as `#text`, children by their names,
//! several of one name as a list. One with nothing but text is that text. Names come without prefixes, which are the writer's choice
//! (Namespaces in XML 1.0, 3).

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

/// The root by its name.
pub fn document(document: &Document) -> Value {
    let root = document.root_element();
    let mut named = Map::new();
    named.insert(root.tag_name().name().to_owned(), value(root));
    named.into()
}

/// Calls itself once for each level, of which `markup` allows few.
fn value(element: Node) -> Value {
    let mut fields = Map::new();
    for attribute in element.attributes() {
        insert(&mut fields, format!("@{}", attribute.name()), attribute.value().into());
    }
    for child in element.children().filter(Node::is_element) {
        insert(&mut fields, child.tag_name().name().to_owned(), value(child));
    }
    let text: String = element.children().filter(Node::is_text).filter_map(|child| child.text()).collect();
    let is_blank = text.trim().is_empty();
    match fields.is_empty() {
        true if is_blank => "".into(),
        true => text.into(),
        false if is_blank => fields.into(),
        false => {
            fields.insert("#text".to_owned(), text.trim().into());
            fields.into()
        }
    }
}

fn insert(into: &mut Map<String, Value>, name: String, value: Value) {
    match into.get_mut(&name) {
        None => _ = into.insert(name, value),
        Some(Value::Array(several)) => several.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_element_is_an_object_a_list_or_a_text() {
        for (text, expected) in [
            ("<a/>", json!({"a": ""})),
            ("<a> </a>", json!({"a": ""})),
            ("<a> b&amp;<![CDATA[<c>]]></a>", json!({"a": " b&<c>"})),
            ("<a n='1'/>", json!({"a": {"@n": "1"}})),
            ("<a n='1'> b </a>", json!({"a": {"@n": "1", "#text": "b"}})),
            ("<a><b>1</b><c/><b>2</b></a>", json!({"a": {"b": ["1", "2"], "c": ""}})),
            ("<a>see <b>this</b> too<!-- no --></a>", json!({"a": {"b": "this", "#text": "see  too"}})),
            ("<x:a xmlns:x='u' x:n='1' n='2'><x:b/></x:a>", json!({"a": {"@n": ["1", "2"], "b": ""}})),
        ] {
            let parsed = Document::parse(text).unwrap();
            assert_eq!(document(&parsed), expected, "{text}");
        }
    }
}
