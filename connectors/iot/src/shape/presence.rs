//! Bluetooth gateways that tell which devices are near: ESPresense, OpenMQTTGateway and others that write for Home Assistant's room
//! presence (<https://www.home-assistant.io/integrations/mqtt_room/>): `id`, `distance` in metres, `rssi`.

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};

use crate::told::Told;

pub fn read(topic: &str, body: &Fields) -> Option<Told> {
    let is_near =
        body.get("rssi").is_some_and(Value::is_number) || body.get("distance").is_some_and(Value::is_number);
    if !is_near || !body.get("id").is_some_and(Value::is_string) {
        return None;
    }
    let mut rest = body.clone();
    let mut told = Told::default();
    let id = rest.text("id")?;
    told.identifiers.push(json!({"namespace": "device", "value": id, "kind": "device"}));
    told.beacon.insert("id".to_owned(), id.into());
    told.beacon.leave("uuid", rest.text("uuid"));
    for name in ["major", "minor"] {
        told.beacon.leave(name, rest.take(name, Value::as_u64));
    }
    // ESPresense smooths the strength: a fraction of a decibel says nothing.
    told.beacon.leave("rssi", rest.take("rssi", |rssi| Some(rssi.as_f64()?.round() as i64)));
    let distance = |metres: &Value| (metres.as_f64()? >= 0.0).then(|| metres.clone());
    told.beacon.leave("distance_m", rest.take("distance", distance));
    if let Some(mut segments) = topic.strip_prefix("espresense/devices/").map(|rest| rest.split('/'))
        && let (Some(_), Some(room)) = (segments.next(), segments.next())
    {
        told.zone.insert("id".to_owned(), room.into());
        told.zone.insert("kind".to_owned(), "room".into());
    }
    told.rest = rest;
    Some(told)
}
