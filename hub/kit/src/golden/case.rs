//! The files of a case: finding, reading and writing them.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::difference::differences;

/// When the hub took the message, where a case does not say: 2026-01-01T00:00:00Z.
pub const RECEIVED_MS: u64 = 1_767_225_600_000;

/// The channel that every case runs in.
pub const CHANNEL: &str = "golden";

/// Compares with what is expected, or makes it what is expected.
pub fn settle(case: &Path, actual: &Value, update: bool) -> Result<(), String> {
    let path = case.join("expected.json");
    if update {
        let mut text = serde_json::to_string_pretty(actual).expect("a JSON value is always JSON");
        text.push('\n');
        return fs::write(&path, text)
            .map_err(|error| format!("failed to write {}: {error}", path.display()));
    }
    let expected: Value = json(&path)?;
    let found = differences(&expected, actual);
    if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
}

/// A channel's configuration as a connector is given it.
pub fn config(config: &toml::Table) -> Vec<u8> {
    plain(&toml::Value::Table(config.clone())).to_string().into_bytes()
}

/// The `config.toml` of a case; without one a channel has nothing configured.
pub fn config_beside(folder: &Path) -> Result<Vec<u8>, String> {
    let path = folder.join("config.toml");
    let table = if path.exists() { toml(&path)? } else { toml::Table::new() };
    Ok(config(&table))
}

pub fn text(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("failed to read {}: {error}", path.display()))
}

pub fn json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    serde_json::from_str(&text(path)?).map_err(|error| format!("failed to read {}: {error}", path.display()))
}

pub fn toml<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    toml::from_str(&text(path)?).map_err(|error| format!("failed to read {}: {error}", path.display()))
}

/// TOML as JSON; times become text.
pub fn plain(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(truth) => Value::from(*truth),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
        toml::Value::Array(items) => items.iter().map(plain).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.iter().map(|(key, value)| (key.clone(), plain(value))).collect())
        }
    }
}

/// Milliseconds since the epoch of an RFC 3339 time.
pub fn millis(text: &str) -> Result<u64, String> {
    let time = text.parse::<jiff::Timestamp>().ok();
    time.and_then(|time| u64::try_from(time.as_millisecond()).ok()).ok_or_else(|| {
        format!("{text:?} is not a time since 1970 with its offset, like \"2026-01-01T00:00:00Z\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_the_epoch() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-01-01T00:00:00Z", Some(RECEIVED_MS)),
            ("2024-02-29T23:59:59.250+01:00", Some(1_709_247_599_250)),
            ("2000-03-01T00:00:00Z", Some(951_868_800_000)),
            ("2026-01-01", None),
            ("1969-12-31T00:00:00Z", None),
        ] {
            assert_eq!(millis(text).ok(), expected, "{text}");
        }
    }
}
