//! Tasmota's telemetry: `tele/%topic%/SENSOR` and `STATE`, and answers on `stat/%topic%/…`; an object for each sensor, units beside
//! them (<https://tasmota.github.io/docs/MQTT/>).

use serde_json::Value;
use snodo_connector::fields::{Fields, Take};

use super::{moment, plain};
use crate::config::Config;
use crate::measure;
use crate::told::{Reading, Told};

pub fn read(config: &Config, topic: &str, body: &Fields) -> Option<Told> {
    let device = device(topic);
    // Topics can be set up in another order; the fields are the same.
    let is_telemetry = body.get("Time").is_some_and(Value::is_string);
    if device.is_none() && !is_telemetry {
        return None;
    }
    let mut rest = body.clone();
    let mut told = Told { time: moment(&mut rest, &["Time"], config), ..Told::default() };
    if let Some(device) = device {
        told.device.insert("id".to_owned(), device.into());
    }
    let unit = |rest: &mut Fields, name: &str| rest.text(name).map(|unit| measure::ucum(&unit));
    let temperature = unit(&mut rest, "TempUnit");
    let pressure = unit(&mut rest, "PressureUnit");
    let speed = unit(&mut rest, "SpeedUnit");
    let own = |name: &str| match name {
        "temperature" | "dew_point" => temperature.clone(),
        "pressure" | "sea_pressure" => pressure.clone(),
        "speed" | "wind_speed" => speed.clone(),
        _ => None,
    };
    plain::measures(&mut rest, &mut told, config);
    let sensors: Vec<String> = rest.keys().filter(|name| rest[name.as_str()].is_object()).cloned().collect();
    for sensor in sensors {
        let Some(mut fields) = rest.object(&sensor) else { continue };
        let names: Vec<String> = fields.keys().cloned().collect();
        for name in names {
            let Some((measure, unit)) = measure::known(&name, &config.measures) else { continue };
            let Some(value) = fields.take(&name, measure::number) else { continue };
            let unit = own(&measure).or(unit);
            let name = format!("{}.{measure}", sensor.to_lowercase());
            told.readings.push(Reading { name, value, unit, previous: None });
        }
        rest.leave(&sensor, fields);
    }
    for reading in &mut told.readings {
        reading.unit = own(&reading.name).or(reading.unit.take());
    }
    told.rest = rest;
    Some(told)
}

/// `tele/f7/SENSOR`: the topic of a device may have segments of its own.
fn device(topic: &str) -> Option<&str> {
    let rest = topic.strip_prefix("tele/").or_else(|| topic.strip_prefix("stat/"))?;
    let (device, _) = rest.rsplit_once('/')?;
    (!device.is_empty()).then_some(device)
}
