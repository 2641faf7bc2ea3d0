//! Any JSON as canonical events, by the rules of the channel's configuration. What the rules can say is in the crate `declarative`.

mod documents;

use declarative::{About, Rules};
use serde::Deserialize;
use snodo_connector::{Context, Draft, Fault, Message, Source};

pub struct Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    rules: Rules,
    #[serde(default)]
    decimal_comma: bool,
}

impl Source for Json {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let about = About { message: &message, decimal_comma: config.decimal_comma };
        let mut drafts = Vec::new();
        for document in documents::of(&message.body)? {
            drafts.extend(config.rules.events(&document, about)?);
        }
        Ok(drafts)
    }
}

snodo_connector::export!(Json: source);
