//! Events of what a message tells. Whatever nobody took is under `vendor` of the first of them.

use serde_json::{Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{Fields, Take};

use crate::config::Config;
use crate::told::{Alert, Crossing, Reading, Told};

pub fn drafts(config: &Config, topic: &str, mut told: Told) -> Vec<Draft> {
    quiet(config, &mut told);
    // The fields of an object have no order, events have one.
    told.readings.sort_by(|one, other| one.name.cmp(&other.name));
    told.alerts.sort_by_key(|alert| alert.fields.get("code").map(Value::to_string));
    let mut made = Made { topic, base: base(&told), told: &told, drafts: Vec::new() };
    if told.device_id().is_some() {
        made.of_device(config);
    }
    made.of_people();
    let mut drafts = made.drafts;
    if let Some((_, data)) = drafts.first_mut() {
        data.leave("vendor", told.rest);
    }
    drafts
        .into_iter()
        .map(|(draft, data)| Draft { data: json!(data).to_string().into_bytes(), ..draft })
        .collect()
}

/// A device that repeats its states says no all day: those are readings, zero for no. So is the charge of a battery if that is all.
fn quiet(config: &Config, told: &mut Told) {
    let (told_of, quiet): (Vec<Alert>, Vec<Alert>) = std::mem::take(&mut told.alerts)
        .into_iter()
        .partition(|alert| alert.is_raised || alert.is_change || config.report_cleared);
    told.alerts = told_of;
    let state = |alert: Alert| {
        let name = alert.fields.get("code")?.as_str()?.to_owned();
        Some(Reading { name, value: 0.into(), unit: None, previous: None })
    };
    told.readings.extend(quiet.into_iter().filter_map(state));
    let says_nothing = told.readings.is_empty() && told.alerts.is_empty() && told.firmware.is_empty();
    if says_nothing
        && let Some(value) = told.device.get("battery_percent").and_then(Value::as_number).cloned()
    {
        let unit = Some("%".to_owned());
        told.readings.push(Reading { name: "battery".to_owned(), value, unit, previous: None });
    }
}

struct Made<'t> {
    topic: &'t str,
    /// What every event has.
    base: Fields,
    told: &'t Told,
    drafts: Vec<(Draft, Fields)>,
}

fn base(told: &Told) -> Fields {
    let mut location = Fields::new();
    location.leave("store", json!({"id": told.store}));
    location.leave("geo", told.geo.clone());
    let mut base = Fields::new();
    base.leave("customer", json!({"identifiers": told.identifiers}));
    base.leave("touchpoint", json!({"channel": "iot", "location": location}));
    base
}

