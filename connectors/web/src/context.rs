//! What every event has: who, where, on what, and what they agreed to.

use serde_json::Value;
use snippet::{Customers, Form, HANDOVER, Shape};
use snodo_connector::fields::Fields;

use crate::Config;

const SCREEN: Shape = &[("width_px", Form::Whole), ("height_px", Form::Whole), ("density", Form::Number)];

const DEVICE: Shape = &[
    ("class", Form::One(&["phone", "tablet", "desktop", "laptop", "tv", "kiosk", "other"])),
    ("os", Form::Text),
    ("browser", Form::Text),
    ("screen", Form::Part(SCREEN)),
];

const CAMPAIGN: Shape = &[
    ("id", Form::Text),
    ("name", Form::Text),
    ("source", Form::Text),
    ("medium", Form::Text),
    ("term", Form::Text),
    ("content", Form::Text),
    ("click_ids", Form::Map),
];

const TRAITS: Shape = &[
    ("name", Form::Text),
    ("given_name", Form::Text),
    ("family_name", Form::Text),
    ("nickname", Form::Text),
    ("company", Form::Text),
    ("language", Form::Text),
    ("locale", Form::Text),
];

pub fn customer(event: &mut Fields, config: &Config) -> Value {
    Customers { namespace: &config.customer_namespace, traits: TRAITS, first_party: Some(true) }.of(event)
}

pub fn consent(event: &mut Fields) -> Fields {
    snippet::consent(event, &[("tcf", "tcf"), ("gpp", "gpp")])
}

pub fn touchpoint(event: &mut Fields) -> Fields {
    let parts = [("device", DEVICE), ("campaign", CAMPAIGN), ("handover", HANDOVER)];
    snippet::touchpoint(event, "web", &parts)
}
