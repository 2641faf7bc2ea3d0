//! What a channel says of its devices.

use std::collections::BTreeMap;

use declarative::topic::Pattern;
use serde::Deserialize;
use serde_json::Number;

use crate::command::Command;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub topics: Vec<Pattern>,
    /// Further measures, and their units ("" for none).
    pub measures: BTreeMap<String, String>,
    pub thresholds: Vec<Threshold>,
    pub battery_low_percent: f64,
    /// Whether a field such as `smoke` that says no is told as `iot.alert.cleared`.
    pub report_cleared: bool,
    /// Of times that have none of their own.
    pub offset: Option<String>,
    pub command: Option<Command>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            measures: BTreeMap::new(),
            thresholds: Vec::new(),
            battery_low_percent: 15.0,
            report_cleared: false,
            offset: None,
            command: None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// `temperature`, or with its sensor: `am2301.temperature`.
    measure: String,
    above: Option<Number>,
    below: Option<Number>,
    /// Only of these; of all if there are none.
    #[serde(default)]
    devices: Vec<String>,
}

impl Threshold {
    /// The limit and the side on which the value is beyond it; not if the value before, where it is known, was so already.
    pub fn crossed(
        &self,
        device: &str,
        measure: &str,
        value: f64,
        previous: Option<f64>,
    ) -> Option<(&Number, &'static str)> {
        let is_named =
            self.measure == measure || measure.rsplit_once('.').is_some_and(|(_, last)| last == self.measure);
        let is_meant = self.devices.is_empty() || self.devices.iter().any(|known| known == device);
        if !is_named || !is_meant {
            return None;
        }
        let limit = |limit: &Option<Number>| limit.as_ref().and_then(Number::as_f64);
        let (above, below) = (limit(&self.above), limit(&self.below));
        let beyond = |value: f64| match (above, below) {
            (Some(limit), _) if value > limit => Some("above"),
            (_, Some(limit)) if value < limit => Some("below"),
            _ => None,
        };
        let direction = beyond(value)?;
        if previous.and_then(beyond) == Some(direction) {
            return None;
        }
        let limit = if direction == "above" { &self.above } else { &self.below };
        Some((limit.as_ref()?, direction))
    }
}
