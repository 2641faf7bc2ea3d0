//! What an event breaks, told without telling what the event says: a violation is shown and logged, personal data are not.

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, Validator};
use serde::{Deserialize, Serialize};

use crate::Body;
use crate::body::BodyJson;

/// Somebody who mends an event reads the first few; a body that is wholly foreign would bring hundreds.
pub const VIOLATIONS_MAX: usize = 16;

/// Longer names of fields are not names that somebody chose.
const FIELD_CHARS_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The schema that the event was checked against.
    pub schema: String,
    /// The place in the event's data, as a JSON pointer.
    pub pointer: String,
    /// The place in the schemas: document, `#`, JSON pointer. Its last part is the keyword.
    pub rule: String,
    /// What is wrong. Never quotes the data.
    pub message: String,
}

impl Violation {
    pub(super) fn unknown_type(kind: &str) -> Self {
        Self {
            schema: "snodo:snodo/envelope/1-0-0".into(),
            pointer: "/type".into(),
            rule: "vocabulary".into(),
            message: format!("the vocabulary has no type {:?}", shown(kind).unwrap_or("(not shown)")),
        }
    }

    /// The same, for data that stand within a larger document.
    pub(super) fn below(mut self, prefix: &str) -> Self {
        self.pointer.insert_str(0, prefix);
        self
    }
}

pub(super) fn all<'a>(
    validator: &'a Validator<BodyJson>,
    schema: &'a str,
    data: &'a Body<'a>,
) -> impl Iterator<Item = Violation> + 'a {
    validator.iter_errors(data).flat_map(|error| of(&error, schema)).take(VIOLATIONS_MAX)
}

fn of(error: &ValidationError<'_>, schema: &str) -> Vec<Violation> {
    let rule = match error.absolute_keyword_location() {
        Some(location) => location.as_str().to_owned(),
        None => format!("{schema}#{}", error.schema_path()),
    };
    let at = error.instance_path().as_str();
    let violation = |pointer: String, message: String| Violation {
        schema: schema.into(),
        pointer,
        rule: rule.clone(),
        message,
    };
    match error.kind() {
        // One for each field, so that each is pointed at.
        Kind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .take(VIOLATIONS_MAX)
            .map(|field| match shown(field) {
                Some(field) => violation(
                    format!("{at}/{field}"),
                    format!("the schema has no field {field:?} here; what the model has no place for goes under vendor"),
                ),
                None => violation(at.to_owned(), "a field that the schema does not have, under a strange name".into()),
            })
            .collect(),
        _ => vec![violation(at.to_owned(), message(error))],
    }
}

fn message(error: &ValidationError<'_>) -> String {
    match error.kind() {
        Kind::Required { property } => format!("the field {property} is missing"),
        Kind::AnyOf { context } => {
            let missing = context.iter().flatten().filter_map(|error| match error.kind() {
                Kind::Required { property } => property.as_str(),
                _ => None,
            });
            match missing.collect::<Vec<_>>() {
                fields if fields.is_empty() => error.masked_with("the value").to_string(),
                fields => format!("at least one of these fields must be there: {}", fields.join(", ")),
            }
        }
        // The library's text would quote the name, which here comes from the sender.
        Kind::PropertyNames { .. } => "the name of a field does not fit the schema".into(),
        _ => error.masked_with("the value").to_string(),
    }
}

/// A field's name if it is one: a name with other characters may be an e-mail address, or anything.
fn shown(field: &str) -> Option<&str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    (field.len() <= FIELD_CHARS_MAX && field.bytes().all(fits)).then_some(field)
}
