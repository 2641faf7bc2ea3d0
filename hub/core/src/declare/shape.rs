//! Compares a document with the JSON Schema of its type and reports every difference, each with its remedy: serde stops at the
//! first and knows no remedy. Reads the schemas that `schemars` makes of our own types, nothing wider.

pub use leaf::as_name;

mod leaf;
mod remedy;
mod secret;

use serde_json::{Map, Value};

use super::document::{Document, Spot, escape};
use super::{Mistake, wording};

/// Everything in which the whole of a document differs from `schema`.
pub fn check(document: &Document<'_>, schema: &Value, value: &Value) -> Vec<Mistake> {
    check_part(document, schema, value, "")
}

/// The same for the part of the document at a JSON Pointer.
pub fn check_part(document: &Document<'_>, schema: &Value, value: &Value, at: &str) -> Vec<Mistake> {
    let mut walk = Walk { document, root: schema, mistakes: Vec::new() };
    walk.visit(schema, value, at);
    walk.mistakes
}

struct Walk<'a, 'd> {
    document: &'a Document<'d>,
    /// Where `$ref` is looked up.
    root: &'a Value,
    mistakes: Vec<Mistake>,
}

impl<'a> Walk<'a, '_> {
    fn visit(&mut self, schema: &'a Value, value: &Value, at: &str) {
        let (schema, name) = resolve(self.root, schema);
        if name == Some("SecretRef") {
            return self.visit_secret(value, at);
        }
        let variants = schema.get("oneOf").and_then(Value::as_array);
        if let Some(tag) = variants.and_then(|variants| tag_of(variants)) {
            return self.visit_tagged(variants.map_or(&[], Vec::as_slice), tag, value, at);
        }
        let choices = choices(schema);
        if !choices.is_empty() {
            return self.visit_choice(&choices, value, at);
        }
        match (schema.get("type"), value) {
            (Some(wanted), value) if !is_of(wanted, value) => {
                let (message, remedy) = remedy::of_type(schema, value, at, self.document);
                self.report(&Spot::Value(at), message, remedy);
            }
            (_, Value::Object(object)) => self.visit_object(schema, object, at),
            (_, Value::Array(items)) => {
                self.visit_leaf(schema, value, at);
                let Some(item_schema) = schema.get("items") else { return };
                for (place, item) in items.iter().enumerate() {
                    self.visit(item_schema, item, &format!("{at}/{place}"));
                }
            }
            (_, leaf) => self.visit_leaf(schema, leaf, at),
        }
    }

    fn visit_object(&mut self, schema: &'a Value, object: &Map<String, Value>, at: &str) {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let known: Vec<&str> = properties.keys().map(String::as_str).collect();
        let others = schema.get("additionalProperties");
        let mut meant = Vec::new();
        for (key, value) in object {
            let inner = format!("{at}/{}", escape(key));
            match schema.get("properties").and_then(|all| all.get(key)).or(others) {
                Some(Value::Bool(true)) | None => {}
                Some(Value::Bool(false)) => {
                    let remedy = remedy::of_unknown_key(self.root, &known, key, value, at);
                    meant.extend(remedy::meant(key, &known));
                    self.report(&Spot::Key(&inner), remedy::there_is_no(key, at), remedy);
                }
                Some(one) => self.visit(one, value, &inner),
            }
        }
        for key in required(schema) {
            // A key that is there under a wrong name has been spoken of.
            if !object.contains_key(key) && !meant.contains(&key) {
                let wanted = schema.pointer(&format!("/properties/{}", escape(key)));
                let remedy = remedy::of_missing_key(self.root, wanted, key, at, self.document);
                let message = format!("{} does not say its {}", wording::section(at), wording::keys(&[key]));
                self.report(&Spot::Key(at), message, remedy);
            }
        }
    }

    /// A table whose key `tag` says which other keys it has.
    fn visit_tagged(&mut self, variants: &'a [Value], tag: &'a str, value: &Value, at: &str) {
        let names: Vec<&str> = variants.iter().filter_map(|variant| tag_value(variant, tag)).collect();
        let Some(object) = value.as_object() else {
            let chosen = value.as_str().and_then(|text| wording::nearest(text, &names)).unwrap_or(names[0]);
            let remedy = format!("write {} = {{ {tag} = \"{chosen}\" }}", wording::path(at));
            return self.report(&Spot::Value(at), remedy::not_a_table(at), remedy);
        };
        let Some(named) = object.get(tag) else {
            let message = format!("{} does not say its {}", wording::section(at), wording::keys(&[tag]));
            let remedy = format!("add {tag} = …, one of: {}", wording::list(&names));
            return self.report(&Spot::Key(at), message, remedy);
        };
        let Some(variant) = variants.iter().find(|variant| tag_value(variant, tag) == named.as_str()) else {
            let message = format!("there is no {tag} {}", wording::value(named));
            let remedy = wording::choose(named.as_str().unwrap_or(""), &names);
            return self.report(&Spot::Value(&format!("{at}/{tag}")), message, remedy);
        };
        let mut fitting = object.clone();
        for key in object.keys().filter(|key| !has_property(variant, key)) {
            let elsewhere = variants.iter().find(|other| has_property(other, key));
            let Some(other) = elsewhere.and_then(|other| tag_value(other, tag)) else { continue };
            fitting.remove(key);
            let message =
                format!("{} does not go with {tag} = {}", wording::keys(&[key]), wording::value(named));
            let remedy = format!("leave it out, or write {tag} = \"{other}\"");
            self.report(&Spot::Key(&format!("{at}/{}", escape(key))), message, remedy);
        }
        self.visit_object(variant, &fitting, at);
    }

    fn visit_choice(&mut self, choices: &[&str], value: &Value, at: &str) {
        if value.as_str().is_some_and(|text| choices.contains(&text)) {
            return;
        }
        let message = format!("{} cannot be {}", remedy::subject(at), wording::value(value));
        let remedy = wording::choose(value.as_str().unwrap_or(""), choices);
        self.report(&Spot::Value(at), message, remedy);
    }

    fn report(&mut self, spot: &Spot<'_>, message: String, remedy: String) {
        self.mistakes.push(self.document.mistake(spot, message, remedy));
    }
}

