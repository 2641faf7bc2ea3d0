//! What a message tells, whatever its shape was.

use serde_json::{Number, Value};
use snodo_connector::fields::Fields;

#[derive(Default)]
pub struct Told {
    /// `device` of the event; it has an id, or else the message tells nothing that has a device.
    pub device: Fields,
    pub store: Option<String>,
    pub zone: Fields,
    pub time: Option<String>,
    /// The vendor's own id of the message.
    pub id: Option<String>,
    pub readings: Vec<Reading>,
    pub alerts: Vec<Alert>,
    pub battery_is_low: bool,
    pub firmware: Fields,
    /// Somebody came or went: the type's last word, and the crossing without its zone.
    pub crossing: Option<Crossing>,
    pub beacon: Fields,
    /// Who carries the device.
    pub identifiers: Vec<Value>,
    pub geo: Fields,
    /// What nobody has taken.
    pub rest: Fields,
}

pub struct Reading {
    pub name: String,
    pub value: Number,
    pub unit: Option<String>,
    pub previous: Option<f64>,
}

pub struct Alert {
    pub fields: Fields,
    pub is_raised: bool,
    /// It has just become so; or else it is one of the states that a device repeats.
    pub is_change: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    Entered,
    Exited,
}

impl Alert {
    pub fn state(code: &str, is_raised: bool) -> Self {
        Self { fields: Fields::from_iter([("code".to_owned(), code.into())]), is_raised, is_change: false }
    }

    pub fn change(code: &str, is_raised: bool) -> Self {
        Self { is_change: true, ..Self::state(code, is_raised) }
    }
}

impl Told {
    pub fn device_id(&self) -> Option<&str> {
        self.device.get("id").and_then(Value::as_str)
    }
}
