//! One commented example of each file, in which every key stands with its default. What has no default, and the other choices,
//! stand there behind a `#` without a space; remarks have one.

/// `hub.toml`.
pub const HUB: &str = include_str!("example/hub.toml");

/// `channels/NAME.toml`.
pub const CHANNEL: &str = include_str!("example/channel.toml");

/// `routes/NAME.toml`.
pub const ROUTE: &str = include_str!("example/route.toml");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Map, Value};

    use super::*;
    use crate::declare::document::Document;
    use crate::declare::shape::{self, resolve, tag_of, tag_value};
    use crate::declare::{FileInlet, FileOutlet, Hub, SourceFile, schema};

    /// A key of a file's schema: where, in which variant of its section, and what it is by default.
    type Keys = Vec<(String, Option<Value>)>;

    /// Every key that can stand in a file. Keys of maps and of open objects are the user's own.
    fn keys(root: &Value, schema: &Value, at: &str, found: &mut Keys) {
        let (schema, name) = resolve(root, schema);
        // All of [receive.auth] stands at [send.auth].
        if name == Some("SecretRef") || at == "receive.auth" {
            return;
        }
        let variants = schema.get("oneOf").and_then(Value::as_array).map_or(&[] as &[Value], Vec::as_slice);
        let tag = tag_of(variants);
        if let Some(tag) = tag {
            for variant in variants {
                let name = tag_value(variant, tag).unwrap();
                found.push((format!("{at}.{tag}={name}"), None));
            }
        }
        for part in std::iter::once(schema).chain(variants) {
            for (key, inner) in part.get("properties").and_then(Value::as_object).unwrap_or(&Map::new()) {
                if Some(key.as_str()) == tag {
                    continue;
                }
                let at = format!("{at}.{key}").trim_start_matches('.').to_owned();
                found.push((at.clone(), inner.get("default").filter(|value| !value.is_null()).cloned()));
                keys(root, inner, &at, found);
                if let Some(entry) = inner.get("additionalProperties").filter(|entry| entry.is_object()) {
                    keys(root, entry, &format!("{at}.*"), found);
                }
            }
        }
    }

    /// The keys that stand in an example, active or behind a `#`, with their values.
    fn standing(text: &str) -> Keys {
        let mut section = String::new();
        let mut found = Keys::new();
        for line in text.lines() {
            let line = line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line);
            if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                section = header.to_owned();
                let ends = header.match_indices('.').map(|(end, _)| end).chain([header.len()]);
                found.extend(ends.map(|end| (header[..end].to_owned(), None)));
            } else if !line.starts_with('#') && line.contains('=') {
                let table: Map<String, Value> = toml::from_str(line).expect(line);
                spread(&section, &table, &mut found);
            }
        }
        found
    }

    fn spread(at: &str, table: &Map<String, Value>, found: &mut Keys) {
        for (key, value) in table {
            let at = format!("{at}.{key}").trim_start_matches('.').to_owned();
            found.push((at.clone(), Some(value.clone())));
            if let Value::String(text) = value {
                found.push((format!("{at}={text}"), None));
            }
            if let Value::Object(inner) = value {
                spread(&at, inner, found);
            }
        }
    }

    #[test]
    fn every_key_stands_in_its_example_with_its_default() {
        for (text, schema) in
            [(HUB, schema::hub()), (CHANNEL, schema::whole_channel()), (ROUTE, schema::route())]
        {
            let (mut wanted, found) = (Keys::new(), standing(text));
            keys(schema, schema, "", &mut wanted);
            assert!(wanted.len() > 5, "the schema has keys");
            let mut missing = BTreeSet::new();
            for (at, default) in &wanted {
                // Below a map the example's own names stand.
                let same = |one: &str| {
                    let (one, at) = (one.split('.'), at.split('.'));
                    one.clone().count() == at.clone().count() && one.zip(at).all(|(a, b)| a == b || b == "*")
                };
                let values: Vec<_> =
                    found.iter().filter(|(one, _)| same(one)).map(|(_, value)| value).collect();
                if values.is_empty() {
                    missing.insert(at);
                }
                if let Some(default) = default.as_ref().filter(|default| !default.is_object()) {
                    let stands = values.iter().flat_map(|value| value.as_ref()).any(|value| value == default);
                    assert!(stands, "{at} stands as {values:?}, and is {default} by default");
                }
            }
            assert!(missing.is_empty(), "missing: {missing:?}");
        }
    }

    #[test]
    fn each_example_has_the_shape_of_its_file() {
        for (text, schema) in
            [(HUB, schema::hub()), (CHANNEL, schema::whole_channel()), (ROUTE, schema::route())]
        {
            let file = SourceFile { path: "example.toml".into(), text: text.into() };
            let document = Document::parse(&file).unwrap();
            assert_eq!(shape::check(&document, schema, &document.value), []);
        }
    }

    #[test]
    fn the_example_of_the_hub_is_its_default() {
        let example: Hub = toml::from_str(HUB).unwrap();
        let purposes = example.purposes.clone();
        assert_eq!(purposes.len(), 4, "one for each basis");
        assert_eq!(example, Hub { company: "acme".into(), purposes, ..Hub::default() });
    }

    #[test]
    fn a_folder_is_all_that_a_file_transport_needs() {
        toml::from_str::<FileInlet>("folder = 'inbox'").unwrap();
        toml::from_str::<FileOutlet>("folder = 'outbox'").unwrap();
    }

    #[test]
    fn the_page_on_configuration_shows_the_examples_as_they_are() {
        let page = include_str!("../../../../docs/configuration.md");
        for text in [HUB, CHANNEL, ROUTE] {
            assert!(page.contains(text.trim_end()), "docs/configuration.md lacks:\n{text}");
        }
    }
}
