//! What became of an item that has no result: either the connector says why, or the sandbox does.

use std::time::Duration;

use crate::Fault;

/// Belongs to one item of a batch; its neighbours are not touched.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The connector itself says so, and its case is the policy.
    #[error("{0}")]
    Fault(Fault),
    /// The guest gave up. `said` is its last line in the log before it did: usually the place of a panic.
    #[error("the connector failed: {why}{}", .said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default())]
    Trapped { why: String, said: Option<String> },
    #[error("the connector did not answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    #[error("the connector wanted more than {0} bytes of memory")]
    OutOfMemory(usize),
    #[error("the connector called itself too deeply")]
    StackOverflow,
    /// More than the sandbox takes, or not what the contract describes.
    #[error("what the connector returned cannot be taken: {0}")]
    Output(String),
    /// The results do not fit the batch.
    #[error("the connector broke the contract: {0}")]
    Broken(String),
    /// Not tried: its neighbours have used up the time of the batch. It is not at fault; give it again.
    #[error("the items before this one took too long, it was not tried")]
    Postponed,
    /// The hub could not make an instance. Not the item's fault; give it again.
    #[error("failed to start the connector: {0}")]
    NotStarted(String),
}

impl Failure {
    /// Whether the item itself is innocent, so that it should simply be given again.
    pub const fn is_innocent(&self) -> bool {
        matches!(self, Self::Postponed | Self::NotStarted(_))
    }
}
