//! What comes to a connector's channels while it is written, and what becomes of it: for a source the message and its events,
//! for a destination the event and its request. Read beside the running hub. Personal data is hidden unless it is asked for.

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde_json::{Value, json};
use snodo_core::ChannelName;
use snodo_kit::golden;
use snodo_store::{
    Attempts, EventRow, EventSeq, Filter, MessageRow, MessageSeq, Order, Reader, Standing, Verdict,
};

use super::Bench;
use crate::assemble;
use crate::cli::explain::{self, Mask};
use crate::cli::screen;
use crate::configuration::Configuration;
use crate::hub;
use crate::pipeline::{Line, decode};

/// What came lately and is shown as each build has it: enough to see what a change does, few enough to read.
const LATELY: usize = 20;

/// Of what came between two looks, this much is shown.
const AT_ONCE: usize = 50;

/// The channels as one build serves them.
pub struct Live {
    store: Reader,
    line: Line,
    /// Those of the connector.
    channels: BTreeSet<ChannelName>,
    after: EventSeq,
    after_message: MessageSeq,
}

impl Live {
    /// With the build that is on disk now.
    pub fn new(bench: &Bench<'_>, store: Reader, connector: &str) -> anyhow::Result<Self> {
        let configuration = Configuration::read(&bench.invocation.config)?;
        let declarations = configuration.declarations(&bench.vocabulary).map_err(|mistakes| {
            anyhow::anyhow!("the configuration has {} mistakes: `snodo check` shows them", mistakes.len())
        })?;
        let sandbox = assemble::sandbox(&configuration, &declarations, hub::Options::of_binary()?.compile)?;
        let line = assemble::line(&configuration, &declarations, &sandbox, None)?;
        let of_connector = declarations.channels.iter().filter(|(_, one)| one.connector == connector);
        let channels = of_connector.map(|(name, _)| name.clone()).collect();
        let newest = store.events(&Filter { limit: 1, ..Filter::default() })?;
        let after = newest.first().map_or(EventSeq(0), |row| row.seq);
        let waiting = store.quarantine(1)?.messages;
        let after_message = waiting.first().map_or(MessageSeq(0), |row| row.seq);
        Ok(Self { store, line, channels, after, after_message })
    }

    /// Goes on where another has come to.
    pub fn after(mut self, shown: Option<Self>) -> Self {
        if let Some(shown) = shown {
            (self.after, self.after_message) = (shown.after, shown.after_message);
        }
        self
    }

    pub fn show_new(&mut self, bench: &Bench<'_>) -> anyhow::Result<()> {
        let filter = Filter {
            after: Some(self.after),
            order: Order::OldestFirst,
            limit: AT_ONCE,
            ..Filter::default()
        };
        for row in self.store.events(&filter)? {
            self.after = row.seq;
            let mask = Mask::new(&bench.vocabulary, &row, bench.reveal);
            if self.channels.contains(&row.channel) {
                self.show_source(&row, &mask, bench.reveal)?;
            }
            for delivery in self.deliveries(&row)? {
                self.show_destination(&row, &delivery, &mask)?;
            }
        }
        let mut refused = self.store.quarantine(AT_ONCE)?.messages;
        refused.retain(|row| row.seq > self.after_message && self.channels.contains(&row.message.channel));
        for row in refused.iter().rev() {
            self.after_message = row.seq;
            let Standing::Quarantined { problem, .. } = &row.standing else { continue };
            screen::line(before(row, bench.reveal))?;
            screen::line(format!("  quarantined: {}", said(problem, bench.reveal)))?;
        }
        Ok(())
    }

    fn show_source(&self, row: &EventRow, mask: &Mask, reveal: bool) -> anyhow::Result<()> {
        let message = self.store.message(row.message)?.context("an event has its message")?;
        screen::line(before(&message, reveal))?;
        let mut event = row.event.to_json();
        event["data"] = mask.data(&event["data"]);
        screen::line(format!("  → {}", row.event.kind))?;
        screen::line(screen::indented(&event["data"], "    "))?;
        if let Verdict::Quarantined { violations } = &row.verdict {
            screen::line(format!("  quarantined: {}", mask.text(violations)))?;
        }
        Ok(())
    }

