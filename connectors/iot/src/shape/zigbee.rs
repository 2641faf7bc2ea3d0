//! Zigbee2MQTT: `zigbee2mqtt/FRIENDLY_NAME` with one object of measures and states, its availability, and answers of the bridge
//! (<https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html>).

use snodo_connector::fields::{Fields, Take};

use super::{moment, plain};
use crate::config::Config;
use crate::told::{Alert, Told};

const BASE: &str = "zigbee2mqtt/";
const UPDATED: &str = "bridge/response/device/ota_update/update";

/// `is_own`: the channel's own patterns name the topic. A base topic of another name is told by what the bridge puts into each message.
pub fn read(config: &Config, topic: &str, body: &Fields, is_own: bool) -> Option<Told> {
    let name = match topic.strip_prefix(BASE) {
        Some(name) => name,
        None if !is_own && body.contains_key("linkquality") => topic.split_once('/')?.1,
        None if is_own && body.contains_key("linkquality") => topic,
        None => return None,
    };
    if name.ends_with(UPDATED) {
        return updated(body);
    }
    let mut rest = body.clone();
    let mut told = Told { time: moment(&mut rest, &["last_seen"], config), ..Told::default() };
    if let Some(name) = name.strip_suffix("/availability") {
        told.device.insert("id".to_owned(), name.into());
        if let Some(is_online) = rest.take("state", |state| match state.as_str()? {
            "online" => Some(true),
            "offline" => Some(false),
            _ => None,
        }) {
            told.alerts.push(Alert::change("offline", !is_online));
        }
        told.rest = rest;
        return Some(told);
    }
    if name.starts_with("bridge/") || name.ends_with("/set") || name.ends_with("/get") {
        // The bridge's own talk, and what others ask of devices.
        return Some(Told { rest, ..Told::default() });
    }
    if let Some(mut device) = rest.object("device") {
        told.device = device.texts(&[
            ("friendlyName", "name"),
            ("friendly_name", "name"),
            ("manufacturerName", "manufacturer"),
            ("manufacturer_name", "manufacturer"),
            ("model", "model"),
            ("ieeeAddr", "serial_number"),
            ("ieee_address", "serial_number"),
            ("softwareBuildID", "firmware"),
            ("software_build_id", "firmware"),
        ]);
        rest.leave("device", device);
    }
    told.device.insert("id".to_owned(), name.into());
    plain::measures(&mut rest, &mut told, config);
    // Battery cells are measured in millivolts, plugs in volts; no device has both.
    for reading in told.readings.iter_mut().filter(|reading| reading.name == "voltage") {
        if told.device.contains_key("battery_percent") || told.battery_is_low {
            reading.unit = Some("mV".to_owned());
        }
    }
    told.rest = rest;
    Some(told)
}

/// What the bridge answers once a device has its new software.
fn updated(body: &Fields) -> Option<Told> {
    let mut rest = body.clone();
    let mut told = Told::default();
    let is_ok = rest.take("status", |status| Some(status.as_str()? == "ok"))?;
    let mut data = rest.object("data").unwrap_or_default();
    told.device.leave("id", data.text("id"));
    for (from, to) in [("to", "version"), ("from", "previous_version")] {
        let Some(mut build) = data.object(from) else { continue };
        let version = build.text("software_build_id").or_else(|| build.text("file_version"));
        told.firmware.leave(to, version);
        data.leave(from, build);
    }
    if !is_ok || !told.firmware.contains_key("version") {
        return Some(Told { rest: body.clone(), ..Told::default() });
    }
    told.firmware.leave("outcome", "succeeded");
    rest.leave("data", data);
    told.rest = rest;
    Some(told)
}