impl Made<'_> {
    fn of_device(&mut self, config: &Config) {
        let told = self.told;
        let device = told.device_id().unwrap_or_default();
        if !told.readings.is_empty() {
            let mut data = self.with_device();
            data.leave("telemetry", telemetry(&told.readings, told.time.as_deref()));
            self.push("iot.telemetry.sampled", "", data);
        }
        for Reading { name, value, unit, previous } in &told.readings {
            let value_of_it = value.as_f64().unwrap_or_default();
            let thresholds = config.thresholds.iter();
            for (limit, direction) in
                thresholds.filter_map(|one| one.crossed(device, name, value_of_it, *previous))
            {
                let mut data = self.with_device();
                let telemetry = json!({
                    "name": name, "value": value, "unit": unit,
                    "threshold": limit, "direction": direction, "previous": previous,
                });
                data.leave("telemetry", telemetry);
                self.push("iot.threshold.crossed", &format!("{name}/{direction}/{limit}"), data);
            }
        }
        for alert in &told.alerts {
            let kind = match alert.is_raised {
                true => "iot.alert.raised",
                false => "iot.alert.cleared",
            };
            if !alert.is_raised && !["code", "name", "id"].iter().any(|name| alert.fields.contains_key(*name))
            {
                continue;
            }
            if alert.is_raised
                && !["code", "name", "text"].iter().any(|name| alert.fields.contains_key(*name))
            {
                continue;
            }
            let mut data = self.with_device();
            data.leave("alert", alert.fields.clone());
            let which = ["code", "id", "name"].iter().find_map(|name| alert.fields.get(*name)?.as_str());
            self.push(kind, which.unwrap_or_default(), data);
        }
        let charge = told.device.get("battery_percent").and_then(Value::as_f64);
        if told.battery_is_low || charge.is_some_and(|charge| charge <= config.battery_low_percent) {
            let mut data = self.with_device();
            let remaining = told.device.get("battery_percent");
            data.leave("consumable", json!({"name": "battery", "remaining_percent": remaining}));
            self.push("iot.consumable.low", "battery", data);
        }
        if told.firmware.contains_key("version") {
            let mut data = self.with_device();
            data.leave("firmware", told.firmware.clone());
            let version = told.firmware.get("version").and_then(Value::as_str).unwrap_or_default();
            self.push("iot.firmware.updated", version, data);
        }
    }

    fn of_people(&mut self) {
        let told = self.told;
        if let Some(crossing) = told.crossing
            && (told.zone.contains_key("id") || told.zone.contains_key("name"))
        {
            let (kind, direction) = match crossing {
                Crossing::Entered => ("store.zone.entered", "entered"),
                Crossing::Exited => ("store.zone.exited", "exited"),
            };
            let mut data = self.in_store();
            data.leave("zone", told.zone.clone());
            data.leave("region_crossing", json!({"zone": told.zone, "direction": direction}));
            let zone = told.zone.get("id").or_else(|| told.zone.get("name")).and_then(Value::as_str);
            self.push(kind, zone.unwrap_or_default(), data);
        }
        if told.beacon.contains_key("id") || told.beacon.contains_key("uuid") {
            let mut data = self.in_store();
            data.leave("beacon", told.beacon.clone());
            data.leave("zone", told.zone.clone());
            let part = |name: &str| told.beacon.get(name).map(declarative::columns::plain);
            let which: Vec<String> =
                ["id", "uuid", "major", "minor"].iter().filter_map(|name| part(name)).collect();
            self.push("store.beacon.seen", &which.join("/"), data);
        }
    }

    fn with_device(&self) -> Fields {
        let mut device = self.told.device.clone();
        device.entry("class").or_insert_with(|| "iot".into());
        let mut data = self.base.clone();
        data.insert("device".to_owned(), device.into());
        if !self.told.zone.is_empty() {
            data["touchpoint"]["location"]["zone"] = self.told.zone.clone().into();
        }
        data
    }

    fn in_store(&self) -> Fields {
        let mut data = self.base.clone();
        if !self.told.device.is_empty() {
            data["touchpoint"]["device"] = self.told.device.clone().into();
        }
        data.leave("store", json!({"id": self.told.store}));
        data
    }

    /// A device has no numbers for its messages, mostly; but it is never at one time in two states of one topic.
    fn push(&mut self, kind: &str, which: &str, data: Fields) {
        let told = self.told;
        let mut draft = Draft::new(kind, &());
        let marks = [told.id.as_deref(), told.time.as_deref()];
        let mark: Vec<&str> = marks.into_iter().flatten().collect();
        if !mark.is_empty() {
            let device = told.device_id().unwrap_or_default();
            let parts = [self.topic, device, &mark.join("@"), kind, which];
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            draft.key = Some(parts.join("|"));
        }
        draft.time = told.time.clone();
        draft.subject = told.device_id().map(|device| format!("device/{device}"));
        self.drafts.push((draft, data));
    }
}

/// One reading is the telemetry, several are in it.
fn telemetry(readings: &[Reading], at: Option<&str>) -> Value {
    if let [Reading { name, value, unit, previous }] = readings {
        return json!({"name": name, "value": value, "unit": unit, "previous": previous});
    }
    let reading = |Reading { name, value, unit, .. }: &Reading| json!({"name": name, "value": value, "unit": unit, "at": at});
    json!({"readings": readings.iter().map(reading).collect::<Vec<_>>()})
}
