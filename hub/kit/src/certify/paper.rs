//! What a connector says of itself, and which configurations its schema lets through.

use serde_json::{Map, Value, json};
use snodo_host::Role;

use super::{Check, Level, Trial};
use crate::golden::{Batch, Original, Sample, Side, Walk};

pub fn manifest(trial: &Trial<'_>) -> Check {
    let mut check = Check::new("manifest", Level::Bronze);
    let manifest = &trial.folder.manifest;
    let mut needs = |holds: bool, at: &str, what: &str| {
        check.tried += 1;
        if !holds {
            check.find("incomplete-manifest", at, what);
        }
    };
    needs(manifest.documentation.is_some(), "documentation", "name the page that the mapping follows");
    needs(
        trial.folder.path.join("README.md").is_file(),
        "README.md",
        "say what is mapped and how to set it up",
    );
    let said = manifest.roles();
    for role in Role::ALL {
        let (has, said) = (trial.connector.has(role), said.contains(&role.as_str()));
        let what = match has {
            true => format!("the component is a {0}: say so in [{0}]", role.as_str()),
            false => format!("the component is no {0}, but [{0}] is there", role.as_str()),
        };
        needs(has == said, role.as_str(), &what);
    }
    check
}

pub fn configuration(trial: &Trial<'_>) -> Check {
    let mut check = Check::new("configuration", Level::Bronze);
    let config = &trial.folder.manifest.config;
    if config.is_empty() {
        check.needless("channels have nothing to configure");
        return check;
    }
    let Ok(schema) = jsonschema::draft202012::new(&Value::Object(config.clone())) else {
        check.find("bad-schema", "/config", "it is no JSON Schema 2020-12");
        return check;
    };
    let good = samples(trial);
    for (name, config) in &good {
        check.tried += 1;
        if let Err(error) = schema.validate(config) {
            check.find("bad-sample", name, format!("its configuration is not valid: {error}"));
        }
    }
    let base = good.first().map_or_else(|| json!({}), |(_, config)| config.clone());
    let unknown = schema.is_valid(&with(&base, "no_such_key", json!(1)));
    accepted(
        &mut check,
        unknown,
        "/config",
        "a key that does not exist is let through: additionalProperties = false",
    );
    for (name, property) in properties(config) {
        let at = format!("/config/properties/{name}");
        // One of these may be of a kind that the property has; a property that takes more says nothing.
        let wrongs = [json!([[]]), json!({"no such": {}}), json!(false), json!("\u{0}"), json!(-0.5)];
        let taken =
            wrongs.iter().filter(|wrong| schema.is_valid(&with(&base, name, (*wrong).clone()))).count();
        accepted(&mut check, taken > 1, &at, "values of different kinds are let through: give it a type");
        let helps = ["title", "description"]
            .iter()
            .all(|key| property[*key].as_str().is_some_and(|text| !text.is_empty()));
        check.tried += 1;
        if !helps {
            check.find("configuration-without-help", &at, "give it a title and a description");
        }
    }
    check
}

/// Whether something bad got through.
fn accepted(check: &mut Check, bad: bool, at: &str, what: &str) {
    check.tried += 1;
    if bad {
        check.find("accepts-bad-configuration", at, what);
    }
}

fn properties(config: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    config.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn with(base: &Value, name: &str, value: Value) -> Value {
    let mut changed = base.clone();
    changed[name] = value;
    changed
}

/// The configurations of the cases.
fn samples(trial: &Trial<'_>) -> Vec<(String, Value)> {
    let read = |case: &crate::golden::Case| {
        let config = match case.side {
            Side::Source => Sample::read(&case.folder).ok()?.config,
            Side::Poll => Walk::read(&case.folder).ok()?.config,
            Side::Destination => Batch::read(&case.folder).ok()?.config,
            Side::Transform => Original::read(&case.folder).ok()?.config,
        };
        Some((case.name.clone(), serde_json::from_slice(&config).ok()?))
    };
    trial.folder.cases.iter().filter_map(read).collect()
}
