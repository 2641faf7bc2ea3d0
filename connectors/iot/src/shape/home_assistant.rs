//! Home Assistant's states: alone, as its REST interface and automations give them, or in an event `state_changed` of its WebSocket
//! interface (<https://developers.home-assistant.io/docs/api/websocket>).

use serde_json::Value;
use snodo_connector::fields::{Fields, Take};

use super::{moment, plain};
use crate::config::Config;
use crate::measure;
use crate::told::{Alert, Reading, Told};

pub fn read(config: &Config, body: &Fields) -> Option<Told> {
    let mut rest = body.clone();
    let mut told = Told::default();
    if rest.get("type").and_then(Value::as_str) == Some("event")
        && let Some(mut event) = rest.object("event")
    {
        changed(config, &mut event, &mut told)?;
        rest.leave("event", event);
    } else if rest.get("event_type").is_some() {
        changed(config, &mut rest, &mut told)?;
    } else if is_state(&rest) {
        state(config, &mut rest, None, &mut told);
    } else {
        return None;
    }
    told.rest = rest;
    Some(told)
}

fn is_state(fields: &Fields) -> bool {
    let entity = fields.get("entity_id").and_then(Value::as_str);
    entity.is_some_and(|entity| entity.contains('.')) && fields.contains_key("state")
}

/// `{"event_type": "state_changed", "data": {"old_state": …, "new_state": …}}`
fn changed(config: &Config, event: &mut Fields, told: &mut Told) -> Option<()> {
    if event.get("event_type").and_then(Value::as_str) != Some("state_changed") {
        return None;
    }
    let mut data = event.object("data")?;
    let mut new = data.object("new_state").filter(is_state)?;
    let previous = data.get("old_state").and_then(|old| old.get("state")).cloned();
    if data.get("entity_id") == new.get("entity_id") {
        data.shift_remove("entity_id");
    }
    state(config, &mut new, previous.as_ref(), told);
    data.leave("new_state", new);
    event.leave("data", data);
    if let Some(context) = event.get("context").and_then(|context| context.get("id")).and_then(Value::as_str)
    {
        told.id = Some(context.to_owned());
    }
    Some(())
}

/// One entity is one device, and has one value.
fn state(config: &Config, state: &mut Fields, previous: Option<&Value>, told: &mut Told) {
    let entity = state.text("entity_id").unwrap_or_default();
    let (domain, object) = entity.split_once('.').unwrap_or(("", &entity));
    let (domain, object) = (domain.to_owned(), object.to_owned());
    told.device.insert("id".to_owned(), entity.into());
    told.time = moment(state, &["last_updated", "last_changed"], config);
    let mut attributes = state.object("attributes").unwrap_or_default();
    told.device.leave("name", attributes.text("friendly_name"));
    let class = attributes.text("device_class");
    let unit = attributes.text("unit_of_measurement").map(|unit| measure::ucum(&unit));
    match (domain.as_str(), class.as_deref()) {
        ("binary_sensor", Some("battery")) => {
            told.battery_is_low |= state.get("state").and_then(measure::truth).unwrap_or(false);
            if told.battery_is_low {
                state.shift_remove("state");
            }
        }
        ("binary_sensor", Some(class)) if plain::ALERTS.contains(&class) => {
            if let Some(is_raised) = state.take("state", measure::truth) {
                let is_change = previous.and_then(measure::truth).is_some_and(|before| before != is_raised);
                told.alerts.push(Alert { is_change, ..Alert::state(class, is_raised) });
            }
        }
        ("binary_sensor", class) => {
            if let Some(truth) = state.take("state", measure::truth) {
                let name = class.map_or(object, str::to_owned);
                let previous = previous.and_then(measure::truth).map(|truth| f64::from(u8::from(truth)));
                told.readings.push(Reading { name, value: u8::from(truth).into(), unit: None, previous });
            }
        }
        (_, class) => {
            if let Some(value) = state.take("state", measure::number) {
                let previous = previous.and_then(measure::number).and_then(|number| number.as_f64());
                if class == Some("battery") && (0.0..=100.0).contains(&value.as_f64().unwrap_or(-1.0)) {
                    told.device.insert("battery_percent".to_owned(), Value::Number(value.clone()));
                }
                let name = class.map_or(object, str::to_owned);
                told.readings.push(Reading { name, value, unit, previous });
            }
        }
    }
    if let Some(level) = attributes.take("battery_level", measure::number) {
        told.device.insert("battery_percent".to_owned(), Value::Number(level));
    }
    state.leave("attributes", attributes);
}
