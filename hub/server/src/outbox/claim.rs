//! What an outbox takes from the store at once, and makes requests of.

use std::collections::HashSet;
use std::sync::Arc;

use snodo_core::Timestamp;
use snodo_core::breaker::Allowed;
use snodo_core::declare::Order;
use snodo_store::{Claim, DeliverySeq, Due, Marks, StoreError};

use super::desk::{Desk, Step};
use super::{IN_FLIGHT_MAX, Outbox, resume};
use crate::clock;
use crate::pipeline::{Channel, Line, encode};

/// What is read from the store at once, in whole calls of the connector: a part of a batch costs as much as a batch.
const CLAIM_MAX: usize = 256;

/// Bodies of one claim in memory.
const CLAIM_BYTES_MAX: usize = 4 << 20;

pub(super) struct Claimed {
    /// Where the next claim goes on.
    pub marks: Marks,
    /// There may be more right now.
    pub more: bool,
    pub claimed: Vec<DeliverySeq>,
    pub encoded: encode::Encoded,
    pub next_due: Option<Timestamp>,
}

impl Outbox {
    /// As a step.
    pub(super) async fn claim(
        self: Arc<Self>,
        marks: Marks,
        out: HashSet<DeliverySeq>,
        limit: usize,
    ) -> Step {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            Step::Claimed(self.claim_now(marks, &out, limit))
        });
        resume(job.await)
    }

    pub(super) fn can_claim(&self, desk: &Desk) -> bool {
        let alone = || desk.out.is_empty();
        let may = match desk.gate.allowed(clock::now()) {
            Allowed::All => !self.is_strict() || alone(),
            Allowed::One => alone(),
            Allowed::Nothing { .. } => false,
        };
        may && desk.more && !desk.claiming && desk.out.len() < self.in_flight_max()
    }

    /// What one claim may take.
    pub(super) fn limit(&self, desk: &Desk) -> usize {
        match desk.gate.allowed(clock::now()) {
            Allowed::One => 1,
            Allowed::All | Allowed::Nothing { .. } => {
                self.claim_max().min(self.in_flight_max().saturating_sub(desk.out.len()).max(1))
            }
        }
    }

    /// What waits for its second waits in the store, or what is more urgent would wait behind it.
    fn in_flight_max(&self) -> usize {
        let Some(requests) = self.pace.requests_max() else { return IN_FLIGHT_MAX };
        let batch_max = self.line.now().channels[&self.destination].fitted().batch_max.max(1);
        (requests * batch_max).min(IN_FLIGHT_MAX)
    }

    fn is_strict(&self) -> bool {
        self.line.now().channels[&self.destination].queue.order() == Order::Strict
    }

    fn claim_max(&self) -> usize {
        let line = self.line.now();
        let batch_max = line.channels[&self.destination].fitted().batch_max.clamp(1, IN_FLIGHT_MAX);
        CLAIM_MAX.saturating_sub(CLAIM_MAX % batch_max).max(batch_max)
    }

    fn claim_now(
        &self,
        marks: Marks,
        out: &HashSet<DeliverySeq>,
        limit: usize,
    ) -> Result<Claimed, StoreError> {
        let (line, now) = (self.line.now(), clock::now());
        let channel = &line.channels[&self.destination];
        if channel.queue.order() == Order::Strict {
            return self.claim_in_order(&line, limit, now);
        }
        let claim =
            Claim { destination: &self.destination, marks, out, now, limit, bytes_max: CLAIM_BYTES_MAX };
        let (dues, waits_until) = self.gathered(channel, self.store.claim(&claim)?, now);

        let mut marks = marks;
        for due in dues.iter().filter(|due| due.fresh) {
            let mark = &mut marks[due.class as usize];
            *mark = due.seq.max(*mark);
        }
        let (more, claimed) = (!dues.is_empty(), dues.iter().map(|due| due.seq).collect());
        let encoded = encode::encode(&line, channel, dues, self.store.reading(), now)?;
        // What is due already was claimed, now or before; when it is settled, the rest is looked at again.
        let next_due = self.store.next_due(&self.destination)?.filter(|due| *due > now);
        let next_due = next_due.into_iter().chain(waits_until).min();
        Ok(Claimed { marks, more, claimed, encoded, next_due })
    }

    /// One batch of what is oldest, and nothing as long as that waits. Nothing else of this destination is under way.
    fn claim_in_order(&self, line: &Line, limit: usize, now: Timestamp) -> Result<Claimed, StoreError> {
        let channel = &line.channels[&self.destination];
        let limit = channel.fitted().batch_max.clamp(1, limit);
        let (dues, waits_until) = match self.store.head(&self.destination, limit, CLAIM_BYTES_MAX)? {
            Some((due_at, _)) if due_at > now => (Vec::new(), Some(due_at)),
            Some((_, dues)) => (dues, None),
            None => {
                let fresh = self.store.fresh(&self.destination, limit, CLAIM_BYTES_MAX)?;
                self.gathered(channel, fresh, now)
            }
        };
        let (more, claimed) = (!dues.is_empty(), dues.iter().map(|due| due.seq).collect());
        let encoded = encode::encode(line, channel, dues, self.store.reading(), now)?;
        Ok(Claimed { marks: Marks::default(), more, claimed, encoded, next_due: waits_until })
    }

    /// Where deliveries wait for others, and there are not enough yet: none, and until when they wait.
    fn gathered(&self, channel: &Channel, fresh: Vec<Due>, now: Timestamp) -> (Vec<Due>, Option<Timestamp>) {
        let Some(gather) = channel.queue.gather else { return (fresh, None) };
        let Some(first) = fresh.first() else { return (fresh, None) };
        let until = first.accepted + gather.0;
        match fresh.len() >= self.claim_max() || until <= now {
            true => (fresh, None),
            false => (Vec::new(), Some(until)),
        }
    }
}
