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
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::hub::{Condition, socket};
use crate::live::Live;
use crate::live::plan::{Answers, Applied, Plan, Refusal};
use crate::live::swap::Swapped;
use crate::pipeline::Current;
use crate::replay::{Ask, Today};

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
pub const RELOAD: &str = "/reload";
pub const PLAN: &str = "/plan";

pub fn router(condition: Arc<Condition>, line: Current, live: Arc<Live>) -> Router {
    let retries = Router::new().route(RETRY, post(retry)).route(ENABLE, post(enable));
    let retries = retries.with_state(Arc::clone(&condition));
    let replays = Router::new().route(REPLAY, post(replay)).with_state((condition, line));
    Router::new()
        .route(SWAP, post(swap))
        .route(RELOAD, post(reload))
        .route(PLAN, post(plan))
        .with_state(live)
        .merge(retries)
        .merge(replays)
}

pub async fn serve(listener: UnixListener, router: Router, stop: CancellationToken) {
    let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        warn!(%error, "the operator's socket failed; commands that change the store need a restart");
    }
}

/// By the connector's name.
async fn swap(
    State(live): State<Arc<Live>>,
    Json(name): Json<String>,
) -> Result<Json<Swapped>, (StatusCode, String)> {
    live.swap(&name).await.map(Json).map_err(|refusal| (StatusCode::CONFLICT, refusal.to_string()))
}

/// What came of it: a refusal is an answer, too.
async fn reload(
    State(live): State<Arc<Live>>,
    Json(answers): Json<Answers>,
) -> Json<Result<Applied, Refusal>> {
    Json(live.reload(answers).await)
}

async fn plan(State(live): State<Arc<Live>>, Json(()): Json<()>) -> Json<Plan> {
    Json(live.plan().await)
}

/// A destination by its name: it is tried at once, and gets everything again when it takes what it is tried with.
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
    State((condition, line)): State<(Arc<Condition>, Current)>,
    Json(ask): Json<Ask>,
) -> Result<Json<Replayed>, (StatusCode, String)> {
    let (home, trial, runtime) = (condition.store.clone(), ask.trial, Handle::current());
    let job = tokio::task::spawn_blocking(move || Today::of_line(&line.now()).replay(&*home, &ask, &runtime));
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
