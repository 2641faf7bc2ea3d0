//! `snodo balance`: what was accepted, and what became of it.

use serde_json::json;
use snodo_core::Timestamp;
use snodo_store::{Balance, Store, Tally};

use super::{Exit, Invocation, moment, screen};
use crate::configuration;

#[derive(clap::Args)]
pub struct Args {
    /// Only what was accepted from then on: `2026-03-01T00:00:00Z`, or how long ago: `1h`, `7d`
    #[arg(long, value_parser = moment::parse)]
    since: Option<Timestamp>,
}

pub fn balance(invocation: &Invocation, args: &Args) -> anyhow::Result<Exit> {
    let store = Store::open_read_only(configuration::data_folder(&invocation.config)?)?;
    let balance = store.balance(args.since)?;
    let removed = store.removed()?;
    if invocation.json {
        let mut value = serde_json::to_value(&balance.tally)?;
        value["routes"] = json!(balance.routes);
        value["removed"] = serde_json::to_value(&removed)?;
        value["difference"] = json!(balance.difference());
        value["messages_difference"] = json!(balance.messages_difference());
        value["events_difference"] = json!(balance.events_difference());
        screen::json(&value)?;
    } else {
        print(&balance)?;
        if args.since.is_none() {
            print_removed(&removed)?;
        }
    }
    let lost = [balance.difference(), balance.messages_difference(), balance.events_difference()];
    Ok(if lost == [0, 0, 0] { Exit::Fine } else { Exit::Wrong })
}

/// The three equations, one under the other.
pub fn print(balance: &Balance) -> anyhow::Result<()> {
    let messages = &balance.messages;
    let events = &balance.events;
    equation(
        "messages accepted",
        messages.accepted,
        &[
            ("decoded", messages.decoded),
            ("quarantined", messages.quarantined),
            ("waiting", messages.pending),
        ],
        balance.messages_difference(),
    )?;
    equation(
        "events decoded",
        events.decoded,
        &[("routed", events.routed), ("duplicate", events.duplicate), ("quarantined", events.quarantined)],
        balance.events_difference(),
    )?;
    let mut fates: Vec<(&str, i64)> =
        balance.fates.iter().map(|(fate, count)| (fate.as_str(), count)).collect();
    fates.push(("in flight", balance.in_flight));
    equation("events × routes", balance.expected, &fates, balance.difference())
}

/// What is counted above and not there any more.
fn print_removed(removed: &Tally) -> anyhow::Result<()> {
    if *removed == Tally::default() {
        return Ok(());
    }
    screen::line("of these removed by retention")?;
    for (what, count) in [
        ("messages", removed.messages.accepted),
        ("events", removed.events.decoded),
        ("events × routes", removed.expected),
    ] {
        screen::line(format!("  {what:<18}{count:>10}"))?;
    }
    screen::line("")?;
    Ok(())
}

fn equation(name: &str, total: i64, parts: &[(&str, i64)], difference: i64) -> anyhow::Result<()> {
    screen::line(format!("{name:<20}{total:>10}"))?;
    for (part, count) in parts {
        screen::line(format!("  {part:<18}{count:>10}"))?;
    }
    screen::line(format!("  {:<18}{difference:>10}\n", "difference"))?;
    Ok(())
}
