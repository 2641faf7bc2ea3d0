//! The schemas, made ready to check with. A definition is compiled once for all types that hold it: compiled into each type,
//! the whole vocabulary takes 200 MB. Never compiles what is not used.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::{PatternOptions, Registry, Validator};
use serde_json::{Value, json};

use super::id_of;
use super::violation::{self, VIOLATIONS_MAX, Violation};
use crate::Body;
use crate::body::BodyJson;

/// The shared definitions, by name.
pub(super) struct Definitions {
    registry: Registry<'static>,
    definitions: BTreeMap<&'static str, (Value, OnceLock<Validator<BodyJson>>)>,
}

impl Definitions {
    pub fn new(schemas: Vec<(&'static str, Value)>) -> Self {
        let registry = schemas.iter().fold(Registry::new(), |registry, (_, schema)| {
            registry
                .add(id_of(schema), schema.clone())
                .expect("a shared definition's id is a URI: a test reads each")
        });
        Self {
            registry: registry.prepare().expect("the shared definitions refer to each other only"),
            definitions: schemas
                .into_iter()
                .map(|(name, schema)| (name, (schema, OnceLock::new())))
                .collect(),
        }
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &Value)> {
        self.definitions.iter().map(|(name, (schema, _))| (*name, schema))
    }

    /// The definition that a `$ref` means.
    pub fn referred(&self, id: &str) -> Option<(&'static str, &Value)> {
        let name = id.strip_prefix("snodo:snodo/shared/")?.strip_suffix("/1-0-0")?;
        self.definitions.get_key_value(name).map(|(name, (schema, _))| (*name, schema))
    }

    fn validator(&self, name: &str) -> &Validator<BodyJson> {
        let (schema, validator) =
            self.definitions.get(name).expect("a field's definition was found when it was read");
        validator.get_or_init(|| self.compile(&json!({ "$ref": id_of(schema) })))
    }

    fn compile(&self, schema: &Value) -> Validator<BodyJson> {
        jsonschema::options_for::<BodyJson>()
            .with_draft(jsonschema::Draft::Draft202012)
            .with_registry(&self.registry)
            .offline()
            .should_validate_formats(true)
            // Linear in the length of the text, whatever a sender writes into it.
            .with_pattern_options(PatternOptions::regex())
            .build(schema)
            .expect("a schema of the vocabulary compiles: a test compiles each")
    }
}

/// One type: its own schema without the definitions, and which field holds which of them.
pub(super) struct Compiled {
    frame: Validator<BodyJson>,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    definition: &'static str,
    /// Whether the definition is that of each item.
    is_list: bool,
}

impl Compiled {
    pub fn new(definitions: &Definitions, schema: &Value) -> Self {
        let mut frame = schema.clone();
        let mut fields = Vec::new();
        for (name, field) in frame["properties"].as_object_mut().into_iter().flatten() {
            let is_list = field.get("items").is_some();
            let holder = if is_list { &mut field["items"] } else { field };
            let Some(reference) = holder.as_object_mut().and_then(|holder| holder.remove("$ref")) else {
                continue;
            };
            let (definition, _) = reference
                .as_str()
                .and_then(|id| definitions.referred(id))
                .expect("schemas refer to shared definitions only: a test looks each up");
            fields.push(Field { name: name.clone(), definition, is_list });
        }
        Self { frame: definitions.compile(&frame), fields }
    }

    pub fn is_valid(&self, definitions: &Definitions, data: &Body<'_>) -> bool {
        self.frame.is_valid(data)
            && self.fields.iter().all(|field| match data.get(&field.name) {
                None => true,
                Some(value) => {
                    let validator = definitions.validator(field.definition);
                    // That it is a list is a rule of the frame.
                    match (field.is_list, value) {
                        (true, Body::List(items)) => items.iter().all(|item| validator.is_valid(item)),
                        (true, _) => true,
                        (false, value) => validator.is_valid(value),
                    }
                }
            })
    }

    pub fn violations(&self, definitions: &Definitions, schema: &str, data: &Body<'_>) -> Vec<Violation> {
        let mut found: Vec<_> = violation::all(&self.frame, schema, data).collect();
        for field in &self.fields {
            let validator = definitions.validator(field.definition);
            let mut look = |value: &Body<'_>, pointer: String| {
                let below =
                    violation::all(validator, schema, value).map(|violation| violation.below(&pointer));
                found.extend(below.take(VIOLATIONS_MAX));
            };
            match (field.is_list, data.get(&field.name)) {
                (false, Some(value)) => look(value, format!("/{}", field.name)),
                (true, Some(Body::List(items))) => {
                    let items = items.iter().enumerate().filter(|(_, item)| !validator.is_valid(item));
                    for (index, item) in items.take(VIOLATIONS_MAX) {
                        look(item, format!("/{}/{index}", field.name));
                    }
                }
                _ => {}
            }
        }
        found.truncate(VIOLATIONS_MAX);
        found
    }
}
