//! Pipedrive's webhooks, of both versions, as canonical events: one message is one event.
//! Shapes as in <https://pipedrive.readme.io/docs/webhooks-v2-migration-guide>, which holds them side by side.

mod hook;
mod map;

use serde_json::Value;
use snodo_connector::{Context, Draft, Fault, Message, Source};

pub struct Pipedrive;

impl Source for Pipedrive {
    fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let body: Value = message.json()?;
        Ok(vec![map::draft(&body)])
    }
}

snodo_connector::export!(Pipedrive: source);
