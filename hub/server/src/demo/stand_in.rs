//! The other side of the demo: a stand-in for the CRM and for the newsletter's system, over real HTTP. Speaks the part of HubSpot's
//! CRM API that the connector uses (v3 objects, v4 associations), checks what it is sent, and is busy at first, as the real one is.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use snodo_core::secret::Secret;
use snodo_core::verify::{Verifier, Verify};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock;

/// What the stand-in has been told.
#[derive(Default)]
pub struct Told {
    /// By object type, then by id.
    pub records: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
    pub links: usize,
    pub mails: Vec<Value>,
    pub requests: usize,
    pub refused: usize,
}

#[derive(Clone)]
pub struct StandIn {
    told: Arc<Mutex<Told>>,
    expects: Arc<Mutex<Option<Expects>>>,
}

struct Expects {
    token: String,
    newsletter: Verifier,
}

impl StandIn {
    /// Listens until it is told to stop.
    pub async fn start(stop: CancellationToken) -> anyhow::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let this = Self { told: Arc::default(), expects: Arc::default() };
        let router = Router::new()
            .route("/crm/v3/objects/{object}/batch/{action}", post(objects))
            .route("/crm/v4/associations/deals/contacts/batch/create", post(link))
            .route("/newsletter", post(newsletter))
            .with_state(this.clone());
        tokio::spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
        });
        Ok((this, address))
    }

    /// What callers have to show from now on.
    pub fn expect(&self, token: &str, newsletter_key: &[u8]) -> anyhow::Result<()> {
        let declared: Verify =
            serde_json::from_value(json!({"scheme": "standard-webhooks", "secret": {"env": "-"}}))?;
        let secret = format!("whsec_{}", STANDARD.encode(newsletter_key));
        let newsletter = Verifier::new(&declared, |_| Ok(Secret::new(secret.as_bytes())))?;
        let expects = Expects { token: format!("Bearer {token}"), newsletter };
        *self.expects.lock().unwrap_or_else(PoisonError::into_inner) = Some(expects);
        Ok(())
    }

    pub fn told<T>(&self, look: impl FnOnce(&mut Told) -> T) -> T {
        look(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The answer to a caller who is not let in.
    fn refusal(&self, headers: &HeaderMap) -> Option<Response> {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let expects = self.expects.lock().unwrap_or_else(PoisonError::into_inner);
        let first = self.told(|told| {
            told.requests += 1;
            told.requests == 1
        });
        if expects.as_ref().is_none_or(|expects| shown != Some(expects.token.as_str())) {
            self.told(|told| told.refused += 1);
            return Some(
                (StatusCode::UNAUTHORIZED, Json(json!({"category": "INVALID_AUTHENTICATION"})))
                    .into_response(),
            );
        }
        // The first call of all comes at a busy moment.
        first.then(|| {
            let body = json!({"status": "error", "errorType": "RATE_LIMIT", "policyName": "SECONDLY"});
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], Json(body)).into_response()
        })
    }
}

async fn objects(
    State(this): State<StandIn>,
    Path((object, action)): Path<(String, String)>,
    headers: HeaderMap,
    Json(batch): Json<Value>,
) -> Response {
    if let Some(refusal) = this.refusal(&headers) {
        return refusal;
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

async fn link(State(this): State<StandIn>, headers: HeaderMap, Json(batch): Json<Value>) -> Response {
    if let Some(refusal) = this.refusal(&headers) {
        return refusal;
    }
    let inputs = batch["inputs"].as_array().cloned().unwrap_or_default();
    this.told(|told| told.links += inputs.len());
    let results: Vec<Value> = inputs
        .iter()
        .map(|input| json!({"fromObjectId": input["from"]["id"], "toObjectId": input["to"]["id"], "labels": []}))
        .collect();
    (StatusCode::CREATED, Json(json!({"status": "COMPLETE", "results": results}))).into_response()
}

async fn newsletter(State(this): State<StandIn>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).map(axum::http::HeaderValue::as_bytes);
    let expects = this.expects.lock().unwrap_or_else(PoisonError::into_inner);
    let signed = expects
        .as_ref()
        .is_some_and(|expects| expects.newsletter.check(header, "", &body, clock::now()).is_ok());
    match (signed, serde_json::from_slice(&body)) {
        (true, Ok(event)) => {
            this.told(|told| told.mails.push(event));
            StatusCode::NO_CONTENT
        }
        _ => {
            this.told(|told| told.refused += 1);
            StatusCode::UNAUTHORIZED
        }
    }
}
