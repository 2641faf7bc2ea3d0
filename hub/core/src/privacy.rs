//! Which parts of an event are personal data, by the marks in the schemas. Whatever the schemas do not know counts as
//! personal. Never decides what may be done with the data: that is consent.

mod marks;
mod text;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::vocabulary::Vocabulary;
use marks::{Marks, Place};

pub use text::mask_text;

/// The sort of a piece of personal data (`x-personal-data` in the schemas).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Tells one person, household or device from the others: ids, tokens, addresses of machines.
    Identifier,
    /// Reaches a person: e-mail address, telephone number.
    Contact,
    Name,
    /// Birth, gender, language, profession.
    Demographic,
    /// Where a person is or lives.
    Location,
    /// Means of payment, balances, spending.
    Financial,
    /// What a person did, likes, is counted among.
    Behavioural,
    /// Free text by or about a person; anything might stand in it.
    Content,
    /// Health, biometrics, and what can tell of them.
    Sensitive,
}

impl Class {
    pub const ALL: [Self; 9] = [
        Self::Identifier,
        Self::Contact,
        Self::Name,
        Self::Demographic,
        Self::Location,
        Self::Financial,
        Self::Behavioural,
        Self::Content,
        Self::Sensitive,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Contact => "contact",
            Self::Name => "name",
            Self::Demographic => "demographic",
            Self::Location => "location",
            Self::Financial => "financial",
            Self::Behavioural => "behavioural",
            Self::Content => "content",
            Self::Sensitive => "sensitive",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == text)
    }

    /// What stands in the place of a value that is not shown.
    pub fn mark(self) -> String {
        format!("‹{self}›")
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One piece of personal data in an event.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonalValue {
    /// Its place in the data, as a JSON pointer.
    pub pointer: String,
    pub class: Class,
    /// The value, as text.
    pub value: String,
}

/// Says where, but not what: it may end in a log.
impl fmt::Debug for PersonalValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pointer, self.class.mark())
    }
}

/// The marks of all types, made ready.
pub struct Privacy(Marks);

impl Privacy {
    pub fn new(vocabulary: &Vocabulary) -> Self {
        Self(Marks::of(vocabulary))
    }

    /// The classes that the fields of the type can hold; `None` if there is no such type.
    pub fn classes(&self, kind: &str) -> Option<BTreeSet<Class>> {
        self.0.get(kind).map(|place| place.classes())
    }

    /// The classes that one field of the type's data can hold.
    pub fn classes_of_field(&self, kind: &str, field: &str) -> BTreeSet<Class> {
        self.0.get(kind).map(|place| place.field(field).classes()).unwrap_or_default()
    }

    /// All personal data in the data of an event, in the order in which they stand.
    pub fn personal_values(&self, kind: &str, data: &Value) -> Vec<PersonalValue> {
        let mut found = Vec::new();
        let mut pointer = String::new();
        visit(&self.0.start(kind), data, &mut pointer, &mut |pointer, class, leaf| {
            let value = match leaf {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            found.push(PersonalValue { pointer: pointer.to_owned(), class, value });
        });
        found
    }

    /// The data with every piece of personal data replaced by the mark of its class.
    pub fn mask(&self, kind: &str, data: &Value) -> Value {
        masked(&self.0.start(kind), data)
    }
}

fn visit(
    place: &Place<'_>,
    value: &Value,
    pointer: &mut String,
    found: &mut impl FnMut(&str, Class, &Value),
) {
    if !place.holds_personal(value) {
        return;
    }
    let above = pointer.len();
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                visit(&place.field(name), value, pointer, found);
                pointer.truncate(above);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                visit(&place.item(), value, pointer, found);
                pointer.truncate(above);
            }
        }
        Value::Null => {}
        leaf => {
            if let Some(class) = place.class_of_leaf() {
                found(pointer, class, leaf);
            }
        }
    }
}

fn masked(place: &Place<'_>, value: &Value) -> Value {
    if !place.holds_personal(value) {
        return value.clone();
    }
    match value {
        Value::Object(fields) => {
            let masked = fields.iter().map(|(name, value)| (name.clone(), masked(&place.field(name), value)));
            Value::Object(masked.collect())
        }
        Value::Array(items) => items.iter().map(|value| masked(&place.item(), value)).collect(),
        Value::Null => Value::Null,
        leaf => place.class_of_leaf().map_or_else(|| leaf.clone(), |class| class.mark().into()),
    }
}

#[cfg(test)]
mod tests;
