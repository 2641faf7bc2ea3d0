//! Data of others about our customers, as CSV (RFC 4180) with a header: a whole file, or a part of one that repeats it.

mod config;
mod row;
mod table;

use snodo_connector::{Context, Draft, Fault, Message, Source, time};

use crate::config::Config;

pub struct ThirdParty;

/// The hub takes no more from one message; files come in parts.
const EVENTS_MAX: usize = 10_000;

impl Source for ThirdParty {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let ended = config.valid_until.as_deref().and_then(time::epoch_millis);
        if ended.is_some_and(|end| i128::from(end) < i128::from(ctx.now)) {
            return Err(Fault::misconfigured(format!(
                "what {} supplied may not be used any more: renew the licence and valid_until, or close the channel",
                config.provider
            )));
        }
        let part = message.header("file-part").and_then(|part| part.trim().parse::<u64>().ok());
        let table = table::read(&message.body, &config, part)?;
        let drafts: Vec<Draft> =
            table.rows.iter().flat_map(|row| row::drafts(row, &table.header, &config)).collect();
        if drafts.len() > EVENTS_MAX {
            return Err(Fault::permanent(format!(
                "{} events in one message, {EVENTS_MAX} may be: send fewer rows at once, or a file",
                drafts.len()
            )));
        }
        Ok(drafts)
    }
}

snodo_connector::export!(ThirdParty: source);
