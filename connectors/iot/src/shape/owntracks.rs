//! OwnTracks: a phone that came into a region or left it, or noticed a beacon (<https://owntracks.org/booklet/tech/json>).

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};
use snodo_connector::time;

use crate::told::{Crossing, Told};

pub fn read(topic: &str, body: &Fields) -> Option<Told> {
    let mut rest = body.clone();
    let kind = rest.get("_type")?.as_str()?.to_owned();
    if !["transition", "beacon"].contains(&kind.as_str()) {
        // Other types are of no shop's business: `location` is where somebody is all day.
        return topic.starts_with("owntracks/").then(|| Told { rest, ..Told::default() });
    }
    rest.shift_remove("_type");
    let mut told = Told { time: rest.take("tst", seconds), ..Told::default() };
    let mut segments = topic.strip_prefix("owntracks/").unwrap_or_default().split('/');
    if let (Some(user), Some(device)) = (segments.next().filter(|user| !user.is_empty()), segments.next()) {
        told.device.insert("id".to_owned(), format!("{user}/{device}").into());
        told.device.insert("class".to_owned(), "phone".into());
        let identifier = |namespace: &str, value: &str, kind: &str| json!({"namespace": namespace, "value": value, "kind": kind});
        told.identifiers.push(identifier("owntracks:user", user, "person"));
        told.identifiers.push(identifier("owntracks:device", &format!("{user}/{device}"), "device"));
    }
    if kind == "beacon" {
        beacon(&mut rest, &mut told);
    } else {
        told.crossing = rest.take("event", |event| match event.as_str()? {
            "enter" => Some(Crossing::Entered),
            "leave" => Some(Crossing::Exited),
            _ => None,
        });
        told.zone = rest.texts(&[("rid", "id"), ("desc", "name")]);
        let kind = rest.take("t", |trigger| match trigger.as_str()? {
            "b" => Some("beacon"),
            "c" => Some("geofence"),
            _ => None,
        });
        told.zone.leave("kind", kind);
        told.geo.leave("latitude", rest.take("lat", |degrees| within(degrees, -90.0, 90.0)));
        told.geo.leave("longitude", rest.take("lon", |degrees| within(degrees, -180.0, 180.0)));
        told.geo.leave("accuracy_m", rest.take("acc", |metres| within(metres, 0.0, f64::MAX)));
    }
    told.rest = rest;
    Some(told)
}

fn beacon(rest: &mut Fields, told: &mut Told) {
    told.beacon = rest.texts(&[("uuid", "uuid")]);
    for name in ["major", "minor"] {
        told.beacon.leave(name, rest.take(name, Value::as_u64));
    }
    told.beacon.leave("rssi", rest.take("rssi", Value::as_i64));
    told.beacon.leave("distance_m", rest.take("acc", |metres| within(metres, 0.0, f64::MAX)));
    let proximity = rest.take("prox", |nearness| match nearness.as_u64()? {
        1 => Some("immediate"),
        2 => Some("near"),
        3 => Some("far"),
        _ => None,
    });
    told.beacon.leave("proximity", proximity);
}

fn seconds(value: &Value) -> Option<String> {
    time::from_epoch_seconds(value.as_u64()?)
}

fn within(value: &Value, least: f64, most: f64) -> Option<Value> {
    (least..=most).contains(&value.as_f64()?).then(|| value.clone())
}
