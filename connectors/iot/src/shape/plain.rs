//! Measures by their names in one object, `{"temperature": 21.5, "humidity": 40}`, as devices without a vendor's format send it; and
//! one value alone.

use serde_json::{Map, Value};
use snodo_connector::fields::{Fields, Take};

use super::{Named, first_text, moment};
use crate::config::Config;
use crate::measure;
use crate::told::{Alert, Crossing, Reading, Told};

/// Fields that say that something is wrong when they are true: device classes of Home Assistant's binary sensors
/// (<https://developers.home-assistant.io/docs/core/entity/binary-sensor>) and Zigbee2MQTT's names for them
/// (<https://www.zigbee2mqtt.io/guide/usage/exposes.html>).
pub const ALERTS: [&str; 13] = [
    "carbon_monoxide",
    "cold",
    "gas",
    "heat",
    "moisture",
    "problem",
    "safety",
    "smoke",
    "sos",
    "tamper",
    "trouble",
    "vibration",
    "water_leak",
];

/// Yes or no as one or zero.
const STATES: [&str; 5] = ["contact", "motion", "occupancy", "presence", "opening"];

const DEVICE: [&str; 7] = ["device_id", "deviceId", "deviceID", "device", "sensor_id", "sensorId", "id"];
const TIME: [&str; 7] = ["time", "timestamp", "ts", "Time", "datetime", "last_seen", "recorded_at"];
const MESSAGE: [&str; 5] = ["message_id", "messageId", "msg_id", "seq", "sequence"];

pub fn read(config: &Config, body: &Fields) -> Told {
    let mut rest = body.clone();
    let mut told = Told {
        id: first_text(&mut rest, &MESSAGE),
        time: moment(&mut rest, &TIME, config),
        store: first_text(&mut rest, &["store", "store_id", "storeId", "shop"]),
        ..Told::default()
    };
    device(&mut rest, &mut told);
    if let Some(id) = first_text(&mut rest, &DEVICE) {
        told.device.entry("id").or_insert_with(|| id.into());
    }
    if let Some(zone) = first_text(&mut rest, &["zone", "zone_id", "zoneId", "room"]) {
        told.zone.insert("id".to_owned(), zone.into());
    }
    told.crossing = rest.take("event", |event| match event.as_str()? {
        "enter" | "entered" | "zone_entered" => Some(Crossing::Entered),
        "exit" | "exited" | "leave" | "left" | "zone_exited" => Some(Crossing::Exited),
        _ => None,
    });
    alert(&mut rest, &mut told, config);
    measures(&mut rest, &mut told, config);
    told.rest = rest;
    told
}

/// A `device` that is an object, or its fields beside the measures.
fn device(rest: &mut Fields, told: &mut Told) {
    if let Some(mut device) = rest.object("device") {
        told.device = device.texts(&[
            ("id", "id"),
            ("name", "name"),
            ("model", "model"),
            ("manufacturer", "manufacturer"),
            ("serial_number", "serial_number"),
            ("firmware", "firmware"),
        ]);
        rest.leave("device", device);
    }
    for (from, to) in [
        ("model", "model"),
        ("manufacturer", "manufacturer"),
        ("serial_number", "serial_number"),
        ("serialNumber", "serial_number"),
        ("serial", "serial_number"),
        ("firmware", "firmware"),
        ("fw", "firmware"),
    ] {
        if !told.device.contains_key(to)
            && let Some(text) = rest.text(from)
        {
            told.device.insert(to.to_owned(), text.into());
        }
    }
}

