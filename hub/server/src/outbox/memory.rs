//! What the store remembers of a destination that fails: read before anything is sent, and written when that changes.

use std::sync::Arc;
use std::time::Duration;

use snodo_store::{Failing, StoreError};
use tracing::warn;

use super::desk::{Desk, Step};
use super::{Outbox, STORE_PAUSE, resume};
use crate::clock;
use crate::pipeline::interpret::Heard;

impl Outbox {
    /// What answers said of the destination as a whole.
    pub(super) fn listen(self: &Arc<Self>, desk: &mut Desk, heard: &[Heard]) {
        let now = clock::now();
        for heard in heard {
            if let Some(failing) = desk.gate.heard(*heard, now) {
                self.note(desk, failing, Duration::ZERO);
            }
        }
    }

    /// Asks the store; the answer is a step.
    pub(super) fn remember(self: &Arc<Self>, desk: &mut Desk, after: Duration) {
        let this = Arc::clone(self);
        desk.notes += 1;
        desk.tasks.spawn(async move {
            tokio::time::sleep(after).await;
            this.read_memory().await
        });
    }

    pub(super) fn remembered(self: &Arc<Self>, desk: &mut Desk, said: Result<Option<Failing>, StoreError>) {
        desk.notes -= 1;
        let now = clock::now();
        match said {
            // Nobody has seen that it works: it is asked for one delivery, as before.
            Ok(None) if desk.gate.fails() => {
                let failing = desk.gate.try_again(now);
                self.note(desk, Some(failing), Duration::ZERO);
            }
            Ok(Some(failing)) if desk.gate.knows(&failing) => {}
            Ok(failing) => desk.gate.restore(failing.as_ref(), now),
            Err(error) => {
                warn!(destination = %self.destination, %error, "the store does not say whether the destination worked");
                // Nothing is sent until that is known.
                desk.gate.pause(clock::now() + 2 * STORE_PAUSE);
                self.remember(desk, STORE_PAUSE);
            }
        }
    }

    pub(super) fn note(self: &Arc<Self>, desk: &mut Desk, failing: Option<Failing>, after: Duration) {
        let this = Arc::clone(self);
        desk.notes += 1;
        desk.tasks.spawn(async move {
            tokio::time::sleep(after).await;
            let noted = this.store.set_failing(this.destination.clone(), failing.clone()).await;
            Step::Noted(noted, failing)
        });
    }

    async fn read_memory(self: Arc<Self>) -> Step {
        let read = move || Step::Remembered(self.store.failing(&self.destination));
        resume(tokio::task::spawn_blocking(read).await)
    }
}
