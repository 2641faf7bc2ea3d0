//! A watched folder: files that are whole become messages, and are moved to `done/` once they are durable. Looks at regular
//! intervals, because network shares announce nothing. Never changes a file, and never deletes one.
//!
//! A crash between the commit and the move leaves the file where it was, and it is taken again after the start. The second
//! message is the first in all that events are made from: its id is a function of the channel, the file's name, size, time of
//! change and content, and it was received when the file came into the folder. So its events have the same ids, with or
//! without a key of the vendor's, and are found to be duplicates.

pub mod folder;
mod parts;

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use snodo_core::declare::Split;
use snodo_core::message::Envelope;
use snodo_core::{ChannelName, Message, MessageId, Timestamp};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::AcceptError;
use folder::{File, Folder, Look};
use parts::{PartError, Parts};

/// What is watched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    pub channel: ChannelName,
    pub folder: PathBuf,
    /// Of the name: `*` stands for any text, `?` for one character.
    pub pattern: String,
    /// How long a file must have been left alone before it counts as whole.
    pub settle: Duration,
    /// Whether files are taken apart, and where.
    pub split: Option<Split>,
    /// Of a message: a file, or a part of one.
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
    /// It looked like this since then. Of its parts so many are durable.
    Settling { look: Look, since: Timestamp, parts: u64 },
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
                Took::Messages(ids) => looked.taken.extend(ids),
                Took::Failed => looked.failed += 1,
                Took::Nothing => {}
                Took::Unmoved(ids) => {
                    looked.taken.extend(ids);
                    known.insert(name, Known::Taken { look });
                }
                Took::NoRoom { parts: taken } => {
                    // The next file would fare no better: it keeps until the next look.
                    room = false;
                    looked.waiting += 1;
                    let state = match state {
                        Known::Settling { look, since, .. } => Known::Settling { look, since, parts: taken },
                        taken => taken,
                    };
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
            Some(&Known::Settling { look: seen, since, parts }) if seen == look => {
                let whole = look.bytes > 0 && now.since(since) >= self.inbox.settle;
                (Known::Settling { look, since, parts }, whole)
            }
            _ => (Known::Settling { look, since: now, parts: 0 }, false),
        }
    }

    async fn take(&self, folder: &Folder, name: &str, state: &Known) -> std::io::Result<Took> {
        let (look, parts) = match *state {
            Known::Taken { .. } => return Ok(self.done(folder, name, Vec::new()).await),
            Known::Settling { look, parts, .. } => (look, parts),
        };
        if let Some(split) = self.inbox.split {
            return self.take_parts(folder, name, split, (look, parts)).await;
        }
        let bytes_max = self.inbox.body_bytes_max;
        if look.bytes > bytes_max as u64 {
            let reason = format!(
                "the file has {} bytes, and at most {bytes_max} are taken: split it, or let the hub do so by split",
                look.bytes
            );
            return self.fail(folder, name, reason).await;
        }
        let (at, named) = (folder.clone(), name.to_owned());
        let body = match blocking(move || at.read(&named, look)).await {
            Ok(Some(body)) => Bytes::from(body),
            // It changed under our hands, or went away.
            Ok(None) => return Ok(Took::Nothing),
            Err(error) => return self.unread(folder, name, error).await,
        };
        let envelope = Envelope { name: name.to_owned(), ..Envelope::default() };
        match self.hand_over(look, envelope, body).await {
            Ok(id) => Ok(self.done(folder, name, vec![id]).await),
            Err(_) => Ok(Took::NoRoom { parts: 0 }),
        }
    }

    /// `taken` parts are durable already, since an earlier look that found no room for the rest.
    async fn take_parts(
        &self,
        folder: &Folder,
        name: &str,
        split: Split,
        (look, taken): (Look, u64),
    ) -> std::io::Result<Took> {
        let (path, bytes_max) = (folder.path.join(name), self.inbox.body_bytes_max);
        let opened = tokio::task::spawn_blocking(move || Parts::open(&path, split, bytes_max)).await;
        let mut parts = match opened.map_err(std::io::Error::other)? {
            Ok(parts) => parts,
            Err(PartError::Io(error)) => return self.unread(folder, name, error).await,
            Err(PartError::Unreadable(reason)) => return self.fail(folder, name, reason).await,
        };
        let mut ids = Vec::new();
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let part = parts.next_part();
                (parts, part)
            });
            let part;
            (parts, part) = read.await.map_err(std::io::Error::other)?;
            let part = match part {
                Ok(Some(part)) => part,
                Ok(None) => return Ok(self.done(folder, name, ids).await),
                Err(PartError::Io(error)) => return self.unread(folder, name, error).await,
                Err(PartError::Unreadable(reason)) => return self.fail(folder, name, reason).await,
            };
            if part.number <= taken {
                continue;
            }
            let headers = vec![
                ("file-part".to_owned(), part.number.to_string()),
                ("file-record".to_owned(), part.first_record.to_string()),
            ];
            let envelope = Envelope { name: name.to_owned(), headers, ..Envelope::default() };
            match self.hand_over(look, envelope, part.body.into()).await {
                Ok(id) => ids.push(id),
                Err(_) => return Ok(Took::NoRoom { parts: part.number - 1 }),
            }
        }
    }

    async fn hand_over(&self, look: Look, envelope: Envelope, body: Bytes) -> Result<MessageId, AcceptError> {
        let message = Message {
            id: identity(&self.inbox.channel, &envelope, look, &body),
            channel: self.inbox.channel.clone(),
            received: look.arrived,
            envelope,
            body,
        };
        match (self.accept)(message).await {
            Ok(id) => {
                metrics::counter!("snodo_file_in_total", "channel" => self.inbox.channel.to_string(), "result" => "accepted").increment(1);
                info!(message_id = %id, channel = %self.inbox.channel, "accepted");
                Ok(id)
            }
            Err(error) => {
                warn!(channel = %self.inbox.channel, %error, "a file is left until the next look");
                Err(error)
            }
        }
    }

    async fn done(&self, folder: &Folder, name: &str, ids: Vec<MessageId>) -> Took {
        let (at, named) = (folder.clone(), name.to_owned());
        match blocking(move || at.put_away(&named, folder::DONE)).await {
            Ok(_) => Took::Messages(ids),
            Err(error) => {
                // It is not taken again as long as we remember; after a restart its id is the same.
                if !ids.is_empty() {
                    error!(channel = %self.inbox.channel, %error, "failed to move a file to done/: let the hub write in the folder");
                }
                Took::Unmoved(ids)
            }
        }
    }

    async fn unread(&self, folder: &Folder, name: &str, error: std::io::Error) -> std::io::Result<Took> {
        match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                let reason = "the hub may not read the file: give it the right to".to_owned();
                self.fail(folder, name, reason).await
            }
            // It went away, or shrank: whatever is there then is looked at again.
            std::io::ErrorKind::NotFound | std::io::ErrorKind::UnexpectedEof => Ok(Took::Nothing),
            _ => Err(error),
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
    Messages(Vec<MessageId>),
    /// Durable but still there.
    Unmoved(Vec<MessageId>),
    Failed,
    Nothing,
    /// But for so many parts, which are durable.
    NoRoom {
        parts: u64,
    },
}

/// The same file gives the same id, and so does the same part of it. The time in it is the file's, so that ids still lie in order of
/// time.
fn identity(channel: &ChannelName, envelope: &Envelope, look: Look, body: &[u8]) -> MessageId {
    let mut hasher = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    for part in [
        channel.as_str().as_bytes(),
        envelope.name.as_bytes(),
        &look.bytes.to_le_bytes(),
        &look.changed_nanos.to_le_bytes(),
    ] {
        add(part);
    }
    envelope.headers.iter().for_each(|(_, value)| add(value.as_bytes()));
    add(body);
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
