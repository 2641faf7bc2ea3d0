//! `snodo quarantine`: what could not be processed, kept whole. Look at it, mend the cause, try again.

use anyhow::Context as _;
use serde_json::{Value, json};
use snodo_core::privacy::Privacy;
use snodo_core::vocabulary::Vocabulary;
use snodo_core::{MessageId, Timestamp};
use snodo_store::home::Reading;
use snodo_store::{Found, Item, MessageRow, Requeued, Standing, Verdict};

use super::{Exit, Invocation, screen};
use crate::{admin, home};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List what is in quarantine or dead, newest first: messages, events, deliveries
    List {
        /// How many of each
        #[arg(long, short = 'n', default_value_t = 50)]
        limit: usize,
    },
    /// Show one whole, with what is wrong with it
    Show {
        /// Its id as `snodo quarantine list` shows it
        id: String,
        /// Show personal data in clear
        #[arg(long)]
        reveal: bool,
    },
    /// Try again, after the cause was mended
    Retry {
        /// Ids as `snodo quarantine list` shows them
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// Everything that is there
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}

/// How many of each kind `--all` takes at once.
const ALL_MAX: usize = 10_000;

pub fn quarantine(invocation: &Invocation, command: Command) -> anyhow::Result<Exit> {
    let store = home::look(&invocation.config)?;
    match command {
        Command::List { limit } => list(invocation, &*store, limit),
        Command::Show { id, reveal } => show(invocation, &*store, &id, reveal),
        Command::Retry { ids, all } => {
            let items = match all {
                true => everything(&*store)?,
                false => ids.iter().map(|id| item(&*store, id)).collect::<anyhow::Result<_>>()?,
            };
            drop(store);
            retry(invocation, items)
        }
    }
}

struct Entry {
    id: String,
    what: &'static str,
    at: Timestamp,
    channel: String,
    why: String,
}

fn entries(store: &dyn Reading, limit: usize) -> anyhow::Result<Vec<Entry>> {
    let found = store.quarantine(limit)?;
    let mut entries = Vec::new();
    for row in &found.messages {
        entries.push(Entry {
            id: format!("message:{}", row.message.id),
            what: "message",
            at: row.message.received,
            channel: row.message.channel.to_string(),
            why: problem_of(row).map_or_else(String::new, |problem| text(&problem["message"])),
        });
    }
    for row in &found.events {
        let Verdict::Quarantined { violations } = &row.verdict else { continue };
        let violations: Value = serde_json::from_str(violations)?;
        let first = &violations[0];
        entries.push(Entry {
            id: format!("event:{}", row.seq),
            what: "event",
            at: row.accepted,
            channel: row.channel.to_string(),
            why: format!("{}: {} {}", row.event.kind, text(&first["pointer"]), text(&first["message"])),
        });
    }
    for row in &found.deliveries {
        entries.push(Entry {
            id: format!("delivery:{}", row.seq),
            what: "delivery",
            at: row.settled.unwrap_or_default(),
            channel: row.destination.to_string(),
            why: format!(
                "{} on {}: {}",
                row.fate.map_or("in flight", |fate| fate.as_str()),
                row.route,
                row.reason.clone().unwrap_or_default()
            ),
        });
    }
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
    Ok(entries)
}

fn list(invocation: &Invocation, store: &dyn Reading, limit: usize) -> anyhow::Result<Exit> {
    let entries = entries(store, limit)?;
    let mut table = screen::Table::new(&["id", "at", "channel", "why"]);
    for Entry { id, what, at, channel, why } in entries {
        match invocation.json {
            true => screen::json(
                &json!({"id": id, "what": what, "at": at.to_string(), "channel": channel, "why": why}),
            )?,
            false => table.row([id, at.to_string(), channel, why]),
        }
    }
    match (invocation.json, table.is_empty()) {
        (true, _) => {}
        (false, true) => screen::line("Nothing is in quarantine.")?,
        (false, false) => {
            table.print()?;
            screen::line("\nNext: `snodo quarantine show ID`, mend the cause, `snodo quarantine retry ID`.")?;
        }
    }
    Ok(Exit::Fine)
}

