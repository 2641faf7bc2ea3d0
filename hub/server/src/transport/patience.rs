//! Hands a message to the hub until it has it: a broker keeps what is not acknowledged, so waiting loses nothing and costs no more
//! than what is under way.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::Counter;
use snodo_core::{ChannelName, Message, MessageId};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::AcceptError;

/// A full disk is not emptied any sooner.
const FULL_FOR: Duration = Duration::from_secs(2);

/// How long to leave the hub alone after a refusal.
pub const fn pause(error: &AcceptError) -> Duration {
    match error {
        AcceptError::Busy { retry_after } | AcceptError::Away { retry_after } => *retry_after,
        AcceptError::Full | AcceptError::Internal => FULL_FOR,
        AcceptError::Closing => Duration::ZERO,
    }
}

/// The word of a refusal in metrics.
pub const fn word(error: &AcceptError) -> &'static str {
    match error {
        AcceptError::Full => "no-room",
        AcceptError::Closing => "stopping",
        AcceptError::Busy { .. } => "busy",
        AcceptError::Away { .. } => "away",
        AcceptError::Internal => "internal",
    }
}

/// Counts what came in over one transport, by channel and result.
#[derive(Clone, Debug)]
pub struct Tally {
    pub channel: ChannelName,
    name: &'static str,
    accepted: Counter,
    /// That messages wait was told, and none was taken since.
    told: Arc<AtomicBool>,
}

impl Tally {
    /// `name` is the counter's: `snodo_mqtt_in_total`.
    pub fn new(channel: ChannelName, name: &'static str) -> Self {
        let accepted = metrics::counter!(name, "channel" => channel.to_string(), "result" => "accepted");
        Self { channel, name, accepted, told: Arc::default() }
    }

    pub fn accepted(&self) {
        self.accepted.increment(1);
        self.told.store(false, Ordering::Relaxed);
    }

    pub fn refused(&self, error: &AcceptError) {
        self.count(word(error));
        if !self.told.swap(true, Ordering::Relaxed) {
            warn!(channel = %self.channel, %error, "messages wait where they come from");
        }
    }

    pub fn count(&self, result: &'static str) {
        metrics::counter!(self.name, "channel" => self.channel.to_string(), "result" => result).increment(1);
    }
}

/// `None` if the hub was told to stop before it had the message: then it is not acknowledged.
pub async fn insist<A, F>(
    accept: &A,
    message: Message,
    tally: &Tally,
    stop: &CancellationToken,
) -> Option<MessageId>
where
    A: Fn(Message) -> F,
    F: Future<Output = Result<MessageId, AcceptError>>,
{
    loop {
        match accept(message.clone()).await {
            Ok(id) => {
                tally.accepted();
                return Some(id);
            }
            Err(AcceptError::Closing) => return None,
            Err(error) => {
                tally.refused(&error);
                stop.run_until_cancelled(tokio::time::sleep(pause(&error))).await?;
            }
        }
    }
}
