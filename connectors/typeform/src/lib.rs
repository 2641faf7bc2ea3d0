//! Typeform's webhook: one message is one response. Shapes as in
//! <https://www.typeform.com/developers/webhooks/example-payload/> and
//! <https://www.typeform.com/developers/responses/JSON-response-explanation/>.

mod answer;
mod customer;
mod map;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use snodo_connector::{Context, Draft, Fault, Message, Source};

pub struct Typeform;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    customer_field: Option<String>,
    customer_namespace: String,
    about_field: Option<String>,
    survey_kind: Option<String>,
    metrics: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            customer_field: None,
            customer_namespace: "customer".into(),
            about_field: None,
            survey_kind: None,
            metrics: BTreeMap::new(),
        }
    }
}

impl Source for Typeform {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let body: Value = message.json()?;
        let told = body.as_object().and_then(|fields| map::tell(fields.clone(), &config));
        Ok(told.unwrap_or_else(|| vec![map::unknown(&body)]))
    }
}

snodo_connector::export!(Typeform: source);