/// An `alert` that is an object: `code`, `name`, `text`, `severity`, and `state`, raised or cleared.
fn alert(rest: &mut Fields, told: &mut Told, config: &Config) {
    let Some(mut alert) = rest.object("alert") else { return };
    let mut fields = alert.texts(&[
        ("id", "id"),
        ("code", "code"),
        ("name", "name"),
        ("text", "text"),
        ("message", "text"),
        ("component", "component"),
        ("action", "action"),
    ]);
    let state = alert.take("state", |state| match state.as_str()? {
        "raised" | "active" | "on" => Some(true),
        "cleared" | "resolved" | "off" => Some(false),
        _ => None,
    });
    let severity = alert.take("severity", |severity| {
        let word = severity.as_str()?.to_ascii_lowercase();
        ["info", "low", "medium", "high", "critical"].contains(&word.as_str()).then_some(word)
    });
    fields.leave("severity", severity);
    fields.leave("raised_at", moment(&mut alert, &["raised_at"], config));
    fields.leave("cleared_at", moment(&mut alert, &["cleared_at"], config));
    if fields.keys().any(|name| ["code", "name", "text", "id"].contains(&name.as_str())) {
        told.alerts.push(Alert { fields, is_raised: state.unwrap_or(true), is_change: true });
    }
    rest.leave("alert", alert);
}

/// Measures, states and alerts by their names. What is none of them stays.
pub fn measures(rest: &mut Fields, told: &mut Told, config: &Config) {
    let names: Vec<String> = rest.keys().cloned().collect();
    for name in names {
        let plain = measure::snake(&name);
        if plain == "battery" || plain == "battery_percent" || plain == "battery_level" {
            let percent = |value: &Value| {
                measure::number(value)
                    .filter(|number| (0.0..=100.0).contains(&number.as_f64().unwrap_or(-1.0)))
            };
            if let Some(percent) = rest.take(&name, percent) {
                told.device.insert("battery_percent".to_owned(), Value::Number(percent));
            }
        } else if plain == "battery_low" {
            let is_low = |value: &Value| measure::truth(value).filter(|is_low| *is_low);
            told.battery_is_low |= rest.take(&name, is_low).unwrap_or(false);
        } else if ALERTS.contains(&plain.as_str()) {
            if let Some(is_raised) = rest.take(&name, measure::truth) {
                told.alerts.push(Alert::state(&plain, is_raised));
            }
        } else if STATES.contains(&plain.as_str()) {
            if let Some(truth) = rest.take(&name, measure::truth) {
                told.readings.push(Reading {
                    name: plain,
                    value: u8::from(truth).into(),
                    unit: None,
                    previous: None,
                });
            }
        } else if let Some((name_of_it, unit)) = measure::known(&name, &config.measures)
            && let Some(value) = rest.take(&name, measure::number)
        {
            told.readings.push(Reading { name: name_of_it, value, unit, previous: None });
        }
    }
}

/// One value, of which the topic says what it is.
pub fn value(config: &Config, topic: &str, named: &Named, value: &Value) -> Option<Told> {
    let mut told = Told { store: named.store.clone(), ..Told::default() };
    if let Some(zone) = &named.zone {
        told.zone.insert("id".to_owned(), zone.as_str().into());
    }
    if let Some((device, is_online)) = availability(topic, value) {
        let device = named.device.as_deref().unwrap_or(device);
        told.device.insert("id".to_owned(), device.into());
        told.alerts.push(Alert::change("offline", !is_online));
        return Some(told);
    }
    told.device.insert("id".to_owned(), named.device.as_deref()?.into());
    let mut fields = Map::from_iter([(named.measure.clone()?, value.clone())]);
    measures(&mut fields, &mut told, config);
    fields.is_empty().then_some(told)
}

/// The last will of Tasmota's devices (`tele/%topic%/LWT`), and Zigbee2MQTT's availability.
pub fn availability<'t>(topic: &'t str, value: &Value) -> Option<(&'t str, bool)> {
    let device = match topic.strip_suffix("/LWT") {
        Some(device) => device.strip_prefix("tele/").unwrap_or(device),
        None => topic.strip_suffix("/availability")?.split_once('/')?.1,
    };
    match value.as_str()?.to_ascii_lowercase().as_str() {
        "online" => Some((device, true)),
        "offline" => Some((device, false)),
        _ => None,
    }
}
