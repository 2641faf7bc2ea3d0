//! A destination of a test: takes what the hub sends over real HTTP, and answers as it is told to.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// `webhook-id`.
    pub id: String,
    pub body: Value,
    pub headers: HeaderMap,
    /// The body as it came.
    pub raw: Bytes,
}

type Behaviour = Box<dyn Fn(usize) -> StatusCode + Send>;

#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<Received>>>,
    behaviour: Arc<Mutex<Behaviour>>,
}

impl Receiver {
    /// Answers 204 to everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let this = Self {
            address: listener.local_addr().unwrap(),
            taken: Arc::default(),
            behaviour: Arc::new(Mutex::new(Box::new(|_| StatusCode::NO_CONTENT))),
        };
        let (taken, behaviour) = (Arc::clone(&this.taken), Arc::clone(&this.behaviour));
        let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let router = Router::new().fallback(async move |headers: HeaderMap, body: Bytes| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let status = behaviour.lock().unwrap()(number);
            if status.is_success() {
                let id =
                    headers.get("webhook-id").map(|id| id.to_str().unwrap().to_owned()).unwrap_or_default();
                let read = serde_json::from_slice(&body).unwrap_or(Value::Null);
                taken.lock().unwrap().push(Received { id, body: read, headers, raw: body });
            }
            status
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        this
    }

    /// How it answers from now on, by the number of the request.
    pub fn answer(&self, behaviour: impl Fn(usize) -> StatusCode + Send + 'static) {
        *self.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    /// What it has taken, in the order in which it came.
    pub fn taken(&self) -> Vec<Received> {
        self.taken.lock().unwrap().clone()
    }
}
