//! The canonical vocabulary: which types of events there are, and whether an event keeps to its type.
//! The schemas are data, embedded from `schemas/`; nothing is ever fetched.

mod compiled;
mod document;
mod files;
pub mod reference;
mod violation;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::Body;
use compiled::{Compiled, Definitions};
pub use document::{Checked, DocumentError};
pub use files::{Example, Expectation};
pub use violation::{VIOLATIONS_MAX, Violation};

/// All types of events, each with its schema. Costs milliseconds to load: a hub does it once.
pub struct Vocabulary {
    types: BTreeMap<Arc<str>, Type>,
    definitions: Definitions,
    envelope: Type,
}

/// One type of event, as its schema describes it.
pub struct Type {
    /// `domain.object.action`.
    pub kind: Arc<str>,
    /// `MAJOR-MINOR-PATCH`.
    pub version: &'static str,
    /// The schema's id, as the envelope names it.
    pub dataschema: Arc<str>,
    pub title: String,
    pub description: String,
    /// The standards that the type comes from.
    pub standards: Vec<String>,
    /// The schema as it stands in the file.
    pub text: &'static str,
    schema: Value,
    /// Compiled when first needed: few installations see more than some dozens of the types.
    compiled: OnceLock<Compiled>,
}

impl Vocabulary {
    pub fn load() -> Self {
        let mut shared = Vec::new();
        let mut types = BTreeMap::new();
        let mut envelope = None;
        for file in files::schemas() {
            let schema = files::parse(file.text);
            match file.domain {
                "shared" => shared.push((file.object, schema)),
                "envelope" => envelope = Some(Type::new("envelope".into(), &file, schema)),
                domain => {
                    let kind: Arc<str> = format!("{domain}.{}", file.object).into();
                    types.insert(kind.clone(), Type::new(kind, &file, schema));
                }
            }
        }
        let envelope = envelope.expect("the envelope is one of the schemas");
        Self { types, definitions: Definitions::new(shared), envelope }
    }

    /// The types' names, in alphabetical order.
    pub fn kinds(&self) -> impl ExactSizeIterator<Item = &str> {
        self.types.keys().map(AsRef::as_ref)
    }

    /// The types, in the order of their names.
    pub fn types(&self) -> impl ExactSizeIterator<Item = &Type> {
        self.types.values()
    }

    pub fn get(&self, kind: &str) -> Option<&Type> {
        self.types.get(kind)
    }

    /// The envelope that every event has.
    pub fn envelope(&self) -> &Type {
        &self.envelope
    }

    /// The shared definitions: name and schema, in alphabetical order.
    pub fn shared(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.definitions.iter().map(|(name, schema)| -> (&str, &Value) { (name, schema) })
    }

    /// The definition that a `$ref` of a schema means: its name and its schema.
    pub fn referred(&self, id: &str) -> Option<(&'static str, &Value)> {
        self.definitions.referred(id)
    }

    /// The examples that stand beside the type's schema.
    pub fn examples(&self, kind: &str) -> Vec<Example> {
        files::examples(kind)
    }

    /// Whether `data` is what the type says it is. At most [`VIOLATIONS_MAX`] violations are told; none quotes the data.
    pub fn check(&self, kind: &str, data: &Body<'_>) -> Result<(), Vec<Violation>> {
        match self.get(kind) {
            Some(known) => self.check_against(known, data),
            None => Err(vec![Violation::unknown_type(kind)]),
        }
    }

    fn check_against(&self, known: &Type, data: &Body<'_>) -> Result<(), Vec<Violation>> {
        let compiled = known.compiled.get_or_init(|| Compiled::new(&self.definitions, &known.schema));
        match compiled.is_valid(&self.definitions, data) {
            true => Ok(()),
            false => Err(compiled.violations(&self.definitions, &known.dataschema, data)),
        }
    }
}

impl Type {
    fn new(kind: Arc<str>, file: &files::SchemaFile, schema: Value) -> Self {
        let text_of = |key: &str| schema[key].as_str().unwrap_or_default().to_owned();
        let standards = schema["x-standards"].as_array().into_iter().flatten();
        Self {
            kind,
            version: file.version,
            dataschema: id_of(&schema).into(),
            title: text_of("title"),
            description: text_of("description"),
            standards: standards.filter_map(Value::as_str).map(str::to_owned).collect(),
            text: file.text,
            schema,
            compiled: OnceLock::new(),
        }
    }

    /// The schema, parsed.
    pub fn schema(&self) -> &Value {
        &self.schema
    }
}

fn id_of(schema: &Value) -> &str {
    schema["$id"].as_str().expect("every schema has an id: a test reads each")
}

#[cfg(test)]
mod tests;
