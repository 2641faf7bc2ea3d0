//! The other side of the demo: a stand-in for the systems that the company's hub tells, over real HTTP. It speaks as much of each
//! vendor's API as the connectors use, and checks who calls.

mod crm;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
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

use super::company::Company;
use crate::clock;

/// What the stand-in has been told.
#[derive(Default)]
pub struct Told {
    /// The CRM's records by object type, then by id.
    pub records: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
    pub links: usize,
    pub mails: Vec<Value>,
    pub tickets: Vec<Value>,
    pub chat: Vec<Value>,
    pub ads: Vec<Value>,
    pub refused: usize,
    /// Whether the CRM has had its busy moment.
    was_busy: bool,
}

#[derive(Clone, Default)]
pub struct StandIn {
    told: Arc<Mutex<Told>>,
    expects: Arc<OnceLock<Expects>>,
}

struct Expects {
    /// What callers show, by where the systems are.
    authorizations: [(&'static str, String); 4],
    newsletter: Verifier,
}

impl StandIn {
    /// Listens until it is told to stop.
    pub async fn start(stop: CancellationToken) -> anyhow::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let this = Self::default();
        let router = Router::new()
            .merge(crm::router())
            .route("/zendesk/api/v2/tickets", post(ticket))
            .route("/slack/chat.postMessage", post(chat))
            .route("/meta/{version}/{pixel}/events", post(ads))
            .route_layer(from_fn_with_state(this.clone(), let_in))
            .route("/newsletter", post(newsletter))
            .with_state(this.clone());
        tokio::spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
        });
        Ok((this, address))
    }

    /// What callers have to show from now on.
    pub fn expect(&self, company: &Company) -> anyhow::Result<()> {
        let declared: Verify =
            serde_json::from_value(json!({"scheme": "standard-webhooks", "secret": {"env": "-"}}))?;
        let newsletter =
            Verifier::new(&declared, |_| Ok(Secret::new(company.secret("newsletter").as_bytes())))?;
        let agent = format!("hub@aurora.example/token:{}", company.secret("support-token"));
        let authorizations = [
            ("/crm/", format!("Bearer {}", company.secret("crm"))),
            ("/zendesk/", format!("Basic {}", STANDARD.encode(agent))),
            ("/slack/", format!("Bearer {}", company.secret("staff-chat"))),
            ("/meta/", format!("Bearer {}", company.secret("ads"))),
        ];
        // It is told once, before the hub starts.
        self.expects.get_or_init(|| Expects { authorizations, newsletter });
        Ok(())
    }

    pub fn told<T>(&self, look: impl FnOnce(&mut Told) -> T) -> T {
        look(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Turns away callers who do not show what they should.
async fn let_in(State(this): State<StandIn>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let path = request.uri().path();
    let expected = this.expects.get().into_iter().flat_map(|expects| &expects.authorizations);
    if expected.into_iter().any(|(place, right)| path.starts_with(place) && shown == Some(right)) {
        return next.run(request).await;
    }
    this.told(|told| told.refused += 1);
    (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_auth"}))).into_response()
}

/// Zendesk's [create ticket](https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#create-ticket).
async fn ticket(State(this): State<StandIn>, Json(body): Json<Value>) -> Response {
    let mut ticket = body["ticket"].clone();
    this.told(|told| {
        ticket["id"] = json!(3001 + told.tickets.len());
        told.tickets.push(ticket.clone());
    });
    (StatusCode::CREATED, Json(json!({"ticket": ticket}))).into_response()
}

/// Slack's [chat.postMessage](https://docs.slack.dev/reference/methods/chat.postMessage/).
async fn chat(State(this): State<StandIn>, Json(message): Json<Value>) -> Json<Value> {
    let channel = message["channel"].clone();
    let ts = this.told(|told| {
        told.chat.push(message);
        format!("1773190800.{:06}", told.chat.len())
    });
    Json(json!({"ok": true, "channel": channel, "ts": ts}))
}

/// Meta's [Conversions API](https://developers.facebook.com/documentation/ads-commerce/conversions-api/using-the-api).
async fn ads(State(this): State<StandIn>, Json(body): Json<Value>) -> Json<Value> {
    let events = body["data"].as_array().cloned().unwrap_or_default();
    let count = events.len();
    this.told(|told| told.ads.extend(events));
    Json(json!({"events_received": count, "messages": [], "fbtrace_id": "A-demo"}))
}

async fn newsletter(State(this): State<StandIn>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).map(axum::http::HeaderValue::as_bytes);
    let signed = this
        .expects
        .get()
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
