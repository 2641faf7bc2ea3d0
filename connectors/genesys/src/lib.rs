//! Genesys Cloud's detail events of conversations as canonical events: as its notification service writes them, alone or in the
//! envelope of Amazon EventBridge. Topics and shapes as in <https://developer.genesys.cloud/notificationsalerts/notifications/available-topics>.

mod map;

use serde_json::Value;
use snodo_connector::fields;
use snodo_connector::{Context, Draft, Fault, Message, Source};

pub struct Genesys;

impl Source for Genesys {
    fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let body: Value = message.json()?;
        Ok(match body {
            Value::Array(events) => events.iter().map(draft).collect(),
            event => vec![draft(&event)],
        })
    }
}

fn draft(body: &Value) -> Draft {
    let told = body.as_object().and_then(|event| map::tell(event.clone()));
    // EventBridge gives every event an id of its own.
    let id = body.get("id").and_then(fields::text);
    match told {
        Some(told) => Draft {
            key: Some(told.key),
            subject: Some(format!("conversation/{}", told.conversation)),
            time: told.time,
            attributes: vec![
                ("correlationid".into(), told.conversation),
                ("genesystopic".into(), told.topic),
            ],
            ..Draft::new(told.kind, &told.data)
        },
        None => {
            let time = ["time", "timestamp"].iter().find_map(|name| body.get(*name).and_then(fields::moment));
            Draft { key: id, time, ..Draft::unknown(map::topic(body).as_deref(), body) }
        }
    }
}

snodo_connector::export!(Genesys: source);
