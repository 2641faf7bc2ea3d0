//! Sends the calls that wait on the tray, so many at one time, as fast as the destination's quotas allow.

use std::sync::Arc;

use tracing::warn;

use super::desk::{Desk, Step};
use super::pace::UsedUp;
use super::tray::Tray;
use super::{Outbox, STORE_PAUSE};
use crate::clock;
use crate::pipeline::encode::Call;
use crate::pipeline::interpret::Answered;

impl Outbox {
    pub(super) fn send_all(self: &Arc<Self>, desk: &mut Desk, calls: Vec<Call>) {
        if desk.is_held() {
            desk.tray.add(calls, 0);
            return desk.put_back();
        }
        for _ in 0..desk.tray.add(calls, self.concurrent) {
            let (this, tray) = (Arc::clone(self), Arc::clone(&desk.tray));
            desk.tasks.spawn(async move { Step::Sent(this.send(&tray).await) });
        }
    }

    /// One call after another, until none is left or the day's quota is used up.
    async fn send(&self, tray: &Tray) -> Option<UsedUp> {
        while let Some(call) = self.next_call(tray).await {
            let used_up = match self.pace.day(&*self.store).await {
                Ok(Ok(())) => {
                    tray.answer(Answered::of(call, &self.sender).await);
                    continue;
                }
                Ok(Err(used_up)) => used_up,
                Err(error) => {
                    warn!(destination = %self.destination, %error, "a request waits for its quota");
                    UsedUp { until: clock::now() + STORE_PAUSE }
                }
            };
            tray.put_back(call);
            return Some(used_up);
        }
        None
    }

    async fn next_call(&self, tray: &Tray) -> Option<Call> {
        if tray.has_calls() {
            self.pace.second().await;
        }
        tray.next()
    }
}
