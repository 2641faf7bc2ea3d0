//! Asks the system of one channel for what is new, page by page. The connector says what to ask and what an answer says; the hub
//! asks, keeps each page and how far it brings the channel in one commit, and decides when to ask again. One task per channel, so
//! that its polls never overlap.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use snodo_core::ChannelName;
use snodo_core::retry::{PATIENCE_MAX, Schedule};
use snodo_host::{Failure, Fault, Page, Question, Step};
use snodo_store::{Cursor, StoreError};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::clock;
use crate::hub::Condition;
use crate::pipeline::decode::case;
use crate::pipeline::drafts::{self, Moment, Origin};
use crate::pipeline::{Current, Fitted};
use crate::sender::SendFailure;
use crate::transport::http_out::{Client, Outbound, request_line};
use crate::transport::{self, Answer, Stamp};

/// Questions before there must be a page: a token, a search, its result and a record of each kind are fewer. More is a circle.
const QUESTIONS_MAX: usize = 16;

/// The shortest time between two polls, whatever the channel or the connector says: a mistyped unit must not flood a vendor.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// How long to wait before what was not tried is tried.
const AGAIN_SOON: Duration = Duration::from_secs(1);

/// The cursor's name in the store: a channel has one.
const CURSOR: &str = "poll";

pub struct Poll {
    pub channel: ChannelName,
    pub line: Current,
    pub condition: Arc<Condition>,
    pub client: Client,
    pub outbound: Outbound,
    pub every: Duration,
    pub stamp: Arc<Stamp>,
    /// How many batches are worked on at one time, over all channels.
    pub permits: Arc<Semaphore>,
}

/// What was kept of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    events: usize,
    /// There is more to fetch right now.
    more: bool,
    wait: Option<Duration>,
}

/// Why there is no page.
#[derive(Debug)]
pub enum Trouble {
    /// The connector says so of an answer.
    Said {
        fault: Fault,
        asked: Asked,
    },
    /// There was no answer. The words are the hub's own.
    Unanswered {
        fault: Fault,
        asked: Asked,
    },
    /// The sandbox, or the connector against the contract.
    Failed(Failure),
    Store(StoreError),
}

/// The last question, as a log may show it.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    request: String,
    status: Option<u16>,
}

