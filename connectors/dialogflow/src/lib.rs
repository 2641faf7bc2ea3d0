//! Dialogflow's messages as canonical events: fulfilment requests of ES
//! (<https://cloud.google.com/dialogflow/es/docs/reference/rpc/google.cloud.dialogflow.v2#webhookrequest>) and of CX
//! (<https://cloud.google.com/dialogflow/cx/docs/reference/rest/v3/WebhookRequest>), and notifications of conversations
//! (<https://cloud.google.com/dialogflow/es/docs/reference/rpc/google.cloud.dialogflow.v2#conversationevent>), pushed by Pub/Sub.

mod cx;
mod es;
mod notification;
mod said;

use serde::Deserialize;
use serde_json::Value;
use snodo_connector::{Context, Draft, Fault, Message, Source};

pub struct Dialogflow;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    customer_parameter: Option<String>,
    customer_namespace: String,
    bot: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { customer_parameter: None, customer_namespace: "customer".into(), bot: None }
    }
}

impl Source for Dialogflow {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let body: Value = message.json()?;
        let told = body.as_object().and_then(|fields| {
            let fields = fields.clone();
            if fields.contains_key("queryResult") {
                es::tell(fields, &config)
            } else if fields.contains_key("sessionInfo") {
                cx::tell(fields, &config)
            } else {
                notification::tell(fields, &config)
            }
        });
        Ok(told.filter(|told| !told.is_empty()).unwrap_or_else(|| vec![notification::unknown(&body)]))
    }
}

snodo_connector::export!(Dialogflow: source);
