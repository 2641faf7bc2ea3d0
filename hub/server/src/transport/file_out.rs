//! Files in a folder: each request's body is one line of a file, or a whole file, and counts as taken once it is on the disk. One
//! thread owns the files and writes in groups, so that many lines share one wait for the disk. Never changes a line that is written.
//!
//! A line is JSON, unless the request's `content-type` says that it is another text. `file-head` and `file-foot` are lines that each
//! file begins and ends with. The method PUT writes a whole file.
//!
//! The line that is being written when the power goes was not answered for: what is there of it is cut off at the next start.
//! A line that was written and not answered is written again: its event's id is in it.

mod lines;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use snodo_core::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::{Answer, Mends, Request};
use lines::{Folder, Frame};

/// Lines waiting to be written; whoever comes then waits, too.
const QUEUE_MAX: usize = 1024;
/// Lines that share one wait for the disk: as many as it can write in about the time of that wait.
const GROUP_MAX: usize = 256;

/// Where lines go, and when a file is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbox {
    pub folder: PathBuf,
    pub rotate_bytes: u64,
    pub rotate_after: Duration,
}

/// Why a line was not written, sorted by who must act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The connector's.
    #[error(
        "{0:?} is no plain name for a file: use letters, digits, dots, hyphens and underscores, 1 to 100 of them"
    )]
    Name(String),
    /// The connector's.
    #[error("the body is not one line: {0}")]
    Line(String),
    /// The connector's.
    #[error("{0:?} is no method of files: APPEND adds a line, PUT writes a whole file")]
    Method(String),
    /// The operator's: the folder, its rights, its room.
    #[error("failed to write to {folder}: {reason}")]
    Disk { folder: String, reason: String },
    #[error("the hub is stopping")]
    Closing,
}

impl WriteError {
    pub const fn mends(&self) -> Mends {
        match self {
            Self::Name(_) | Self::Line(_) | Self::Method(_) => Mends::Connector,
            Self::Disk { .. } | Self::Closing => Mends::Destination,
        }
    }
}

/// Hands lines to the thread that writes them. The thread ends when the last of these is dropped.
#[derive(Clone, Debug)]
pub struct FileOut {
    lines: mpsc::Sender<Line>,
}

#[derive(Debug)]
struct Line {
    name: String,
    body: bytes::Bytes,
    way: Way,
    written: oneshot::Sender<Result<(), WriteError>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Append(Frame),
    Put,
}

impl FileOut {
    /// Begins to write. `clock` says how old a file is.
    pub fn open(outbox: Outbox, clock: fn() -> Timestamp) -> std::io::Result<Self> {
        let (lines, waiting) = mpsc::channel(QUEUE_MAX);
        let folder = Folder::open(outbox)?;
        thread::Builder::new().name("file-out".to_owned()).spawn(move || write(folder, waiting, clock))?;
        Ok(Self { lines })
    }

    /// Resolves once the line is on the disk.
    pub async fn send(&self, request: Request) -> Result<Answer, WriteError> {
        let started = Instant::now();
        lines::check_name(&request.target)?;
        let (way, body) = way(&request)?;
        let (written, answer) = oneshot::channel();
        let line = Line { name: request.target, body, way, written };
        self.lines.send(line).await.map_err(|_| WriteError::Closing)?;
        answer.await.map_err(|_| WriteError::Closing)??;
        Ok(Answer { status: 200, elapsed: started.elapsed(), ..Answer::default() })
    }
}

/// What the request asks for, and what is to be written.
fn way(request: &Request) -> Result<(Way, bytes::Bytes), WriteError> {
    let header =
        |wanted: &str| request.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value);
    match request.method.as_str() {
        "PUT" => Ok((Way::Put, request.body.clone())),
        // Connectors made before there was another way say POST.
        "APPEND" | "POST" => {
            let body = lines::one_line(&request.body)?;
            if header("content-type").is_none_or(|kind| kind.contains("json")) {
                lines::check_json(&body)?;
            }
            let framed = |name: &str| {
                header(name)
                    .map(|text| lines::one_line(&bytes::Bytes::copy_from_slice(text.as_bytes())))
                    .transpose()
            };
            Ok((Way::Append(Frame { head: framed("file-head")?, foot: framed("file-foot")? }), body))
        }
        other => Err(WriteError::Method(other.to_owned())),
    }
}

fn write(mut folder: Folder, mut waiting: mpsc::Receiver<Line>, clock: fn() -> Timestamp) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while waiting.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
        write_group(&mut folder, &mut group, clock());
    }
}

/// One group: all lines of a file, then one wait for the disk, then the answers.
fn write_group(folder: &mut Folder, group: &mut Vec<Line>, now: Timestamp) {
    group.sort_by(|a, b| a.name.cmp(&b.name));
    let together = |a: &Line, b: &Line| a.name == b.name && a.way == b.way && a.way != Way::Put;
    for of_file in group.chunk_by(together).map(<[Line]>::len).collect::<Vec<_>>() {
        let lines: Vec<Line> = group.drain(..of_file).collect();
        let bodies: Vec<&[u8]> = lines.iter().map(|line| line.body.as_ref()).collect();
        let result = match &lines[0].way {
            Way::Append(frame) => folder.append(&lines[0].name, frame, &bodies, now),
            Way::Put => folder.put(&lines[0].name, bodies[0]),
        };
        for line in lines {
            // Whoever does not wait any more will ask again.
            _ = line.written.send(result.clone());
        }
    }
}

#[cfg(test)]
mod tests;
