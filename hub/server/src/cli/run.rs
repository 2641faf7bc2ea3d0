//! `snodo run`: the hub, until it is told to stop.

use anyhow::Context as _;
use snodo_core::vocabulary::Vocabulary;
use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, Invocation, check};
use crate::configuration::Configuration;
use crate::hub::{Hub, Options};
use crate::telemetry;

pub fn run(invocation: &Invocation) -> anyhow::Result<Exit> {
    let configuration = Configuration::read(&invocation.config)?;
    let declarations = match configuration.declarations(&Vocabulary::load()) {
        Ok(declarations) => declarations,
        Err(mistakes) => {
            check::print(invocation, &mistakes)?;
            eprintln!("snodo: the hub was not started: {} found", check::count(mistakes.len(), "mistake"));
            return Ok(Exit::Wrong);
        }
    };
    telemetry::start_logs(&declarations.hub.log);
    runtime()?.block_on(async {
        let hub = Hub::start(&configuration, declarations, Options::of_binary()?).await?;
        until_told_to_stop().await?;
        hub.stop().await;
        Ok(Exit::Fine)
    })
}

pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("failed to start the runtime")
}

/// Ctrl-C, or the signal that service managers send.
pub async fn until_told_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for signals")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("failed to listen for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}
