//! From answers to fates, and fates into the store.

use std::sync::Arc;

use snodo_store::{Settled, StoreError};
use tracing::info;

use super::desk::{Step, Written};
use super::{Outbox, resume};
use crate::clock;
use crate::pipeline::interpret::{self, Answered};

impl Outbox {
    pub(super) async fn interpret(self: Arc<Self>, answered: Vec<Answered>, fails: bool) -> Step {
        let permit = Arc::clone(&self.permits).acquire_owned().await.expect("the semaphore is never closed");
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let line = self.line.now();
            let channel = &line.channels[&self.destination];
            Step::Interpreted(interpret::interpret(&line, channel, answered, clock::now(), fails))
        });
        resume(job.await)
    }

    pub(super) async fn write(self: Arc<Self>, settled: Vec<Settled>) -> Step {
        let settled: Arc<[Settled]> = settled.into();
        Step::Written(match self.store.settle(Arc::clone(&settled)).await {
            Ok(()) => Written { settled, failed: None },
            Err(StoreError::Settled(_)) => self.write_apart(&settled).await,
            Err(error) => Written { failed: Some((error, settled.to_vec())), ..Written::default() },
        })
    }

    /// Of some of them another hub, or an answer of the store that got lost, has decided already: nothing is left to do for those, and it
    /// must not hold up the others.
    async fn write_apart(&self, settled: &[Settled]) -> Written {
        let alone = settled.iter().map(|one| self.store.settle(Arc::from([one.clone()])));
        let written = futures_util::future::join_all(alone).await;
        let (mut done, mut left, mut why) = (Vec::new(), Vec::new(), None);
        for (one, written) in settled.iter().zip(written) {
            match written {
                Ok(()) => done.push(one.clone()),
                Err(StoreError::Settled(what)) => {
                    let (destination, delivery) = (&self.destination, one.seq);
                    info!(%destination, %delivery, what, "it was decided elsewhere what became of a delivery");
                    done.push(one.clone());
                }
                Err(error) => {
                    left.push(one.clone());
                    why = Some(error);
                }
            }
        }
        Written { settled: done.into(), failed: why.map(|error| (error, left)) }
    }
}
