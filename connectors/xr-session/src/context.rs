//! What every event has: who, where, on what, and what they agreed to.

use serde_json::Value;
use snippet::{Customers, Form, Shape};
use snodo_connector::fields::{Fields, Take};

use crate::config::Config;

const DEVICE: Shape = &[
    ("id", Form::Text),
    (
        "class",
        Form::One(&["headset", "glasses", "phone", "tablet", "desktop", "laptop", "kiosk", "tv", "other"]),
    ),
    ("name", Form::Text),
    ("manufacturer", Form::Text),
    ("model", Form::Text),
    ("os", Form::Text),
    ("os_version", Form::Text),
    ("browser", Form::Text),
    ("browser_version", Form::Text),
    ("battery_percent", Form::Percent),
    ("rendering", Form::Text),
    ("tracking", Form::Text),
];

const APP: Shape = &[
    ("id", Form::Text),
    ("name", Form::Text),
    ("version", Form::Text),
    ("build", Form::Text),
    ("store", Form::Text),
];

const TRAITS: Shape = &[
    ("name", Form::Text),
    ("given_name", Form::Text),
    ("family_name", Form::Text),
    ("nickname", Form::Text),
    ("language", Form::Text),
    ("locale", Form::Text),
];

pub fn customer(event: &mut Fields, config: &Config) -> Value {
    Customers { namespace: &config.customer_namespace, traits: TRAITS, first_party: None }.of(event)
}

/// `mode` is how the scene is shown.
pub fn touchpoint(event: &mut Fields, mode: Option<&str>, config: &Config) -> Fields {
    let channel = match mode {
        Some("immersive_vr") => "vr",
        Some("immersive_ar" | "passthrough") => "ar",
        _ => &config.channel,
    };
    let mut touchpoint = snippet::touchpoint(event, channel, &[("device", DEVICE), ("app", APP)]);
    touchpoint.leave("page", event.texts(&[("page_url", "url")]));
    touchpoint
}
