//! What is measured, and in which unit. Units are UCUM's (<https://ucum.org/ucum>); a measure whose unit differs from device to
//! device has none here.

use serde_json::{Number, Value};

/// Names as they are after [`snake`].
const MEASURES: [(&str, &str); 66] = [
    ("absolute_humidity", "g/m3"),
    ("angle", "deg"),
    ("apparent_power", "V.A"),
    ("aqi", ""),
    ("battery_voltage", "V"),
    ("brightness", ""),
    ("carbon_dioxide", "[ppm]"),
    ("carbon_monoxide_ppm", "[ppm]"),
    ("co2", "[ppm]"),
    ("count", "1"),
    ("cups", "1"),
    ("current", "A"),
    ("cycles", "1"),
    ("dew_point", "Cel"),
    ("device_temperature", "Cel"),
    ("distance", "m"),
    ("door_count", "1"),
    ("e_co2", "[ppm]"),
    ("eco2", "[ppm]"),
    ("energy", "kW.h"),
    ("factor", "1"),
    ("fill_level", "%"),
    ("flow", ""),
    ("formaldehyd", "mg/m3"),
    ("frequency", "Hz"),
    ("gas_density", ""),
    ("gas_value", ""),
    ("humidity", "%"),
    ("illuminance", "lx"),
    ("illuminance_lux", "lx"),
    ("level", ""),
    ("local_temperature", "Cel"),
    ("moisture", "%"),
    ("noise", "dB"),
    ("people", "1"),
    ("people_count", "1"),
    ("persons", "1"),
    ("ph", "[pH]"),
    ("pm1", "ug/m3"),
    ("pm10", "ug/m3"),
    ("pm25", "ug/m3"),
    ("pm2_5", "ug/m3"),
    ("position", "%"),
    ("power", "W"),
    ("power_factor", "1"),
    ("pressure", "hPa"),
    ("produced_energy", "kW.h"),
    ("rain", "mm"),
    ("reactive_power", "var"),
    ("sea_pressure", "hPa"),
    ("smoke_density", ""),
    ("soil_moisture", "%"),
    ("sound_pressure", "dB"),
    ("speed", ""),
    ("strength", ""),
    ("temperature", "Cel"),
    ("today", "kW.h"),
    ("total", "kW.h"),
    ("tvoc", "[ppb]"),
    ("vcc", "V"),
    ("visitors", "1"),
    ("voc", ""),
    ("voltage", "V"),
    ("weight", "kg"),
    ("wind_speed", ""),
    ("yesterday", "kW.h"),
];

/// The name without capitals, and its unit if there is one. `None` for what is no measure.
pub fn known(
    name: &str,
    further: &std::collections::BTreeMap<String, String>,
) -> Option<(String, Option<String>)> {
    let unit = |unit: &str| (!unit.is_empty()).then(|| unit.to_owned());
    if let Some(own) = further.get(name) {
        return Some((name.to_owned(), unit(own)));
    }
    let name = snake(name);
    if let Some(own) = further.get(&name) {
        let own = unit(own);
        return Some((name, own));
    }
    let (_, found) = MEASURES.iter().find(|(known, _)| *known == name)?;
    Some((name, unit(found)))
}

/// `DewPoint` as `dew_point`.
pub fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    let mut after_lower = false;
    for letter in name.chars() {
        if letter.is_uppercase() && after_lower {
            out.push('_');
        }
        after_lower = letter.is_lowercase() || letter.is_ascii_digit();
        out.extend(if letter == '-' || letter == ' ' { '_' } else { letter }.to_lowercase());
    }
    out
}

/// What people and devices call a unit, as UCUM has it; others as they are.
pub fn ucum(unit: &str) -> String {
    match unit {
        "°C" | "C" | "ºC" => "Cel",
        "°F" | "F" => "[degF]",
        "K" => "K",
        "kWh" => "kW.h",
        "Wh" => "W.h",
        "VA" => "V.A",
        "lux" | "lm/m²" => "lx",
        "ppm" => "[ppm]",
        "ppb" => "[ppb]",
        "µg/m³" | "μg/m³" => "ug/m3",
        "mg/m³" => "mg/m3",
        "m³" => "m3",
        "L" => "L",
        "km/h" => "km/h",
        "mmHg" => "mm[Hg]",
        "inHg" => "[in_i'Hg]",
        "psi" => "[psi]",
        "mph" => "[mi_i]/h",
        other => other,
    }
    .to_owned()
}

/// A number, or text that is one.
pub fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => {
            let plain = snodo_connector::money::decimal(text)?;
            match plain.parse::<i64>() {
                Ok(whole) => Some(whole.into()),
                Err(_) => Number::from_f64(plain.parse().ok()?),
            }
        }
        _ => None,
    }
}

/// Yes or no, as devices say it.
pub fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => match number.as_i64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" | "detected" | "alarm" => Some(true),
            "false" | "off" | "no" | "0" | "clear" | "normal" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