fn show(invocation: &Invocation, store: &dyn Reading, id: &str, reveal: bool) -> anyhow::Result<Exit> {
    let shown = match item(store, id)? {
        Item::Message(seq) => {
            let row = store.message(seq)?.context("the message is gone")?;
            let body = match reveal {
                true => json!(String::from_utf8_lossy(&row.message.body)),
                false => json!(format!("{} bytes; --reveal shows them", row.message.body.len())),
            };
            json!({
                "message": row.message.id, "channel": row.message.channel, "received": row.message.received.to_string(),
                "headers": row.message.envelope.headers, "name": row.message.envelope.name,
                "problem": problem_of(&row), "body": body,
            })
        }
        Item::Event(seq) => {
            let row = store.event(seq)?.context("the event is gone")?;
            let violations: Value = match &row.verdict {
                Verdict::Quarantined { violations } => serde_json::from_str(violations)?,
                _ => Value::Null,
            };
            let mut event = row.event.to_json();
            if !reveal {
                event["data"] = Privacy::new(&Vocabulary::load()).mask(&row.event.kind, &event["data"]);
            }
            json!({"channel": row.channel, "accepted": row.accepted.to_string(), "violations": violations, "event": event})
        }
        Item::Delivery(seq) => {
            let row = store.quarantine(ALL_MAX)?.deliveries.into_iter().find(|row| row.seq == seq);
            let row = row.context("the delivery is neither in quarantine nor dead")?;
            let last: Option<Value> = row.last.as_deref().map(serde_json::from_str).transpose()?;
            let event = store.event(row.event)?.context("the delivery's event is gone")?;
            json!({
                "event": event.event.id, "route": row.route, "destination": row.destination, "fate": row.fate,
                "reason": row.reason, "attempts": row.attempts, "last": last,
            })
        }
    };
    match invocation.json {
        true => screen::json(&shown)?,
        false => screen::line(screen::indented(&shown, ""))?,
    }
    Ok(Exit::Fine)
}

fn everything(store: &dyn Reading) -> anyhow::Result<Vec<Item>> {
    let found = store.quarantine(ALL_MAX)?;
    let messages = found.messages.iter().map(|row| Item::Message(row.seq));
    let events = found.events.iter().map(|row| Item::Event(row.seq));
    let deliveries = found.deliveries.iter().map(|row| Item::Delivery(row.seq));
    Ok(messages.chain(events).chain(deliveries).collect())
}

/// `message:UUID`, `event:N`, `delivery:N`; or the id of an event.
fn item(store: &dyn Reading, id: &str) -> anyhow::Result<Item> {
    let unknown = || format!("{id:?} is not in quarantine: `snodo quarantine list` shows what is");
    match id.split_once(':') {
        Some(("message", id)) => {
            let id = MessageId::parse(id).with_context(unknown)?;
            Ok(Item::Message(store.quarantined_message(id)?.with_context(unknown)?.seq))
        }
        Some(("event", seq)) => Ok(Item::Event(snodo_store::EventSeq(seq.parse().with_context(unknown)?))),
        Some(("delivery", seq)) => {
            Ok(Item::Delivery(snodo_store::DeliverySeq(seq.parse().with_context(unknown)?)))
        }
        _ => match store.find(id)? {
            Found::One(seq) => Ok(Item::Event(seq)),
            _ => anyhow::bail!(unknown()),
        },
    }
}

/// By the running hub, which owns the store; or, if none runs, here.
fn retry(invocation: &Invocation, items: Vec<Item>) -> anyhow::Result<Exit> {
    let changer = home::changer(&invocation.config)?;
    let requeued: Requeued =
        changer.change(admin::RETRY, items, async |home, items| home.requeue(items).await)?;
    match invocation.json {
        true => screen::json(&requeued)?,
        false => screen::line(format!(
            "To be tried again: {} messages, {} deliveries. `snodo quarantine list` shows what comes back.",
            requeued.messages, requeued.deliveries
        ))?,
    }
    Ok(if requeued.messages + requeued.deliveries == 0 { Exit::Wrong } else { Exit::Fine })
}

fn problem_of(row: &MessageRow) -> Option<Value> {
    match &row.standing {
        Standing::Quarantined { problem, .. } => serde_json::from_str(problem).ok(),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
