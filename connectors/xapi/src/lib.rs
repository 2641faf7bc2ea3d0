//! xAPI statements as canonical events: one, an array, or a statement result, as a learning record store forwards them.
//! Shapes as in <https://github.com/adlnet/xAPI-Spec/blob/master/xAPI-Data.md> (1.0.3) and
//! <https://opensource.ieee.org/xapi/xapi-base-standard-documentation> (2.0).

mod actor;
mod config;
mod map;
mod statement;
mod vocabulary;

use serde_json::Value;
use snodo_connector::fields::Take;
use snodo_connector::{Context, Draft, Fault, Message, Source};

use crate::config::Config;

pub struct Xapi;

impl Source for Xapi {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let statements = match message.json()? {
            Value::Array(statements) => statements,
            // A store answers a query with a result: its statements, and where there are more.
            Value::Object(mut body) if !body.contains_key("verb") => match body.list("statements") {
                Some(statements) if !statements.is_empty() => statements,
                _ => vec![Value::Object(body)],
            },
            other => vec![other],
        };
        Ok(statements.iter().map(|statement| map::tell(statement, &config)).collect())
    }
}

snodo_connector::export!(Xapi: source);
