//! What operators and their machines ask a running hub over HTTP: is it alive, is it ready, what are its figures. Counts and names of
//! channels only; nothing about a person.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use snodo_store::{StoreError, Tally};

use crate::cli::destination;
use crate::hub::Condition;

/// The recorder of the process: counters of all hubs in it. What a hub counts for itself is in its ledger.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

pub fn router(condition: Arc<Condition>) -> Router {
    Router::new()
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(condition)
}

/// To be called before anything is counted: a counter that was asked for earlier counts for nobody.
pub fn start_counting() {
    recorder();
}

fn recorder() -> &'static PrometheusHandle {
    RECORDER.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another recorder of metrics is there already: /metrics shows the ledger only");
        }
        handle
    })
}

/// Which part is ready, and why one is not.
async fn ready(State(condition): State<Arc<Condition>>) -> Response {
    let store = condition.clone();
    let read = tokio::task::spawn_blocking(move || store.store.tally()).await;
    let store = match read {
        Ok(Ok(_)) if condition.full.load(Ordering::Relaxed) => Err("no room to keep messages".to_owned()),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("internal error".to_owned()),
    };
    let door = match condition.stopping.is_cancelled() {
        true => Err("the hub is stopping".to_owned()),
        false => Ok(()),
    };
    // A hub that goes on with the configuration before is ready all the same: this is for whoever looks.
    let configuration = condition
        .refused()
        .map_or_else(|| json!({"refused": false}), |why| json!({"refused": true, "why": why}));
    let parts = [("door", door), ("store", store)];
    let status = match parts.iter().all(|(_, part)| part.is_ok()) {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let shown: serde_json::Map<_, _> = parts
        .into_iter()
        .map(|(name, part)| {
            (
                name.to_owned(),
                part.map_or_else(|why| json!({"ready": false, "why": why}), |()| json!({"ready": true})),
            )
        })
        .collect();
    (
        status,
        axum::Json(
            json!({"ready": status == StatusCode::OK, "parts": shown, "configuration": configuration}),
        ),
    )
        .into_response()
}

async fn metrics(State(condition): State<Arc<Condition>>) -> Response {
    let shown = tokio::task::spawn_blocking(move || ledger(&condition)).await;
    match shown {
        Ok(Ok(ledger)) => {
            let body = format!("{ledger}{}", recorder().render());
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], body).into_response()
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the ledger could not be read for /metrics");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn ledger(condition: &Condition) -> Result<String, StoreError> {
    let tally: Tally = condition.store.tally()?;
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, values: &[(String, i64)]| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    };
    let of = |label: &str, value: &str| format!("{{{label}=\"{value}\"}}");
    let messages = &tally.messages;
    gauge(
        "snodo_messages",
        "Messages by state; accepted is the sum of the others.",
        &[
            (of("state", "accepted"), messages.accepted),
            (of("state", "pending"), messages.pending),
            (of("state", "decoded"), messages.decoded),
            (of("state", "quarantined"), messages.quarantined),
        ],
    );
    gauge(
        "snodo_ledger_expected",
        "Events times the routes they were considered for.",
        &[(String::new(), tally.expected)],
    );
    let fates: Vec<_> = tally.fates.iter().map(|(fate, count)| (of("fate", fate.as_str()), count)).collect();
    gauge("snodo_ledger_fates", "What became of events on routes.", &fates);
    gauge("snodo_ledger_in_flight", "Deliveries that have no fate yet.", &[(String::new(), tally.in_flight)]);
    gauge(
        "snodo_ledger_difference",
        "Expected less fates less in flight: anything but 0 is a loss.",
        &[(String::new(), tally.difference() + tally.messages_difference() + tally.events_difference())],
    );
    let waiting: Vec<_> = condition
        .store
        .destinations_in_flight()?
        .into_iter()
        .map(|(name, count)| (of("destination", name.as_str()), i64::try_from(count).unwrap_or(i64::MAX)))
        .collect();
    let refused = i64::from(condition.refused().is_some());
    gauge(
        "snodo_configuration_refused",
        "1 while the files of the configuration are not what the hub works with, because they were refused.",
        &[(String::new(), refused)],
    );
    gauge("snodo_deliveries_in_flight", "Deliveries that have no fate yet, by destination.", &waiting);
    let failing: Vec<_> = condition
        .store
        .all_failing()?
        .into_iter()
        .map(|(name, failing)| {
            let (state, _) = destination::state(Some(&failing));
            (format!("{{destination=\"{name}\",state=\"{state}\"}}"), 1)
        })
        .collect();
    gauge(
        "snodo_destination_failing",
        "Destinations that fail as a whole: fails (tried now and then) or disabled (until snodo destination enable).",
        &failing,
    );
    Ok(text)
}