impl Poll {
    /// Returns when told to stop. A page that is under way then is asked for again after the next start.
    pub async fn run(self, stop: CancellationToken) {
        let mut failed = 0;
        while let Some(page) = stop.run_until_cancelled(self.page()).await {
            let pause = match page {
                Ok(kept) => {
                    failed = 0;
                    self.count(if kept.events == 0 { "empty" } else { "page" });
                    debug!(channel = %self.channel, events = kept.events, more = kept.more, "a page was kept");
                    match kept.more {
                        true => Duration::ZERO,
                        false => kept.wait.unwrap_or(self.every).clamp(PAUSE_MIN, PATIENCE_MAX),
                    }
                }
                Err(trouble) => {
                    failed += usize::from(!trouble.is_innocent());
                    let pause = trouble.pause(&self.line.now().schedule, self.every, failed).max(PAUSE_MIN);
                    self.count(trouble.case());
                    self.tell(&trouble, pause);
                    pause
                }
            };
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Asks for one page and keeps it.
    pub async fn page(&self) -> Result<Kept, Trouble> {
        let cursor = self.cursor().await?;
        // One build for the whole page: another would not know the state that this one keeps.
        let fitted = Arc::clone(self.line.now().channels[&self.channel].fitted());
        let (mut reply, mut asked) = (None, Asked::default());
        for _ in 0..=QUESTIONS_MAX {
            match self.next(&fitted, cursor.clone(), reply, &asked).await? {
                Step::Page(page) => return self.keep(cursor, page, &asked).await,
                Step::Ask(Question { request, state }) => {
                    asked = Asked { request: request_line(&request.method, &request.target), status: None };
                    let answer = self.ask(request, &asked).await?;
                    asked.status = Some(answer.status);
                    reply = Some((state, answer));
                }
            }
        }
        Err(Failure::Broken(format!("it asked more than {QUESTIONS_MAX} questions for one page")).into())
    }

    async fn cursor(&self) -> Result<Option<Vec<u8>>, Trouble> {
        let (store, channel) = (self.condition.store.clone(), self.channel.clone());
        let read = tokio::task::spawn_blocking(move || store.cursor(&channel, CURSOR));
        Ok(read.await.expect("reading does not panic")?)
    }

    /// The connector's next step.
    async fn next(
        &self,
        fitted: &Arc<Fitted>,
        cursor: Option<Vec<u8>>,
        reply: Option<(Vec<u8>, Answer)>,
        asked: &Asked,
    ) -> Result<Step, Trouble> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let (line, name, fitted) = (self.line.now(), self.channel.clone(), Arc::clone(fitted));
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let channel = &line.channels[&name];
            let reply = reply.as_ref().map(|(state, answer)| snodo_host::Reply {
                state,
                answer: snodo_host::Answer {
                    status: answer.status,
                    headers: &answer.headers,
                    body: &answer.body,
                },
            });
            fitted.connector.next(&channel.context(&fitted, clock::now()), cursor.as_deref(), reply)
        });
        let next = job.await.unwrap_or_else(|panic| Err(Failure::NotStarted(panic.to_string())));
        next.map_err(|failure| match failure {
            Failure::Fault(fault) => Trouble::Said { fault, asked: asked.clone() },
            failure => failure.into(),
        })
    }

    async fn ask(&self, request: snodo_host::Request, asked: &Asked) -> Result<Answer, Trouble> {
        let snodo_host::Request { method, target, headers, body } = request;
        let id = self.channel.to_string();
        let request = transport::Request { id, method, target, headers, body: body.into() };
        let answer = self.client.send(&self.outbound, request, clock::now()).await;
        answer.map_err(|error| Trouble::Unanswered {
            fault: SendFailure::Http(error).fault(),
            asked: asked.clone(),
        })
    }

    /// The page and where to go on, in one commit: a kill before it asks for the page again, and never leaves one out.
    async fn keep(&self, before: Option<Vec<u8>>, page: Page, asked: &Asked) -> Result<Kept, Trouble> {
        let Page { events, cursor, more, wait_ms } = page;
        let kept = Kept { events: events.len(), more, wait: wait_ms.map(Duration::from_millis) };
        let moved = before.is_none_or(|before| before != cursor);
        if more && !moved {
            return Err(Failure::Broken("it says that there is more, and stays where it is".into()).into());
        }
        if events.is_empty() && !moved {
            return Ok(kept);
        }
        let moment = Moment { now: clock::now(), stamp: &self.stamp };
        let origin = Origin { channel: &self.channel, name: &asked.request, moment };
        let messages = drafts::messages(origin, events);
        let cursor = Cursor { channel: self.channel.clone(), name: CURSOR.to_owned(), value: cursor };
        let accepted = self.condition.store.accept_all(messages, Some(cursor)).await;
        self.condition.full.store(matches!(accepted, Err(StoreError::Full)), Ordering::Relaxed);
        if !accepted?.is_empty() {
            self.condition.sources.ring(&self.channel);
        }
        Ok(kept)
    }

    fn count(&self, result: &'static str) {
        metrics::counter!("snodo_polls_total", "channel" => self.channel.to_string(), "result" => result)
            .increment(1);
    }

    /// What the connector says of an answer may quote it, and stays out of the log.
    fn tell(&self, trouble: &Trouble, pause: Duration) {
        let (channel, case, again_ms) = (&self.channel, trouble.case(), pause.as_millis());
        match trouble {
            Trouble::Said { fault, asked: Asked { request, status } } => {
                let at = &fault.problem().at;
                match fault {
                    Fault::Retry(_) | Fault::RateLimited(_) => {
                        warn!(%channel, case, request, status, at, again_ms, "a poll is tried again");
                    }
                    _ => error!(%channel, case, request, status, at, again_ms, "a poll failed"),
                }
            }
            Trouble::Unanswered { fault, asked: Asked { request, .. } } => match fault {
                Fault::Retry(_) => {
                    warn!(%channel, case, request, error = %fault, again_ms, "a poll is tried again");
                }
                _ => error!(%channel, case, request, error = %fault, again_ms, "a poll failed"),
            },
            Trouble::Failed(failure) if failure.is_innocent() => {
                info!(%channel, error = %failure, again_ms, "a poll waits");
            }
            // Its last words may quote an answer, too.
            Trouble::Failed(Failure::Trapped { why, .. }) => {
                error!(%channel, case, error = why, again_ms, "a poll failed");
            }
            Trouble::Failed(failure) => error!(%channel, case, error = %failure, again_ms, "a poll failed"),
            Trouble::Store(error) => warn!(%channel, %error, again_ms, "a page could not be kept"),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Trouble {
    const fn case(&self) -> &'static str {
        match self {
            Self::Said { fault, .. } | Self::Unanswered { fault, .. } => case(fault),
            Self::Failed(_) => "sandbox",
            Self::Store(_) => "store",
        }
    }

    const fn is_innocent(&self) -> bool {
        matches!(self, Self::Failed(failure) if failure.is_innocent())
    }

    /// How long to wait after so many failures in a row. What time may mend is tried again by the hub's schedule, at the latest
    /// when it would be asked anyway; what it cannot mend, when it would be asked anyway.
    fn pause(&self, schedule: &Schedule, every: Duration, failed: usize) -> Duration {
        let step = || failed.checked_sub(1).and_then(|place| schedule.delays().get(place)).copied();
        let soon = || step().unwrap_or(every).min(every);
        let asked = |fault: &Fault| match fault {
            Fault::RateLimited(wait) => wait.after_ms.map(Duration::from_millis).unwrap_or_default(),
            _ => Duration::ZERO,
        };
        match self {
            Self::Said { fault: Fault::Permanent(_) | Fault::Misconfigured(_), .. }
            | Self::Unanswered { fault: Fault::Permanent(_) | Fault::Misconfigured(_), .. } => every,
            Self::Said { fault, .. } | Self::Unanswered { fault, .. } => {
                asked(fault).min(PATIENCE_MAX).max(soon())
            }
            Self::Failed(failure) if failure.is_innocent() => AGAIN_SOON,
            Self::Failed(_) => every,
            Self::Store(_) => soon(),
        }
    }
}

#[cfg(test)]
mod tests {
    use snodo_host::{Problem, Wait};

    use super::*;

    #[test]
    fn a_poll_that_failed_waits_as_what_failed_can_be_mended() {
        let seconds = Duration::from_secs;
        let schedule = Schedule::new(vec![seconds(5), seconds(30), seconds(600)]);
        let problem = || Problem { message: "as asked".into(), at: None };
        let limited = |after_ms| Fault::RateLimited(Wait { after_ms, bucket: None, problem: problem() });
        let said = |fault| Trouble::Said { fault, asked: Asked::default() };
        let silent = |fault| Trouble::Unanswered { fault, asked: Asked::default() };
        for (trouble, failed, expected) in [
            (said(Fault::Retry(problem())), 1, 5),
            (said(Fault::Auth(problem())), 2, 30),
            (silent(Fault::Retry(problem())), 3, 300),
            (silent(Fault::Retry(problem())), 99, 300),
            (said(limited(None)), 1, 5),
            (said(limited(Some(60_000))), 1, 60),
            (said(limited(Some(1_000))), 2, 30),
            (said(limited(Some(u64::MAX))), 1, PATIENCE_MAX.as_secs()),
            (said(Fault::Permanent(problem())), 1, 300),
            (silent(Fault::Misconfigured(problem())), 1, 300),
            (Failure::TimedOut(seconds(1)).into(), 1, 300),
            (Failure::Postponed.into(), 0, 1),
            (StoreError::Full.into(), 1, 5),
        ] {
            assert_eq!(trouble.pause(&schedule, seconds(300), failed), seconds(expected), "{trouble:?}");
        }
    }
}