    fn show_destination(&self, row: &EventRow, delivery: &Attempts, mask: &Mask) -> anyhow::Result<()> {
        let to = &delivery.delivery.destination;
        screen::line(format!("{to} · {} {}", row.event.kind, row.event.id))?;
        screen::line(screen::indented(&mask.data(&row.event.to_json()["data"]), "  "))?;
        match explain::request(&self.store, row, delivery, &self.line, mask)? {
            Value::Null => screen::line("  → nothing is sent"),
            request => screen::line(format!("  → {}", screen::indented(&request, "    ").trim_start())),
        }?;
        Ok(())
    }

    fn deliveries(&self, row: &EventRow) -> anyhow::Result<Vec<Attempts>> {
        let trail = self.store.trail(row.seq)?.context("it was found just now")?;
        let ours = |one: &Attempts| self.channels.contains(&one.delivery.destination);
        Ok(trail.deliveries.into_iter().filter(ours).collect())
    }

    /// What came lately, once by this build and once by a newer one: where they differ.
    pub fn show_difference(&self, newer: &Self, bench: &Bench<'_>) -> anyhow::Result<()> {
        let (mut same, mut seen) = (0, BTreeSet::new());
        for row in self.store.events(&Filter { limit: LATELY, ..Filter::default() })?.iter().rev() {
            let mask = Mask::new(&bench.vocabulary, row, bench.reveal);
            let mut compare = |what: String, one: Value, other: Value| {
                let differences = golden::differences(&one, &other);
                same += usize::from(differences.is_empty());
                match differences.is_empty() {
                    true => Ok(()),
                    false => {
                        screen::line(format!("otherwise than before: {what}\n{}", differences.join("\n")))
                    }
                }
            };
            if self.channels.contains(&row.channel) && seen.insert(row.message) {
                let message = self.store.message(row.message)?.context("an event has its message")?;
                let what = format!("message {} on {}", message.message.id, row.channel);
                compare(what, self.drafts(&message, &mask)?, newer.drafts(&message, &mask)?)?;
            }
            for delivery in self.deliveries(row)? {
                let request = |live: &Self| explain::request(&live.store, row, &delivery, &live.line, &mask);
                let what =
                    format!("{} {} to {}", row.event.kind, row.event.id, delivery.delivery.destination);
                compare(what, request(self)?, request(newer)?)?;
            }
        }
        if same > 0 {
            screen::line(format!("{same} of what came lately comes out as before"))?;
        }
        Ok(())
    }

    /// What the build makes of a message.
    fn drafts(&self, row: &MessageRow, mask: &Mask) -> anyhow::Result<Value> {
        let channel = &self.line.channels[&row.message.channel];
        match decode::drafts(channel, &row.message) {
            Ok(drafts) => {
                let shown = drafts.iter().map(|draft| {
                    let mut shown = golden::draft(draft).map_err(anyhow::Error::msg)?;
                    shown["data"] = mask.data_of(&draft.kind, &shown["data"]);
                    Ok(mask.texts(shown))
                });
                shown.collect()
            }
            Err(failure) => Ok(json!({"failure": mask.text(&failure.to_string())})),
        }
    }
}

fn before(row: &MessageRow, reveal: bool) -> String {
    let message = &row.message;
    let head = format!("{} · message {}", message.channel, message.id);
    let body = match serde_json::from_slice::<Value>(&message.body) {
        Ok(body) if reveal => screen::indented(&body, "  "),
        Ok(body) => screen::indented(&outline(&body), "  "),
        Err(_) if reveal => format!("  {}", String::from_utf8_lossy(&message.body)),
        Err(_) => format!("  {} bytes that are not JSON", message.body.len()),
    };
    format!("{head}\n{body}")
}

/// The names in a message without its values: of what nobody has read yet, nobody knows what is personal.
fn outline(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), outline(value))).collect(),
        Value::Array(items) => items.iter().map(outline).collect(),
        _ => json!("…"),
    }
}

/// A problem as it is stored. A connector's words may quote the message.
fn said(problem: &str, reveal: bool) -> String {
    let problem: Value = serde_json::from_str(problem).unwrap_or_default();
    let part = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    match reveal {
        true => format!("{} {} {}", part("case"), part("message"), part("at")),
        false => format!("{} {} (--reveal shows its words)", part("case"), part("at")),
    }
}
