//! `snodo run`: the hub, until it is told to stop. SIGHUP has it take its files anew.

use std::sync::Arc;

use anyhow::Context as _;
use snodo_core::vocabulary::Vocabulary;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Exit, Invocation, check};
use crate::configuration::Configuration;
use crate::hub::{Hub, Options};
use crate::live::plan::Answers;
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
        let stop = StopSignals::listen()?;
        let mut again = signal(SignalKind::hangup()).context("failed to listen for signals")?;
        let hub = Hub::start(&configuration, declarations, Options::of_binary()?).await?;
        let mut told = std::pin::pin!(stop.told());
        loop {
            tokio::select! {
                () = &mut told => break,
                _ = again.recv() => {
                    let live = Arc::clone(&hub.live);
                    // What comes of it is in the log. Who tells the hub to stop meanwhile is heard.
                    tokio::spawn(async move { _ = live.reload(Answers::new()).await });
                }
            }
        }
        hub.stop().await;
        Ok(Exit::Fine)
    })
}

pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("failed to start the runtime")
}

/// Ctrl-C, and the signal that service managers send. Listened for before the hub starts: one that comes while it does stops it
/// as soon as it runs, and not in the middle of something.
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    pub fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("failed to listen for signals");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    pub async fn told(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
