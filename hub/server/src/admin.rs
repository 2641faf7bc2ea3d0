//! What an operator tells a running hub: over a socket in its data directory, which only the hub's own user can open. The other
//! commands read the store beside the hub; these change it, and the hub is the only one that may.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use snodo_core::ChannelName;
use snodo_store::{Item, Replayed, Requeued};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::hub::{Condition, socket};
use crate::pipeline::Line;
use crate::replay::{Ask, Today};
use crate::swap::{Swap, Swapped};

/// A socket that a killed hub left behind is in nobody's way: the store's lock says that there is one hub.
pub fn bind(data: &Path) -> anyhow::Result<UnixListener> {
    let path = socket(data);
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| format!("failed to make {}", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .with_context(|| format!("failed to guard {}", path.display()))?;
    Ok(listener)
}

/// How the commands call them.
pub const RETRY: &str = "/retry";
pub const REPLAY: &str = "/replay";
pub const SWAP: &str = "/swap";
pub const ENABLE: &str = "/enable";

pub async fn serve(
    listener: UnixListener,
    condition: Arc<Condition>,
    line: Arc<Line>,
    swaps: Arc<Swap>,
    stop: CancellationToken,
) {
    let retries = Router::new().route(RETRY, post(retry)).route(ENABLE, post(enable));
    let retries = retries.with_state(Arc::clone(&condition));
    let replays = Router::new().route(REPLAY, post(replay)).with_state((condition, line));
    let router = Router::new().route(SWAP, post(swap)).with_state(swaps).merge(retries).merge(replays);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        warn!(%error, "the operator's socket failed; commands that change the store need a restart");
    }
}

/// By the connector's name.
async fn swap(
    State(swaps): State<Arc<Swap>>,
    Json(name): Json<String>,
) -> Result<Json<Swapped>, (StatusCode, String)> {
    // It may have to be compiled: that takes seconds.
    match tokio::task::spawn_blocking(move || swaps.swap(&name)).await {
        Ok(Ok(swapped)) => Ok(Json(swapped)),
        Ok(Err(error)) => Err((StatusCode::CONFLICT, format!("{error:#}"))),
        Err(panic) => Err((StatusCode::INTERNAL_SERVER_ERROR, panic.to_string())),
    }
}

/// A destination by its name: it is taken to work, until it fails again.
async fn enable(
    State(condition): State<Arc<Condition>>,
    Json(destination): Json<ChannelName>,
) -> Result<Json<()>, (StatusCode, String)> {
    let enabled = condition.store.set_failing(destination.clone(), None).await;
    enabled.map_err(|error| (StatusCode::CONFLICT, error.to_string()))?;
    condition.destinations.ring(&destination);
    info!(%destination, "a person says that the destination is to be tried again");
    Ok(Json(()))
}

async fn retry(
    State(condition): State<Arc<Condition>>,
    Json(items): Json<Vec<Item>>,
) -> Result<Json<Requeued>, (StatusCode, String)> {
    let requeued =
        condition.store.requeue(items).await.map_err(|error| (StatusCode::CONFLICT, error.to_string()))?;
    requeued.channels.iter().for_each(|channel| condition.sources.ring(channel));
    requeued.destinations.iter().for_each(|channel| condition.destinations.ring(channel));
    info!(
        messages = requeued.messages,
        deliveries = requeued.deliveries,
        "taken out of quarantine, to be tried again"
    );
    Ok(Json(requeued))
}

/// One page.
async fn replay(
    State((condition, line)): State<(Arc<Condition>, Arc<Line>)>,
    Json(ask): Json<Ask>,
) -> Result<Json<Replayed>, (StatusCode, String)> {
    let (store, trial) = (condition.store.clone(), ask.trial);
    let job = tokio::task::spawn_blocking(move || Today::of_line(&line).replay(&store, &ask));
    let replayed = match job.await {
        Ok(Ok(replayed)) => replayed,
        Ok(Err(error)) => return Err((StatusCode::CONFLICT, error.to_string())),
        Err(panic) => return Err((StatusCode::INTERNAL_SERVER_ERROR, panic.to_string())),
    };
    if !trial {
        replayed.channels.iter().for_each(|channel| condition.sources.ring(channel));
        replayed.deliveries.keys().for_each(|channel| condition.destinations.ring(channel));
        info!(count = replayed.count(), "sent again");
    }
    Ok(Json(replayed))
}
