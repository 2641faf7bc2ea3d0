//! Which shape a message has, and where its device is. The first that fits reads it.

mod home_assistant;
mod owntracks;
mod plain;
mod presence;
mod tasmota;
mod zigbee;

use serde_json::Value;
use snodo_connector::fields::{Fields, Take};
use snodo_connector::{text, time};

use crate::config::Config;
use crate::told::Told;

/// What a topic names. The channel's own patterns come first.
#[derive(Default)]
pub struct Named {
    pub device: Option<String>,
    pub store: Option<String>,
    pub zone: Option<String>,
    /// What is measured, where each value has a topic of its own.
    pub measure: Option<String>,
}

impl Named {
    fn of(config: &Config, topic: &str) -> Option<Self> {
        let found = config.topics.iter().find_map(|pattern| pattern.read(topic))?;
        let name = |wanted: &str| {
            found.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        };
        Some(Self {
            device: name("device"),
            store: name("store"),
            zone: name("zone"),
            measure: name("measure"),
        })
    }
}

pub fn read(config: &Config, topic: &str, body: Value) -> Option<Told> {
    let named = Named::of(config, topic);
    let body = match body {
        Value::Object(body) => body,
        value => return plain::value(config, topic, &named.unwrap_or_default(), &value),
    };
    let is_own = named.is_some();
    let named = named.unwrap_or_default();
    let mut told = if let Some(told) = home_assistant::read(config, &body) {
        told
    } else if let Some(told) = owntracks::read(topic, &body) {
        told
    } else if let Some(told) = zigbee::read(config, topic, &body, is_own) {
        told
    } else if let Some(told) = tasmota::read(config, topic, &body) {
        told
    } else if let Some(told) = presence::read(topic, &body) {
        told
    } else {
        plain::read(config, &body)
    };
    if let Some(device) = named.device {
        told.device.insert("id".to_owned(), device.into());
    }
    told.store = named.store.or(told.store);
    if let Some(zone) = named.zone {
        told.zone.insert("id".to_owned(), zone.into());
    }
    Some(told)
}

/// The moment under one of these names: RFC 3339, or counted seconds or milliseconds.
fn moment(fields: &mut Fields, names: &[&str], config: &Config) -> Option<String> {
    names.iter().find_map(|name| fields.take(name, |value| read_moment(value, config)))
}

fn read_moment(value: &Value, config: &Config) -> Option<String> {
    match value {
        Value::String(text) => match &config.offset {
            Some(offset) => time::local(text, offset),
            None => time::rfc3339(text),
        },
        // Seconds have ten digits until the year 2286, milliseconds thirteen since 2001. Less is time since the device was
        // switched on.
        Value::Number(number) => match number.as_f64()? {
            1e9..1e11 => time::from_epoch_seconds(number),
            1e12..1e14 => time::from_epoch_millis(number),
            _ => None,
        },
        _ => None,
    }
}

/// Text under one of these names.
fn first_text(fields: &mut Fields, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        fields.take(name, |value| {
            let found = snodo_connector::fields::text(value)?;
            text::filled(&found).map(str::to_owned)
        })
    })
}
