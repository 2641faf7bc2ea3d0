//! `snodo backup` and `snodo restore`: the hub's store as one file, made while the hub runs.

use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;
use snodo_store::Store;

use super::{Exit, Invocation, screen};
use crate::{configuration, home};

#[derive(clap::Args)]
pub struct Args {
    /// The file to write. It may not be there yet
    file: PathBuf,
}

#[derive(clap::Args)]
pub struct RestoreArgs {
    /// A file that `snodo backup` has written
    file: PathBuf,
}

pub fn backup(invocation: &Invocation, args: &Args) -> anyhow::Result<Exit> {
    home::one_file(&invocation.config, "snodo backup")?;
    let store = Store::open_read_only(configuration::data_folder(&invocation.config)?)?;
    let file = args.file.display();
    let made = store.back_up(&args.file).with_context(|| format!("nothing was backed up into {file}"))?;
    let (messages, in_flight) = (made.tally.messages.accepted, made.tally.in_flight);
    if invocation.json {
        screen::json(&json!({"bytes": made.bytes, "messages": messages, "in_flight": in_flight}))?;
    } else {
        screen::line(format!(
            "Backed up into {file}: {messages} messages and what became of them, {in_flight} deliveries in flight, {} bytes.",
            made.bytes
        ))?;
        screen::line("It holds personal data. The configuration's folder, with its secrets, is not in it.")?;
    }
    Ok(Exit::Fine)
}

pub fn restore(invocation: &Invocation, args: &RestoreArgs) -> anyhow::Result<Exit> {
    home::one_file(&invocation.config, "snodo restore")?;
    let data = configuration::data_folder(&invocation.config)?;
    let file = args.file.display();
    anyhow::ensure!(args.file.is_file(), "there is no file {file}");
    let bytes = snodo_store::restore(&args.file, &data)
        .with_context(|| format!("nothing was restored from {file}"))?;
    if invocation.json {
        screen::json(&json!({"bytes": bytes}))?;
    } else {
        screen::line(format!(
            "Restored {file} into {}, {bytes} bytes. `snodo run` goes on from there.",
            data.display()
        ))?;
    }
    Ok(Exit::Fine)
}
