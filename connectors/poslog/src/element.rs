//! Elements that remember what was read of them. What nobody read is the rest, and the rest is kept: so a field is either
//! mapped or under `vendor`, and a mapping that cannot use a value just leaves it. Never cares for namespaces or prefixes.

use std::borrow::Cow;
use std::cell::Cell;

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

use crate::secret;

/// Which parts of a document were read.
pub struct Reading {
    /// One for each node: bit 0 for its text, bit n + 1 for its n-th attribute.
    read: Vec<Cell<u64>>,
}

/// Attributes beyond these are never marked, so they are always part of the rest.
const ATTRIBUTES_MARKED_MAX: usize = 63;

impl Reading {
    pub fn of(document: &Document) -> Self {
        let nodes = document.descendants().map(|node| node.id().get_usize()).max().map_or(0, |last| last + 1);
        Self { read: vec![Cell::new(0); nodes] }
    }

    pub fn element<'a>(&'a self, node: Node<'a, 'a>) -> Element<'a> {
        Element { node, reading: self }
    }
}

/// An element of a document that is being read.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    node: Node<'a, 'a>,
    reading: &'a Reading,
}

impl<'a> Element<'a> {
    /// The name without its prefix.
    pub fn name(self) -> &'a str {
        self.node.tag_name().name()
    }

    /// The place of the element in the document, to tell it from others.
    pub fn id(self) -> usize {
        self.node.id().get_usize()
    }

    /// The element as it was sent, but for what no event may carry.
    pub fn source(self) -> String {
        let text = self.node.document().input_text();
        let (mut source, mut at) = (String::new(), self.node.range().start);
        for node in self.node.descendants().filter(|node| node.is_text()) {
            let Some(parent) = node.parent_element() else { continue };
            if let Some(Cow::Owned(shown)) =
                node.text().map(|text| secret::shown(parent.tag_name().name(), text))
            {
                source.push_str(&text[at..node.range().start]);
                source.push_str(&shown);
                at = node.range().end;
            }
        }
        source + &text[at..self.node.range().end]
    }

    pub fn children(self) -> impl Iterator<Item = Element<'a>> {
        self.node.children().filter(Node::is_element).map(move |node| Element { node, reading: self.reading })
    }

    /// All children of that name.
    pub fn all(self, name: &'static str) -> impl Iterator<Item = Element<'a>> {
        self.children().filter(move |child| child.name() == name)
    }

    /// The first child of that name.
    pub fn child(self, name: &'static str) -> Option<Element<'a>> {
        self.all(name).next()
    }

    /// The first child that has one of the names; earlier names win.
    pub fn any(self, names: &[&'static str]) -> Option<Element<'a>> {
        names.iter().find_map(|name| self.child(name))
    }

    /// The text without its edges, not counted as read.
    pub fn peek(self) -> &'a str {
        self.node.text().map_or("", str::trim)
    }

    /// The text as an event may carry it.
    pub fn shown(self) -> Cow<'a, str> {
        secret::shown(self.name(), self.peek())
    }

    /// What `read` makes of the text. Only what it accepts counts as read.
    pub fn text_as<T>(self, read: impl FnOnce(&'a str) -> Option<T>) -> Option<T> {
        let value = Some(self.peek()).filter(|text| !text.is_empty()).and_then(read)?;
        self.mark(1);
        Some(value)
    }

    pub fn text(self) -> Option<&'a str> {
        self.text_as(Some)
    }

    /// An attribute's value without its edges, not counted as read.
    pub fn peek_attribute(self, name: &str) -> &'a str {
        self.node
            .attributes()
            .find(|attribute| attribute.name() == name)
            .map_or("", |found| found.value().trim())
    }

    /// What `read` makes of an attribute. Only what it accepts counts as read.
    pub fn attribute_as<T>(self, name: &str, read: impl FnOnce(&'a str) -> Option<T>) -> Option<T> {
        let (place, found) =
            self.node.attributes().enumerate().find(|(_, attribute)| attribute.name() == name)?;
        let value = Some(found.value().trim()).filter(|text| !text.is_empty()).and_then(read)?;
        if place < ATTRIBUTES_MARKED_MAX {
            self.mark(1 << (place + 1));
        }
        Some(value)
    }

    pub fn attribute(self, name: &str) -> Option<&'a str> {
        self.attribute_as(name, Some)
    }

    /// A flag, as an attribute or as a child. Absent is false.
    pub fn flag(self, name: &'static str) -> bool {
        let said = self.attribute_as(name, boolean).or_else(|| self.child(name)?.text_as(boolean));
        said.unwrap_or(false)
    }

    /// What was not read, as JSON: attributes as `@name`, text as `#text` or alone, and several children of a name as a list.
    pub fn rest(self) -> Option<Value> {
        let read = self.reading.read[self.id()].get();
        let mut rest = Map::new();
        for (place, attribute) in self.node.attributes().enumerate() {
            let marked = place < ATTRIBUTES_MARKED_MAX && read & (1 << (place + 1)) != 0;
            if !marked && !attribute.value().trim().is_empty() {
                let value = secret::shown(attribute.name(), attribute.value());
                insert(&mut rest, format!("@{}", attribute.name()), Value::from(value.into_owned()));
            }
        }
        let attributes = !rest.is_empty();
        for child in self.children() {
            if let Some(value) = child.rest() {
                insert(&mut rest, child.name().to_owned(), value);
            }
        }
        // A line that keeps something keeps its number too, or nobody could tell which line it was.
        if !rest.is_empty() && self.name() == "LineItem" && !rest.contains_key("SequenceNumber") {
            let number = self.child("SequenceNumber").map_or("", Element::peek);
            rest.shift_insert(0, "SequenceNumber".to_owned(), number.into());
        }
        let text = self.unread_text(read);
        match (text, rest.is_empty()) {
            (None, true) => None,
            (Some(text), true) => Some(text.into()),
            (None, false) => Some(rest.into()),
            (Some(text), false) => {
                let place = if attributes { 0 } else { rest.len() };
                rest.shift_insert(place, "#text".to_owned(), text.into());
                Some(rest.into())
            }
        }
    }

    fn unread_text(self, read: u64) -> Option<String> {
        let texts = self.node.children().filter(|child| child.is_text()).filter_map(|child| child.text());
        let texts: Vec<_> = texts.map(str::trim).filter(|text| !text.is_empty()).collect();
        (read & 1 == 0 && !texts.is_empty())
            .then(|| secret::shown(self.name(), &texts.join(" ")).into_owned())
    }

    fn mark(self, bits: u64) {
        let read = &self.reading.read[self.id()];
        read.set(read.get() | bits);
    }
}

