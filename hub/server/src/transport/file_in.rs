//! A watched folder: files that are whole become messages, and are moved to `done/` once they are durable. Looks at regular
//! intervals, because network shares announce nothing. Never changes a file, and never deletes one.
//!
//! A crash between the commit and the move leaves the file where it was, and it is taken again after the start. The second
//! message is the first in all that events are made from: its id is a function of the channel, the file's name, size, time of
//! change and content, and it was received when the file came into the folder. So its events have the same ids, with or
//! without a key of the vendor's, and are found to be duplicates.

pub mod folder;

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use snodo_core::message::Envelope;
use snodo_core::{ChannelName, Message, MessageId, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::AcceptError;
use folder::{File, Folder, Look};

/// What is watched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    pub channel: ChannelName,
    pub folder: PathBuf,
    /// Of the name: `*` stands for any text, `?` for one character.
    pub pattern: String,
    /// How long a file must have been left alone before it counts as whole.
    pub settle: Duration,
    pub body_bytes_max: usize,
}

/// What one look at the folder did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    pub taken: Vec<MessageId>,
    /// Files that can never be taken, moved to `failed/`.
    pub failed: usize,
    /// Files that may not be whole yet, or that the hub had no room for.
    pub waiting: usize,
}

pub struct FileIn<A> {
    inbox: Inbox,
    accept: A,
    known: HashMap<String, Known>,
}

/// What is remembered of a file between two looks.
#[derive(Clone, Debug)]
enum Known {
    /// It looked like this since then.
    Settling { look: Look, since: Timestamp },
    /// It is durable, and could not be moved away.
    Taken { look: Look },
}