/// What a schema comes down to, and the name of its definition: through references, and without the `null` of an option.
pub fn resolve<'a>(root: &'a Value, schema: &'a Value) -> (&'a Value, Option<&'a str>) {
    let (mut schema, mut name) = (schema, None);
    // Deeper chains than this do not come out of `schemars`.
    for _ in 0..8 {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            name = reference.rsplit('/').next();
            match root.pointer(reference.trim_start_matches('#')) {
                Some(definition) => schema = definition,
                None => break,
            }
        } else if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
            let real = any.iter().find(|one| one.get("type").and_then(Value::as_str) != Some("null"));
            match real {
                Some(real) => schema = real,
                None => break,
            }
        } else {
            break;
        }
    }
    (schema, name)
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn has_property(schema: &Value, key: &str) -> bool {
    schema.get("properties").is_some_and(|properties| properties.get(key).is_some())
}

/// The key whose constant tells the variants apart.
pub fn tag_of(variants: &[Value]) -> Option<&str> {
    let properties = variants.first()?.get("properties")?.as_object()?;
    let is_tag = |key: &&String| variants.iter().all(|variant| tag_value(variant, key).is_some());
    properties.keys().find(is_tag).map(String::as_str)
}

pub fn tag_value<'a>(variant: &'a Value, tag: &str) -> Option<&'a str> {
    variant.get("properties")?.get(tag)?.get("const")?.as_str()
}

/// The texts that a schema allows, if it is a choice of texts.
fn choices(schema: &Value) -> Vec<&str> {
    match schema.get("oneOf").and_then(Value::as_array) {
        Some(variants) => variants.iter().flat_map(texts).collect(),
        None => texts(schema),
    }
}

fn texts(schema: &Value) -> Vec<&str> {
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    listed.chain(schema.get("const")).filter_map(Value::as_str).collect()
}

fn is_of(wanted: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    match wanted {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}
