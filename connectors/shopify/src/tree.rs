//! A JSON body as a tree that is taken apart: what a mapping takes is moved, not copied, and what nobody took is exactly
//! what the canonical model has no place for. A field of an unexpected kind is not an error: it is left where it is.

mod read;
pub mod write;

use std::borrow::Cow;
use std::cell::Cell;

/// What most objects have room in; those that have not grow by more than a vector would, because each time is a copy.
const FIELDS_USUAL: usize = 8;

pub type Text<'a> = Cow<'a, str>;

#[derive(Debug, Default, PartialEq)]
pub enum Node<'a> {
    #[default]
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Text<'a>),
    List(Vec<Node<'a>>),
    Object(Object<'a>),
}

/// Fields in the order they came. A list, not a map: vendors write them in a fixed order, in which they are also taken.
#[derive(Debug, Default)]
pub struct Object<'a> {
    fields: Vec<(Text<'a>, Node<'a>)>,
    /// The marks of all names that were ever here. Most fields a mapping asks for are absent, and this tells it without a search.
    marks: u64,
    /// Where the last field was found: the next one is most often right behind it.
    last: Cell<usize>,
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl<'a> Object<'a> {
    pub fn new() -> Self {
        Self::default()
    }

    /// Leaves nothing of the field behind. Null if there is none.
    pub fn take(&mut self, name: &str) -> Node<'a> {
        self.find(name).map(std::mem::take).unwrap_or_default()
    }

    /// Text that is not empty; also a number, as ids come both ways.
    pub fn text(&mut self, name: &str) -> Option<Text<'a>> {
        self.text_if(name, |_| true)
    }

    /// Text that fulfils a condition; other text is left.
    pub fn text_if(&mut self, name: &str, fits: fn(&str) -> bool) -> Option<Text<'a>> {
        let node = self.find(name)?;
        let text = node.as_text().filter(|text| fits(text))?;
        *node = Node::Null;
        Some(text)
    }

    /// A time with its offset, as RFC 3339 has it.
    pub fn time(&mut self, name: &str) -> Option<Text<'a>> {
        self.text_if(name, is_time)
    }

    /// A number without exponent, as text: what money and quantities are made of.
    pub fn decimal(&mut self, name: &str) -> Option<Text<'a>> {
        self.text_if(name, is_decimal)
    }

    pub fn bool(&mut self, name: &str) -> Option<bool> {
        let node = self.find(name)?;
        let Node::Bool(value) = *node else { return None };
        *node = Node::Null;
        Some(value)
    }

    /// A number, as the number it is.
    pub fn number(&mut self, name: &str) -> Node<'a> {
        match self.find(name) {
            Some(node @ (Node::Unsigned(_) | Node::Signed(_) | Node::Float(_))) => std::mem::take(node),
            _ => Node::Null,
        }
    }

    /// A whole number from 0 on.
    pub fn count(&mut self, name: &str) -> Node<'a> {
        match self.find(name) {
            Some(node @ Node::Unsigned(_)) => std::mem::take(node),
            _ => Node::Null,
        }
    }

    /// The child, to take from. What is left of it stays here.
    pub fn object(&mut self, name: &str) -> Option<&mut Object<'a>> {
        match self.find(name)? {
            Node::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The children of a list, to take from. What is left of them stays here, each in its place.
    pub fn objects(&mut self, name: &str) -> impl Iterator<Item = &mut Object<'a>> {
        let list = match self.find(name) {
            Some(Node::List(list)) => list.as_mut_slice(),
            _ => &mut [],
        };
        list.iter_mut().filter_map(|node| match node {
            Node::Object(object) => Some(object),
            _ => None,
        })
    }

    /// A list of texts; a list that holds anything else is left.
    pub fn texts(&mut self, name: &str) -> Vec<Node<'a>> {
        let is_text = |node: &Node| matches!(node, Node::Text(text) if !text.is_empty());
        match self.find(name) {
            Some(Node::List(list)) if list.iter().all(is_text) => std::mem::take(list),
            _ => Vec::new(),
        }
    }

    /// Names and scalars, from `[{name, value}]` or from an object. Anything else among them leaves the field be.
    pub fn pairs(&mut self, name: &str) -> Vec<(Text<'a>, Node<'a>)> {
        let scalar = |node: &Node| {
            matches!(
                node,
                Node::Text(_) | Node::Bool(_) | Node::Unsigned(_) | Node::Signed(_) | Node::Float(_)
            )
        };
        match self.find(name) {
            Some(Node::Object(object)) if object.fields.iter().all(|(_, node)| scalar(node)) => {
                std::mem::take(&mut object.fields)
            }
            Some(Node::List(list)) => {
                let named = list.iter().all(|node| match node {
                    Node::Object(object) => match object.fields.as_slice() {
                        [(name, Node::Text(_)), (value, node)] | [(value, node), (name, Node::Text(_))]
                            if name == "name" && value == "value" =>
                        {
                            scalar(node)
                        }
                        _ => false,
                    },
                    _ => false,
                });
                if !named {
                    return Vec::new();
                }
                let objects = std::mem::take(list).into_iter();
                objects
                    .filter_map(|node| match node {
                        Node::Object(mut object) => Some((object.text("name")?, object.take("value"))),
                        _ => None,
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// What the field says, without taking it.
    pub fn peek(&self, name: &str) -> Option<Text<'a>> {
        self.fields[self.place(name)?].1.as_text()
    }

    pub fn says(&self, name: &str, text: &str) -> bool {
        self.peek(name).is_some_and(|found| found == text)
    }

    pub fn peek_bool(&self, name: &str) -> Option<bool> {
        match self.fields[self.place(name)?].1 {
            Node::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub fn peek_object(&self, name: &str) -> Option<&Object<'a>> {
        match &self.fields[self.place(name)?].1 {
            Node::Object(object) => Some(object),
            _ => None,
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// Takes the field if it only says again what is already known.
    pub fn drop_if(&mut self, name: &str, known: &str) {
        if self.says(name, known) {
            self.take(name);
        }
    }

    /// Adds a field, unless it would be empty: absent is absent. One that is blank deeper down is left out when it is written.
    pub fn put(&mut self, name: &'static str, value: impl Into<Node<'a>>) {
        let value = value.into();
        if !value.is_empty() {
            self.push(Cow::Borrowed(name), value);
        }
    }

    pub fn is_blank(&self) -> bool {
        self.fields.iter().all(|(_, node)| node.is_blank())
    }

    fn find(&mut self, name: &str) -> Option<&mut Node<'a>> {
        let place = self.place(name)?;
        Some(&mut self.fields[place].1)
    }

    fn push(&mut self, name: Text<'a>, value: Node<'a>) {
        self.marks |= mark(&name);
        if self.fields.len() == self.fields.capacity() {
            self.fields.reserve((self.fields.len() * 3).max(FIELDS_USUAL));
        }
        self.fields.push((name, value));
    }

    fn place(&self, name: &str) -> Option<usize> {
        if self.marks & mark(name) == 0 {
            return None;
        }
        let here = |(found, _): &(Text<'a>, Node<'a>)| found == name;
        let (before, behind) = self.fields.split_at(self.last.get().min(self.fields.len()));
        let place = match behind.iter().position(here) {
            Some(place) => before.len() + place,
            None => before.iter().position(here)?,
        };
        self.last.set(place + 1);
        Some(place)
    }
}

/// One of 64, by length, first and last byte: names of one object seldom share it.
#[inline]
fn mark(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return 1 };
    1 << ((bytes.len() * 5 + usize::from(*first) * 3 + usize::from(*last)) % 64)
}

impl<'a> Node<'a> {
    /// Blank at the first look.
    fn is_empty(&self) -> bool {
        match self {
            Node::Null => true,
            Node::Text(text) => text.is_empty(),
            Node::List(list) => list.is_empty(),
            Node::Object(object) => object.fields.is_empty(),
            Node::Bool(_) | Node::Unsigned(_) | Node::Signed(_) | Node::Float(_) => false,
        }
    }

    /// Null, and whatever holds nothing else.
    pub fn is_blank(&self) -> bool {
        match self {
            Node::Null => true,
            Node::Text(text) => text.is_empty(),
            Node::List(list) => list.iter().all(Node::is_blank),
            Node::Object(object) => object.is_blank(),
            Node::Bool(_) | Node::Unsigned(_) | Node::Signed(_) | Node::Float(_) => false,
        }
    }

    fn as_text(&self) -> Option<Text<'a>> {
        match self {
            Node::Text(text) if !text.is_empty() => Some(text.clone()),
            Node::Unsigned(number) => Some(Cow::Owned(number.to_string())),
            Node::Signed(number) => Some(Cow::Owned(number.to_string())),
            Node::Float(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }
}

/// RFC 3339 by its outline: a date, a time and an offset.
pub fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let offset = bytes.ends_with(b"Z")
        || bytes.len() > 6 && matches!(bytes[bytes.len() - 6], b'+' | b'-') && bytes[bytes.len() - 3] == b':';
    bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && bytes[16] == b':' && offset
}

pub fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

impl<'a> From<Text<'a>> for Node<'a> {
    fn from(text: Text<'a>) -> Self {
        Node::Text(text)
    }
}

impl<'a> From<&'a str> for Node<'a> {
    fn from(text: &'a str) -> Self {
        Node::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Node<'_> {
    fn from(text: String) -> Self {
        Node::Text(Cow::Owned(text))
    }
}

impl From<bool> for Node<'_> {
    fn from(value: bool) -> Self {
        Node::Bool(value)
    }
}

impl<'a> From<Object<'a>> for Node<'a> {
    fn from(object: Object<'a>) -> Self {
        Node::Object(object)
    }
}

impl<'a> From<Vec<Node<'a>>> for Node<'a> {
    fn from(list: Vec<Node<'a>>) -> Self {
        Node::List(list)
    }
}

impl<'a, T: Into<Node<'a>>> From<Option<T>> for Node<'a> {
    fn from(value: Option<T>) -> Self {
        value.map(Into::into).unwrap_or_default()
    }
}