impl<A, F> FileIn<A>
where
    A: Fn(Message) -> F,
    F: Future<Output = Result<MessageId, AcceptError>>,
{
    pub fn new(inbox: Inbox, accept: A) -> Self {
        Self { inbox, accept, known: HashMap::new() }
    }

    /// Looks until it is told to stop. A look that has begun is finished.
    pub async fn run(mut self, interval: Duration, clock: fn() -> Timestamp, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut broken = false;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            match self.look_once(clock()).await {
                Ok(_) => broken = false,
                // Once, not at every look: a share can be away for a night.
                Err(error) if !broken => {
                    broken = true;
                    error!(channel = %self.inbox.channel, folder = %self.inbox.folder.display(), %error, "failed to look into the folder");
                }
                Err(_) => {}
            }
        }
    }

    /// One look: takes what is whole, remembers what is not.
    pub async fn look_once(&mut self, now: Timestamp) -> std::io::Result<Looked> {
        let folder = Folder { path: self.inbox.folder.clone(), pattern: self.inbox.pattern.clone() };
        let files = blocking({
            let folder = folder.clone();
            move || folder.list()
        })
        .await?;
        let mut looked = Looked::default();
        let mut known = HashMap::with_capacity(files.len());
        let mut room = true;
        for File { name, look } in files {
            let before = self.known.remove(&name);
            let (state, whole) = self.settled(before.as_ref(), look, now);
            if !room || !whole {
                looked.waiting += 1;
                known.insert(name, state);
                continue;
            }
            match self.take(&folder, &name, &state).await? {
                Took::Message(id) => looked.taken.push(id),
                Took::Failed => looked.failed += 1,
                Took::Nothing => {}
                Took::Unmoved(id) => {
                    looked.taken.extend(id);
                    known.insert(name, Known::Taken { look });
                }
                Took::NoRoom => {
                    // The next file would fare no better: it keeps until the next look.
                    room = false;
                    looked.waiting += 1;
                    known.insert(name, state);
                }
            }
        }
        self.known = known;
        Ok(looked)
    }

    /// What is known of a file now, and whether it is whole: it has something in it, and has not changed since an earlier look.
    fn settled(&self, before: Option<&Known>, look: Look, now: Timestamp) -> (Known, bool) {
        match before {
            Some(Known::Taken { look: taken }) if *taken == look => (Known::Taken { look }, true),
            Some(&Known::Settling { look: seen, since }) if seen == look => {
                (Known::Settling { look, since }, look.bytes > 0 && now.since(since) >= self.inbox.settle)
            }
            _ => (Known::Settling { look, since: now }, false),
        }
    }

    async fn take(&self, folder: &Folder, name: &str, state: &Known) -> std::io::Result<Took> {
        let (Known::Settling { look, .. } | Known::Taken { look }) = *state;
        if matches!(state, Known::Taken { .. }) {
            return Ok(self.done(folder, name, None).await);
        }
        let bytes_max = self.inbox.body_bytes_max;
        if look.bytes > bytes_max as u64 {
            let reason =
                format!("the file has {} bytes, and at most {bytes_max} are taken: split it", look.bytes);
            return self.fail(folder, name, reason).await;
        }
        let (at, named) = (folder.clone(), name.to_owned());
        let body = match blocking(move || at.read(&named, look)).await {
            Ok(Some(body)) => Bytes::from(body),
            // It changed under our hands, or went away.
            Ok(None) => return Ok(Took::Nothing),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return self
                    .fail(folder, name, "the hub may not read the file: give it the right to".to_owned())
                    .await;
            }
            Err(error) => return Err(error),
        };
        let message = Message {
            id: identity(&self.inbox.channel, name, look, &body),
            channel: self.inbox.channel.clone(),
            received: look.arrived,
            envelope: Envelope { name: name.to_owned(), ..Envelope::default() },
            body,
        };
        match (self.accept)(message).await {
            Ok(id) => {
                metrics::counter!("snodo_file_in_total", "channel" => self.inbox.channel.to_string(), "result" => "accepted").increment(1);
                info!(message_id = %id, channel = %self.inbox.channel, "accepted");
                Ok(self.done(folder, name, Some(id)).await)
            }
            Err(error) => {
                warn!(channel = %self.inbox.channel, %error, "a file is left until the next look");
                Ok(Took::NoRoom)
            }
        }
    }

    async fn done(&self, folder: &Folder, name: &str, id: Option<MessageId>) -> Took {
        let (at, named) = (folder.clone(), name.to_owned());
        match (blocking(move || at.put_away(&named, folder::DONE)).await, id) {
            (Ok(_), Some(id)) => Took::Message(id),
            (Ok(_), None) => Took::Nothing,
            (Err(error), id) => {
                // It is not taken again as long as we remember; after a restart its id is the same.
                if id.is_some() {
                    error!(channel = %self.inbox.channel, %error, "failed to move a file to done/: let the hub write in the folder");
                }
                Took::Unmoved(id)
            }
        }
    }

    async fn fail(&self, folder: &Folder, name: &str, reason: String) -> std::io::Result<Took> {
        metrics::counter!("snodo_file_in_total", "channel" => self.inbox.channel.to_string(), "result" => "failed").increment(1);
        warn!(channel = %self.inbox.channel, reason, "a file is moved to failed/");
        let (at, named) = (folder.clone(), name.to_owned());
        blocking(move || at.put_aside(&named, &reason)).await?;
        Ok(Took::Failed)
    }
}

enum Took {
    Message(MessageId),
    /// Durable but still there.
    Unmoved(Option<MessageId>),
    Failed,
    Nothing,
    NoRoom,
}

/// The same file gives the same id. The time in it is the file's, so that ids still lie in order of time.
fn identity(channel: &ChannelName, name: &str, look: Look, body: &[u8]) -> MessageId {
    let mut hasher = blake3::Hasher::new();
    for part in [
        channel.as_str().as_bytes(),
        name.as_bytes(),
        &look.bytes.to_le_bytes(),
        &look.changed_nanos.to_le_bytes(),
        body,
    ] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let digest: [u8; 16] = hasher.finalize().as_bytes()[..16].try_into().expect("a digest has 32 bytes");
    let changed = i64::try_from(look.changed_nanos / 1_000_000).unwrap_or(0);
    MessageId::new(Timestamp::from_millis(changed), u128::from_le_bytes(digest))
}

/// Folders may be on shares that answer when they like: never on the threads that serve.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

#[cfg(test)]
mod tests;
