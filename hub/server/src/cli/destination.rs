//! `snodo destination`: which destinations fail, what waits for them, and that one which was given up may be tried again.

use std::collections::BTreeMap;

use serde_json::json;
use snodo_core::{ChannelName, Timestamp};
use snodo_store::Failing;
use snodo_store::home::Home;

use super::{Exit, Invocation, screen};
use crate::outbox::pace;
use crate::{admin, clock, home};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the destinations that fail, that something waits for, or that have used of their day's quota
    List,
    /// Try a destination again that was disabled for failing too long, or one that fails, at once
    Enable { destination: ChannelName },
}

pub fn destination(invocation: &Invocation, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::List => list(invocation),
        Command::Enable { destination } => enable(invocation, &destination),
    }
}

#[derive(Default)]
struct Standing {
    failing: Option<Failing>,
    in_flight: u64,
    sent_today: u64,
}

fn list(invocation: &Invocation) -> anyhow::Result<Exit> {
    let store = home::look(&invocation.config)?;
    let mut all: BTreeMap<ChannelName, Standing> = BTreeMap::new();
    for (name, failing) in store.all_failing()? {
        all.entry(name).or_default().failing = Some(failing);
    }
    for (name, count) in store.destinations_in_flight()? {
        all.entry(name).or_default().in_flight = count;
    }
    for (name, drawn) in store.all_drawn(pace::day_of(clock::now()))? {
        all.entry(name).or_default().sent_today = drawn;
    }
    for (name, standing) in &all {
        let Standing { failing, in_flight, sent_today } = standing;
        let (state, since) = state(failing.as_ref());
        let reason = failing.as_ref().map(|failing| failing.reason.as_str());
        let since = since.map(|since| since.to_string());
        match invocation.json {
            true => screen::json(&json!({
                "destination": name, "state": state, "since": since, "reason": reason,
                "in_flight": in_flight, "sent_today": sent_today,
            }))?,
            false => screen::line(format!(
                "{:<24} {state:<9} {in_flight:>10} in flight  {}{}",
                name.as_str(),
                since.map(|since| format!("since {since}  ")).unwrap_or_default(),
                reason.unwrap_or_default()
            ))?,
        }
    }
    if all.is_empty() && !invocation.json {
        screen::line("Nothing waits, and nothing fails.")?;
    }
    Ok(Exit::Fine)
}

/// In one word, and since when.
pub fn state(failing: Option<&Failing>) -> (&'static str, Option<Timestamp>) {
    match failing {
        None => ("works", None),
        Some(Failing { disabled: Some(disabled), .. }) => ("disabled", Some(*disabled)),
        Some(Failing { since, .. }) => ("fails", Some(*since)),
    }
}

/// By the running hub, which owns the store; or, if none runs, here.
fn enable(invocation: &Invocation, destination: &ChannelName) -> anyhow::Result<Exit> {
    if home::look(&invocation.config)?.failing(destination)?.is_none() {
        screen::line(format!("{destination} does not fail: `snodo destination list` shows those that do."))?;
        return Ok(Exit::Wrong);
    }
    let works = async |home: &dyn Home, destination| home.set_failing(destination, None).await;
    home::changer(&invocation.config)?.change(admin::ENABLE, destination.clone(), works)?;
    match invocation.json {
        true => screen::json(&json!({"destination": destination, "state": "works"}))?,
        false => screen::line(format!("{destination} is tried again."))?,
    }
    Ok(Exit::Fine)
}
