//! A channel's `[config]` against its connector's own JSON Schema.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use super::document::{Document, Spot, escape};
use super::{Manifest, Mistake, wording};

pub fn check(document: &Document<'_>, manifest: &Manifest, mistakes: &mut Vec<Mistake>) {
    let empty = Value::Object(serde_json::Map::new());
    let config = document.value.get("config").unwrap_or(&empty);
    if manifest.config.is_empty() {
        if document.has("/config") && *config != empty {
            let message = format!("the connector {:?} has no settings", manifest.name);
            mistakes.push(document.mistake(&Spot::Key("/config"), message, "leave [config] out"));
        }
        return;
    }
    let schema = Value::Object(manifest.config.clone());
    let Ok(validator) = jsonschema::draft202012::new(&schema) else {
        // `Manifest::parse` refuses such a schema; a manifest made in another way is not the channel's mistake.
        return;
    };
    for error in validator.iter_errors(config) {
        let at = format!("/config{}", error.instance_path());
        explain(&schema, &error, &at, document, mistakes);
    }
}

fn explain(
    schema: &Value,
    error: &jsonschema::ValidationError<'_>,
    at: &str,
    document: &Document<'_>,
    mistakes: &mut Vec<Mistake>,
) {
    let place = wording::section(at);
    let name = wording::keys(&[&wording::path(at)]);
    let shown = wording::value(error.instance());
    let holder = properties_at(schema, error.schema_path().as_str());
    let known: Vec<&str> = holder.map_or(Vec::new(), |all| all.keys().map(String::as_str).collect());
    let mut say = |spot: &Spot<'_>, message: String, remedy: String| {
        mistakes.push(document.mistake(spot, message, remedy));
    };
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            for key in unexpected {
                let remedy = match wording::nearest(key, &known) {
                    Some(meant) => {
                        format!("did you mean `{meant}`? Here there are: {}", wording::keys(&known))
                    }
                    None if known.is_empty() => "leave it out".to_owned(),
                    None => format!("leave it out, or choose one of: {}", wording::keys(&known)),
                };
                let spot = format!("{at}/{}", escape(key));
                say(
                    &Spot::Key(&spot),
                    format!("there is no key {} in {place}", wording::keys(&[key])),
                    remedy,
                );
            }
        }
        Kind::Required { property } => {
            let key = property.as_str().unwrap_or("");
            let about = holder.and_then(|all| all.get(key)).and_then(describe).unwrap_or_default();
            let remedy = format!("add {} = … below {place}{about}", wording::key(key));
            say(&Spot::Key(at), format!("{place} does not say its {}", wording::keys(&[key])), remedy);
        }
        Kind::Enum { options } => {
            let choices: Vec<&str> =
                options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let remedy = wording::choose(error.instance().as_str().unwrap_or(""), &choices);
            say(&Spot::Value(at), format!("{name} cannot be {shown}"), remedy);
        }
        Kind::Type { kind: TypeKind::Single(wanted) } => {
            let remedy = match wanted.to_string().as_str() {
                "string" => "write text in quotation marks: \"…\"".to_owned(),
                "integer" | "number" => "write a number, without quotation marks".to_owned(),
                "boolean" => "write true or false, without quotation marks".to_owned(),
                "array" => "write a list: [\"…\"]".to_owned(),
                _ => format!("write [{}] and its keys below it", wording::path(at)),
            };
            say(&Spot::Value(at), format!("{name} is of another type: {shown}"), remedy);
        }
        Kind::Pattern { pattern } => {
            say(
                &Spot::Value(at),
                format!("{name} cannot be {shown}"),
                format!("write text that fits {pattern}"),
            );
        }
        _ => {
            let remedy = "`snodo connector show` explains each setting".to_owned();
            say(&Spot::Value(at), format!("{name}: {error}"), remedy);
        }
    }
}

/// The properties of the part of the schema whose keyword failed.
fn properties_at<'s>(schema: &'s Value, keyword: &str) -> Option<&'s serde_json::Map<String, Value>> {
    let (part, _) = keyword.rsplit_once('/')?;
    schema.pointer(part)?.get("properties")?.as_object()
}

/// What a property is for, as its schema says.
fn describe(property: &Value) -> Option<String> {
    let text = property.get("description").or_else(|| property.get("title"))?.as_str()?;
    Some(format!(": {text}"))
}
