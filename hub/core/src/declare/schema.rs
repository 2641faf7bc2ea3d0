//! The JSON Schemas of the files, for editors and for `read`. Made from the types, so that they never say anything else.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::shape::{tag_of, tag_value};
use super::{Channel, Hub, Manifest, Route};

macro_rules! made_once {
    ($(#[$doc:meta])* $name:ident, $type:ty, $finish:expr) => {
        $(#[$doc])*
        pub fn $name() -> &'static Value {
            static SCHEMA: LazyLock<Value> = LazyLock::new(|| $finish(of::<$type>()));
            &SCHEMA
        }
    };
}

fn of<T: schemars::JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().into()
}

made_once!(
    /// The schema of `hub.toml`.
    hub, Hub, std::convert::identity
);
made_once!(
    /// The schema of `routes/*.toml`.
    route, Route, std::convert::identity
);
made_once!(
    /// The schema of `channels/*.toml` as it is written: what a connector's manifest brings may be left out.
    channel, Channel, loosened
);
made_once!(
    /// The schema of `connector.toml`.
    manifest, Manifest, std::convert::identity
);
made_once!(
    /// The schema of a channel with its connector's defaults filled in.
    whole_channel, Channel, std::convert::identity
);
made_once!(
    /// A channel of whose connector nothing is known.
    partial_channel, Channel, partial
);
made_once!(verify, crate::verify::Verify, std::convert::identity);
made_once!(challenge, crate::verify::Challenge, std::convert::identity);
made_once!(auth, crate::authorize::Auth, std::convert::identity);
made_once!(sign, crate::authorize::Sign, std::convert::identity);

/// The schema with nothing required in it.
pub fn without_required(schema: &Value) -> Value {
    match schema {
        Value::Object(object) => {
            let kept = object.iter().filter(|(key, value)| !(*key == "required" && value.is_array()));
            kept.map(|(key, value)| (key.clone(), without_required(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(without_required).collect(),
        plain => plain.clone(),
    }
}

/// Whatever is not at the top of the file can come from somewhere else.
fn partial(mut schema: Value) -> Value {
    if let Some(definitions) = schema.get_mut("$defs") {
        *definitions = without_required(definitions);
    }
    schema
}

/// Lets the key that tells variants apart be left out too: then any of their keys may stand there.
fn loosened(schema: Value) -> Value {
    let mut schema = partial(schema);
    let definitions = schema.get_mut("$defs").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, definition) in definitions {
        let variants = definition.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(tag) = tag_of(&variants) else { continue };
        let mut union = Map::new();
        for variant in &variants {
            union.extend(variant["properties"].as_object().cloned().unwrap_or_default());
        }
        let names: Vec<&str> = variants.iter().filter_map(|variant| tag_value(variant, tag)).collect();
        union.insert(tag.to_owned(), json!({ "enum": names }));
        let mut loose = json!({
            "type": "object",
            "if": { "required": [tag] },
            "then": { "oneOf": &variants },
            "else": { "properties": union, "additionalProperties": false },
        });
        if let Some(description) = definition.get("description") {
            loose["description"] = description.clone();
        }
        *definition = loose;
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `visit` with each property of each object in the schema.
    fn each_property(schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            // A choice between keys says of each choice what it is.
            let told = properties.len() == 1 && schema.get("description").is_some();
            properties.iter().filter(|_| !told).for_each(|(name, property)| visit(name, property));
        }
        match schema {
            Value::Object(object) => object.values().for_each(|inner| each_property(inner, visit)),
            Value::Array(items) => items.iter().for_each(|inner| each_property(inner, visit)),
            _ => {}
        }
    }

    #[test]
    fn every_key_is_described() {
        for (file, schema) in
            [("hub", hub()), ("channel", channel()), ("route", route()), ("connector", manifest())]
        {
            each_property(schema, &mut |name, property| {
                let explains_itself = property.get("const").is_some() || property.get("enum").is_some();
                assert!(
                    explains_itself || property.get("description").is_some(),
                    "{file}: {name} {property}"
                );
            });
        }
    }

    #[test]
    fn the_schemas_for_editors_are_json_schema_and_take_what_may_be_written() {
        let short: Value = toml::from_str(
            "title = 'Shop'\nowner = 'Team'\npurpose = 'Orders'\nconnector = 'shopify'\n[receive.verify]\nsecret = { env = 'SHOP' }",
        )
        .unwrap();
        let wrong: Value = toml::from_str(
            "title = 'Shop'\nowner = 'Team'\npurpose = 'x'\nconnector = 'shopify'\n[receive]\nfoldr = 'x'",
        )
        .unwrap();
        let channel = jsonschema::draft202012::new(channel()).unwrap();
        assert!(
            channel.is_valid(&short),
            "{:?}",
            channel.iter_errors(&short).map(|e| e.to_string()).collect::<Vec<_>>()
        );
        assert!(!channel.is_valid(&wrong));
        for schema in [hub(), route(), manifest()] {
            jsonschema::draft202012::new(schema).unwrap();
        }
    }
}
