//! One event of a document: which canonical events it is, and what all of them have.

use serde_json::{Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use crate::{sale, sensor, word};

/// What every event made of one has.
pub struct Base {
    pub time: Option<String>,
    pub key: String,
    /// `touchpoint`
    pub touchpoint: Fields,
    pub store: Option<String>,
    pub read_point: Option<String>,
    /// The only object that it is about, if there is one.
    pub object: Option<String>,
}

/// Never none: an event that the vocabulary has no word for is kept whole.
pub fn drafts(body: &Value, document: &Fields) -> Vec<Draft> {
    let kind = word::kind(body);
    let step = body.get("bizStep").and_then(Value::as_str).map(word::standard);
    let topic = match (&kind, step) {
        (Some(kind), Some(step)) => Some(format!("{kind}/{step}")),
        (kind, _) => kind.clone(),
    };
    let made = match body {
        // It takes back what was told before; nobody must take it for something new.
        Value::Object(event) if !event.contains_key("errorDeclaration") && kind.is_some() => {
            let mut rest = event.clone();
            let base = base(&mut rest);
            let mut made = sensor::drafts(&base, &mut rest);
            made.extend(sale::draft(&base, step, &mut rest));
            keep(&mut made, rest, document);
            made
        }
        _ => Vec::new(),
    };
    if made.is_empty() {
        let draft = Draft::unknown(topic.as_deref(), body);
        let key = body.as_object().map(key);
        return vec![Draft { key, ..draft }];
    }
    made.into_iter().map(Made::finish).collect()
}

/// An event whose body is still an object.
pub struct Made {
    pub draft: Draft,
    pub data: Fields,
    /// What is left of its own part of the EPCIS event, under its name.
    pub rest: Option<(&'static str, Value)>,
}

impl Made {
    pub fn new(base: &Base, kind: &str, which: &str, mut data: Fields) -> Self {
        let mut draft = Draft::new(kind, &());
        draft.key = Some(match which {
            "" => base.key.clone(),
            which => format!("{}/{which}", base.key),
        });
        draft.time = base.time.clone();
        let device = data.get("device").and_then(|device| device.get("id")).and_then(Value::as_str);
        draft.subject = device.map(|device| format!("device/{device}"));
        data.leave("touchpoint", base.touchpoint.clone());
        Self { draft, data, rest: None }
    }

    fn finish(self) -> Draft {
        Draft { data: json!(self.data).to_string().into_bytes(), ..self.draft }
    }
}

/// What nobody took is of each of them, as it is about all: which goods, which step.
fn keep(made: &mut [Made], mut rest: Fields, document: &Fields) {
    rest.shift_remove("@context");
    rest.leave("document", document.clone());
    for made in made {
        let mut vendor = rest.clone();
        if let Some((name, own)) = made.rest.take() {
            vendor.leave(name, own);
        }
        made.data.leave("vendor", vendor);
    }
}

fn base(event: &mut Fields) -> Base {
    let key = key(event);
    let time = event.take("eventTime", fields::moment);
    let offset = event.take("eventTimeZoneOffset", |offset| snodo_connector::time::offset(offset.as_str()?));
    let place = |event: &mut Fields, name: &str| {
        let mut place = event.object(name)?;
        let id = place.text("id");
        event.leave(name, place);
        id
    };
    let (read_point, store) = (place(event, "readPoint"), place(event, "bizLocation"));
    let mut location = Fields::new();
    location.leave("store", json!({"id": store}));
    location.leave("zone", json!({"id": read_point}));
    let mut touchpoint = Fields::from_iter([("channel".to_owned(), "iot".into())]);
    touchpoint.leave("location", location);
    touchpoint.leave("timezone", offset);
    let object = match event.get("epcList").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::String(only)]) => Some(only.clone()),
        _ => None,
    };
    Base { time, key, touchpoint, store, read_point, object }
}

/// The event's id; of one that has none, a hash of what tells events apart: what, when, where and why.
fn key(event: &Fields) -> String {
    if let Some(id) = event.get("eventID").and_then(fields::text) {
        return match event.contains_key("errorDeclaration") {
            true => format!("{id}/error"),
            false => id,
        };
    }
    const TELLING: [&str; 14] = [
        "type",
        "isA",
        "eventTime",
        "action",
        "bizStep",
        "disposition",
        "readPoint",
        "bizLocation",
        "parentID",
        "transformationID",
        "epcList",
        "childEPCs",
        "inputEPCList",
        "outputEPCList",
    ];
    let told: Vec<Value> = TELLING
        .iter()
        .map(|name| match event.get(*name) {
            Some(Value::Object(place)) => place.get("id").cloned().unwrap_or_default(),
            Some(value) => value.clone(),
            None => Value::Null,
        })
        .chain([devices(event)])
        .collect();
    // FNV-1a, 128 bit (RFC 9923).
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let text = json!(told).to_string();
    let hash = text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("hash:{hash:032x}")
}

/// The devices and times of its sensor elements.
fn devices(event: &Fields) -> Value {
    let elements = event.get("sensorElementList").and_then(Value::as_array).into_iter().flatten();
    let mark = |element: &Value| {
        let metadata = element.get("sensorMetadata");
        ["deviceID", "time", "startTime"].map(|name| metadata.and_then(|all| all.get(name)).cloned())
    };
    elements.map(|element| json!(mark(element))).collect()
}
