//! What only one hub of a home may do at a time, such as a poll or a folder: it waits for its turn, and ends when that is over.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use snodo_core::ChannelName;
use snodo_store::home::Home;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::parts::Run;

/// The way in of a channel: `work` begins anew with every turn, and returns when it was told to stop and has ended.
pub fn by_turns<W>(home: Arc<dyn Home>, channel: ChannelName, mut work: W) -> Run
where
    W: FnMut(CancellationToken) -> BoxFuture<'static, ()> + Send + 'static,
{
    let name = format!("channel/{channel}");
    Box::new(move |stop| {
        Box::pin(async move {
            while let Some(turn) = stop.run_until_cancelled(home.turn(&name)).await {
                info!(%channel, "messages are taken in here");
                let ends = stop.child_token();
                let mut working = work(ends.clone());
                tokio::select! {
                    () = &mut working => {}
                    () = turn.lost() => {
                        warn!(%channel, "messages are not taken in here any more: another hub may do it now");
                        ends.cancel();
                        working.await;
                    }
                }
                if stop.is_cancelled() {
                    return;
                }
            }
        })
    })
}