/// `xs:boolean`, and the letters that some tills write.
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "y" => Some(true),
        "false" | "0" | "no" | "n" => Some(false),
        _ => None,
    }
}

fn insert(into: &mut Map<String, Value>, name: String, value: Value) {
    match into.get_mut(&name) {
        None => {
            into.insert(name, value);
        }
        Some(Value::Array(several)) => several.push(value),
        Some(one) => {
            let first = one.take();
            *one = Value::Array(vec![first, value]);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keeps_what_was_not_read_and_nothing_else() {
        let document = Document::parse(
            "<x:Sale xmlns:x='urn:x' x:Kind='Stock' Taxed='yes'> <ItemID>7</ItemID><Note>a</Note><Note Lang='en'>b</Note><Empty/></x:Sale>",
        )
        .unwrap();
        let reading = Reading::of(&document);
        let sale = reading.element(document.root_element());

        assert_eq!(sale.attribute("Kind"), Some("Stock"));
        assert_eq!(sale.child("ItemID").and_then(Element::text), Some("7"));
        assert_eq!(sale.attribute_as("Taxed", |_| None::<bool>), None, "a reading that fails reads nothing");
        assert_eq!(sale.rest(), Some(json!({"@Taxed": "yes", "Note": ["a", {"@Lang": "en", "#text": "b"}]})));

        assert!(sale.flag("Taxed"));
        sale.all("Note").for_each(|note| _ = (note.text(), note.attribute("Lang")));
        assert_eq!(sale.rest(), None);
    }

    #[test]
    fn keeps_the_number_of_a_line_beside_its_rest() {
        let document =
            Document::parse("<LineItem><SequenceNumber>4</SequenceNumber><Odd>1</Odd></LineItem>").unwrap();
        let reading = Reading::of(&document);
        let line = reading.element(document.root_element());
        assert_eq!(line.child("SequenceNumber").and_then(Element::text), Some("4"));
        assert_eq!(line.rest(), Some(json!({"SequenceNumber": "4", "Odd": "1"})));
    }
}
