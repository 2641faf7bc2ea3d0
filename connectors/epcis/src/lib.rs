//! EPCIS 2.0 documents in JSON-LD as canonical events. Field names and vocabularies are those of
//! <https://ref.gs1.org/standards/epcis/2.0.1/epcis-json-schema.json> and <https://ref.gs1.org/cbv/>.

mod document;
mod event;
mod sale;
mod sensor;
mod word;

use serde_json::Value;
use snodo_connector::{Context, Draft, Fault, Message, Source};

pub struct Epcis;

impl Source for Epcis {
    fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let mut drafts = Vec::new();
        for read in serde_json::Deserializer::from_slice(&message.body).into_iter::<Value>() {
            let body =
                read.map_err(|error| Fault::permanent(format!("failed to read the body as JSON: {error}")))?;
            drafts.extend(document::drafts(&body));
        }
        match drafts.is_empty() && message.body.trim_ascii().is_empty() {
            true => Err(Fault::permanent("failed to read the body as JSON: it is empty")),
            false => Ok(drafts),
        }
    }
}

snodo_connector::export!(Epcis: source);
