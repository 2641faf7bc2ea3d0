//! Between an outbox and the tasks that send for it: calls in, answers out. Each task takes one call after another, and goes
//! when none is left.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use snodo_core::Class;
use tokio::sync::Notify;

use crate::pipeline::encode::Call;
use crate::pipeline::interpret::Answered;

pub struct Tray {
    bell: Notify,
    /// So many answers are enough to be worked on.
    enough: usize,
    sheets: Mutex<Sheets>,
}

#[derive(Default)]
struct Sheets {
    /// By class: those that go first, first.
    calls: [VecDeque<Call>; Class::ALL.len()],
    answered: Vec<Answered>,
    /// Answers that may ask for patience.
    unexplained: usize,
    senders: usize,
}

impl Tray {
    pub fn new(enough: usize) -> Self {
        Self { bell: Notify::new(), enough, sheets: Mutex::default() }
    }

    /// How many more tasks are needed, of so many that there may be.
    pub fn add(&self, calls: Vec<Call>, senders_max: usize) -> usize {
        let mut sheets = self.sheets();
        for call in calls {
            sheets.calls[call.class() as usize].push_back(call);
        }
        let waiting: usize = sheets.calls.iter().map(VecDeque::len).sum();
        let more = match sheets.unexplained {
            0 => waiting.min(senders_max.saturating_sub(sheets.senders)),
            _ => 0,
        };
        sheets.senders += more;
        more
    }

    /// For a task that sends. `None` says that it may go.
    pub fn next(&self) -> Option<Call> {
        let mut sheets = self.sheets();
        let call = match sheets.unexplained {
            0 => sheets.calls.iter_mut().find_map(VecDeque::pop_front),
            _ => None,
        };
        if call.is_none() {
            sheets.senders -= 1;
        }
        call
    }

    /// What may ask for patience stops the sending, until it is known whether it does.
    pub fn answer(&self, answered: Answered) {
        let mut sheets = self.sheets();
        sheets.unexplained += usize::from(answered.may_ask_for_patience());
        sheets.answered.push(answered);
        let count = sheets.answered.len();
        drop(sheets);
        if count == 1 || count == self.enough {
            self.bell.notify_one();
        }
    }

    /// So many answers that may have asked for patience are understood.
    pub fn explained(&self, answers: usize) {
        self.sheets().unexplained -= answers;
    }

    /// Resolves at the first answer, and when there are enough.
    pub async fn answers(&self) {
        self.bell.notified().await;
    }

    pub fn take_answers(&self) -> Vec<Answered> {
        std::mem::take(&mut self.sheets().answered)
    }

    /// Whether a call waits for a task.
    pub fn has_calls(&self) -> bool {
        self.sheets().calls.iter().any(|calls| !calls.is_empty())
    }

    /// For a task that could not send a call that it took.
    pub fn put_back(&self, call: Call) {
        let mut sheets = self.sheets();
        sheets.senders -= 1;
        sheets.calls[call.class() as usize].push_front(call);
    }

    /// Those that no task has taken yet.
    pub fn take_calls(&self) -> Vec<Call> {
        self.sheets().calls.iter_mut().flat_map(std::mem::take).collect()
    }

    fn sheets(&self) -> MutexGuard<'_, Sheets> {
        self.sheets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
