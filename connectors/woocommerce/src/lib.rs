//! WooCommerce's webhooks as canonical events: one message is one event. Which it is, a header says; the body is the object as
//! WooCommerce's REST API has it. Shapes as in <https://developer.woocommerce.com/docs/apis/rest-api/>.

mod map;

use serde::Deserialize;
use serde_json::{Value, json};
use snodo_connector::{Context, Draft, Fault, Message, Source, url};

use crate::map::Hook;

pub struct Woocommerce;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    currency: Option<String>,
}

impl Source for Woocommerce {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        // When a webhook is saved, WooCommerce tries the address with its id, as a form.
        if message.body.starts_with(b"webhook_id=") {
            let form: Vec<Value> = url::form_pairs(&message.body)
                .into_iter()
                .map(|(name, value)| json!({"name": name, "value": value}))
                .collect();
            return Ok(vec![Draft::unknown(Some("ping"), &form)]);
        }
        let body: Value = message.json()?;
        let header = |name: &str| message.header(name).filter(|value| !value.is_empty());
        let topic = header("x-wc-webhook-topic").map(str::to_owned).or_else(|| {
            let (resource, event) = (header("x-wc-webhook-resource")?, header("x-wc-webhook-event")?);
            Some(format!("{resource}.{event}"))
        });
        let hook = Hook {
            topic: topic.as_deref(),
            shop: header("x-wc-webhook-source").map(map::shop),
            delivery: header("x-wc-webhook-delivery-id"),
            currency: config.currency.as_deref(),
        };
        Ok(vec![map::draft(hook, &body)])
    }
}

snodo_connector::export!(Woocommerce: source);
