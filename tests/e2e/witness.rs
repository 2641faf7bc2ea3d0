//! A destination of a test that sees everything: each request with its moment and the answer that it got, in the order in which
//! they came. What it has seen can be checked for order.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The idempotency key.
    pub id: String,
    /// Whose event it is: its first identifier.
    pub key: String,
    /// The number of the order that it is about.
    pub number: u64,
    pub at: Instant,
    pub status: StatusCode,
}

/// How it answers.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub retry_after: Option<u64>,
    pub after: Duration,
    pub body: &'static str,
}

impl Answer {
    pub const fn of(status: StatusCode) -> Self {
        Self { status, retry_after: None, after: Duration::ZERO, body: "" }
    }

    pub const fn ok() -> Self {
        Self::of(StatusCode::NO_CONTENT)
    }
}

type Behaviour = Box<dyn FnMut(&Seen) -> Answer + Send>;

#[derive(Clone)]
pub struct Witness {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl Witness {
    pub async fn start(behaviour: impl FnMut(&Seen) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let this = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            behaviour: Arc::new(Mutex::new(Box::new(behaviour))),
        };
        let (seen, behaviour) = (Arc::clone(&this.seen), Arc::clone(&this.behaviour));
        let router = Router::new().fallback(async move |headers: HeaderMap, body: Bytes| {
            let id = headers.get("webhook-id").map(|id| id.to_str().unwrap().to_owned()).unwrap_or_default();
            let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
            let key = body["data"]["customer"]["identifiers"][0]["value"].as_str().unwrap_or_default();
            let number = body["data"]["order"]["id"].as_str().and_then(|id| id.parse().ok());
            let mut one = Seen {
                id,
                key: key.to_owned(),
                number: number.unwrap_or_default(),
                at: Instant::now(),
                status: StatusCode::OK,
            };
            let answer = {
                let mut behaviour = behaviour.lock().unwrap();
                let answer = behaviour(&one);
                one.status = answer.status;
                seen.lock().unwrap().push(one);
                answer
            };
            tokio::time::sleep(answer.after).await;
            let mut headers = HeaderMap::new();
            if let Some(seconds) = answer.retry_after {
                headers.insert("retry-after", seconds.into());
            }
            (answer.status, headers, answer.body)
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        this
    }

    /// From now on.
    pub fn answer(&self, behaviour: impl FnMut(&Seen) -> Answer + Send + 'static) {
        *self.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// What it has taken.
    pub fn taken(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|one| one.status.is_success()).collect()
    }
}

/// Where the order of a key was broken: an order that was taken for the first time after a later one of its key.
pub fn inversions(taken: &[Seen]) -> Vec<String> {
    let mut latest: HashMap<&str, u64> = HashMap::new();
    let mut known: std::collections::HashSet<&str> = std::collections::HashSet::new();
    let mut found = Vec::new();
    for one in taken {
        // Sent again after a kill: it was taken in its order before.
        if !known.insert(&one.id) {
            continue;
        }
        let latest = latest.entry(&one.key).or_default();
        if one.number < *latest {
            found.push(format!("{} of {} after {latest}", one.number, one.key));
        }
        *latest = one.number.max(*latest);
    }
    found
}
