//! Responses of any survey system: the channel's configuration says where in a message what stands.

mod answers;
mod config;
mod map;
mod pointer;

use serde_json::{Map, Value};
use snodo_connector::{Context, Draft, Fault, Message, Source, url};

use crate::config::Config;

pub struct Survey;

impl Source for Survey {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let body = body(&message)?;
        let found = match &config.responses {
            Some(at) => body.pointer(at),
            None => Some(&body),
        };
        Ok(match found {
            Some(Value::Array(responses)) if !responses.is_empty() => {
                responses.iter().flat_map(|response| map::tell(response, &config)).collect()
            }
            Some(Value::Array(_)) | None => vec![Draft::unknown(None, &body)],
            Some(one) => map::tell(one, &config),
        })
    }
}

/// JSON, or an HTML form as an object: that is how Qualtrics tells that a response is there.
fn body(message: &Message) -> Result<Value, Fault> {
    let is_form = message
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return message.json();
    }
    let pairs = url::form_pairs(&message.body);
    if pairs.is_empty() {
        return Err(Fault::permanent("the form has no fields"));
    }
    Ok(Value::Object(pairs.into_iter().map(|(name, value)| (name, value.into())).collect::<Map<_, _>>()))
}

snodo_connector::export!(Survey: source);
