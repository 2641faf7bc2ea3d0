//! The part of HubSpot's CRM API that the connector uses (v3 objects, v4 associations). It is busy at first, as the real one is.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::StandIn;
use crate::clock;

pub fn router() -> Router<StandIn> {
    Router::new()
        .route("/crm/v3/objects/{object}/batch/{action}", post(objects))
        .route("/crm/v4/associations/deals/contacts/batch/create", post(link))
}

/// The answer to the first call of all, which comes at a busy moment.
fn busy(this: &StandIn) -> Option<Response> {
    let first = this.told(|told| !std::mem::replace(&mut told.was_busy, true));
    first.then(|| {
        let body = json!({"status": "error", "errorType": "RATE_LIMIT", "policyName": "SECONDLY"});
        (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], Json(body)).into_response()
    })
}

async fn objects(
    State(this): State<StandIn>,
    Path((object, action)): Path<(String, String)>,
    Json(batch): Json<Value>,
) -> Response {
    if let Some(busy) = busy(&this) {
        return busy;
    }
    let inputs = batch["inputs"].as_array().cloned().unwrap_or_default();
    let results: Vec<Value> = this.told(|told| {
        let records = told.records.entry(object).or_default();
        inputs.iter().filter_map(|input| record(records, &action, &batch, input)).collect()
    });
    let now = clock::now().to_string();
    Json(json!({"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}))
        .into_response()
}

/// One record, written or read; `None` if it is to be read and is not there.
fn record(
    records: &mut BTreeMap<String, Map<String, Value>>,
    action: &str,
    batch: &Value,
    input: &Value,
) -> Option<Value> {
    let id = input["id"].as_str()?.to_owned();
    let by = input["idProperty"].as_str().or(batch["idProperty"].as_str());
    let found = match by {
        Some(by) => {
            records.iter().find(|(_, known)| known.get(by) == Some(&json!(id))).map(|(id, _)| id.clone())
        }
        None => Some(id),
    };
    let is_new = found.is_none();
    if is_new && action == "read" {
        return None;
    }
    let id = found.unwrap_or_else(|| (records.len() + 101).to_string());
    let known = records.entry(id.clone()).or_default();
    for (name, value) in input["properties"].as_object().into_iter().flatten() {
        known.insert(name.clone(), value.clone());
    }
    let mut result = json!({"id": id, "properties": known, "new": is_new, "archived": false});
    if let Some(trace) = input.get("objectWriteTraceId") {
        result["objectWriteTraceId"] = trace.clone();
    }
    Some(result)
}

async fn link(State(this): State<StandIn>, Json(batch): Json<Value>) -> Response {
    if let Some(busy) = busy(&this) {
        return busy;
    }
    let inputs = batch["inputs"].as_array().cloned().unwrap_or_default();
    this.told(|told| told.links += inputs.len());
    let results: Vec<Value> = inputs
        .iter()
        .map(|input| json!({"fromObjectId": input["from"]["id"], "toObjectId": input["to"]["id"], "labels": []}))
        .collect();
    (StatusCode::CREATED, Json(json!({"status": "COMPLETE", "results": results}))).into_response()
}
