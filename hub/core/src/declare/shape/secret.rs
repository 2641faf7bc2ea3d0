//! Places where a secret is named. Whoever writes the secret itself there is told how to name it, and it is never shown.

use serde_json::Value;

use super::{Walk, leaf, remedy};
use crate::declare::document::{Document, Spot, escape};
use crate::declare::wording;

const WAYS: [&str; 2] = ["env", "file"];

impl Walk<'_, '_> {
    pub(super) fn visit_secret(&mut self, value: &Value, at: &str) {
        let key = wording::path(&format!("/{}", remedy::last(at)));
        let name = variable(self.document, at);
        let write = format!(
            "write {key} = {{ env = \"{name}\" }}, or {{ file = \"secrets/{}\" }}",
            name.to_lowercase()
        );
        let object = match value {
            Value::Object(object) => object,
            Value::String(text) if text.starts_with('$') => {
                let name = text.trim_matches(['$', '{', '}']);
                let message = format!("{} cannot take a variable in this way", wording::keys(&[&key]));
                let named = if is_variable(name) { name } else { "NAME" };
                let remedy = format!("write {key} = {{ env = \"{named}\" }}");
                return self.report(&Spot::Value(at), message, remedy);
            }
            _ => {
                let message = format!(
                    "{} holds the secret itself; these files are copied and shown, so they only say where it is",
                    wording::keys(&[&key])
                );
                let remedy = format!("put the secret into an environment variable and {write}");
                return self.report(&Spot::Value(at), message, remedy);
            }
        };
        for other in object.keys().filter(|other| !WAYS.contains(&other.as_str())) {
            let spot = format!("{at}/{}", escape(other));
            self.report(&Spot::Key(&spot), remedy::there_is_no(other, at), write.clone());
        }
        match (object.get("env"), object.get("file")) {
            (Some(_), Some(_)) => {
                let message = format!("{} names two places for one secret", wording::keys(&[&key]));
                self.report(&Spot::Key(at), message, "keep `env` or `file`, and leave the other out".into());
            }
            (Some(variable), None) if !variable.as_str().is_some_and(is_variable) => {
                let message = format!(
                    "the `env` of {} is not the name of an environment variable (letters, digits and _)",
                    wording::keys(&[&key])
                );
                self.report(&Spot::Value(&format!("{at}/env")), message, write);
            }
            (None, Some(path)) if path.as_str().is_none_or(str::is_empty) => {
                let message = format!("the `file` of {} is not a path", wording::keys(&[&key]));
                self.report(&Spot::Value(&format!("{at}/file")), message, write);
            }
            (None, None) if object.is_empty() => {
                let message = format!("{} does not say where the secret is", wording::keys(&[&key]));
                self.report(&Spot::Value(at), message, write);
            }
            _ => {}
        }
    }
}

/// A good name for the variable of the secret there: `SHOP_ONLINE_SECRET` for the `secret` of the channel `shop-online`.
pub fn variable(document: &Document<'_>, at: &str) -> String {
    let file = document.file.path.rsplit('/').next().unwrap_or("").trim_end_matches(".toml");
    let parts = format!("{}-{}", leaf::as_name(file), remedy::last(at));
    parts.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// What POSIX lets a variable be called (Base Definitions, 3.216: Name).
fn is_variable(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(fits)
}
