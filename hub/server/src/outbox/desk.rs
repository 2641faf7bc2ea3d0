//! What an outbox holds between its steps: what is on its way, what waits for the next stage, and what is at work.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use snodo_core::breaker::Allowed;
use snodo_core::{Class, Timestamp};
use snodo_store::{DeliverySeq, Due, Failing, Marks, Settled, Settlement, StoreError};
use tokio::task::JoinSet;

use super::GATHER;
use super::claim::Claimed;
use super::gate::Gate;
use super::pace::UsedUp;
use super::tray::Tray;
use crate::clock;
use crate::pipeline::interpret::{Answered, Interpreted};

/// Above all of them.
const HIGHEST: Marks = [DeliverySeq(i64::MAX); Class::ALL.len()];

/// What a finished task of the outbox brings.
pub(super) enum Step {
    Claimed(Result<Claimed, StoreError>),
    /// Every call that was waiting is sent, or the day's quota is used up, or the store could not say.
    Sent(Option<UsedUp>),
    /// What the store remembers of the destination.
    Remembered(Result<Option<Failing>, StoreError>),
    Noted(Result<(), StoreError>, Option<Failing>),
    Interpreted(Interpreted),
    Written(Written),
}

/// What the outbox holds between its steps.
pub(super) struct Desk {
    pub tray: Arc<Tray>,
    pub gate: Gate,
    /// What is being read or written of what the store remembers of the destination.
    pub notes: usize,
    pub marks: Marks,
    /// What was put back while a claim was made that did not see it.
    lowered: Marks,
    /// Those that were claimed and are not settled: the store still shows them as ones that may go.
    pub out: HashSet<DeliverySeq>,
    pub answered: Vec<Answered>,
    pub settled: Vec<Settled>,
    /// When what was gathered is worked on, however little it is.
    pub gathered_by: Option<Instant>,
    pub more: bool,
    pub claiming: bool,
    /// When the next claim may begin.
    pub claim_at: Instant,
    pub interpreting: bool,
    pub writing: bool,
    pub next_due: Option<Timestamp>,
    pub tasks: JoinSet<Step>,
}

/// What came of writing fates.
#[derive(Default)]
pub(super) struct Written {
    pub settled: Arc<[Settled]>,
    /// What could not be written now, and why.
    pub failed: Option<(StoreError, Vec<Settled>)>,
}

impl Desk {
    pub fn new(gate: Gate) -> Self {
        Self {
            tray: Arc::new(Tray::new(GATHER)),
            gate,
            notes: 0,
            marks: Marks::default(),
            lowered: HIGHEST,
            out: HashSet::new(),
            answered: Vec::new(),
            settled: Vec::new(),
            gathered_by: None,
            // After a start there may be anything.
            more: true,
            claiming: false,
            claim_at: Instant::now(),
            interpreting: false,
            writing: false,
            next_due: None,
            tasks: JoinSet::new(),
        }
    }

    /// A claim begins, which sees what is out now.
    pub fn begin_claim(&mut self) {
        self.claiming = true;
        self.more = false;
        self.lowered = HIGHEST;
    }

    /// A claim has ended: what it read is on its way. Nothing of its calls or fates is begun yet.
    pub fn end_claim(&mut self, claimed: &Claimed) {
        let lowered = std::mem::replace(&mut self.lowered, HIGHEST);
        self.marks = std::array::from_fn(|at| claimed.marks[at].min(lowered[at]));
        self.more |= claimed.more;
        self.next_due = claimed.next_due;
        self.out.extend(&claimed.claimed);
    }

    /// These are settled: they are out no longer.
    pub fn end_settling(&mut self, settled: &[Settled]) {
        self.writing = false;
        for one in settled {
            self.out.remove(&one.seq);
            // Another of its lane may go now, or it comes back at once.
            self.more = true;
            if let Settlement::Again { due } | Settlement::Aside { due } | Settlement::Excused { due } =
                one.result
            {
                self.next_due = Some(self.next_due.map_or(due, |next| next.min(due)));
            }
        }
    }

    pub fn is_held(&self) -> bool {
        matches!(self.gate.allowed(clock::now()), Allowed::Nothing { .. })
    }

    /// Calls that are not to be sent now: their deliveries are claimed again.
    pub fn put_back(&mut self) {
        for one in self.tray.take_calls().into_iter().flat_map(|call| call.carried) {
            let Due { seq, class, .. } = one.due;
            self.out.remove(&seq);
            for marks in [&mut self.marks, &mut self.lowered] {
                let mark = &mut marks[class as usize];
                *mark = (*mark).min(DeliverySeq(seq.0 - 1));
            }
        }
        self.more = true;
    }
}
