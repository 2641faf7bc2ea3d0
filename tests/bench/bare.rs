//! The baseline: the hub's own HTTP server and client, and between them nothing but a queue in memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use snodo::clock;
use snodo::transport::http_in::{self, Channels, Door, Inbound, Limits};
use snodo::transport::http_out::address::Networks;
use snodo::transport::http_out::{ANSWER_BYTES_MAX, Client, Outbound};
use snodo::transport::{AcceptError, Request};
use snodo_core::Message;
use snodo_core::authorize::{Credential, Hosts, Sign, Signer};
use snodo_core::secret::Secrets;
use snodo_core::verify::{Verifier, Verify};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

/// Requests under way at one time, of the bare forwarder and of the hub.
pub const CONCURRENT: usize = 32;

/// Messages between the two; whoever comes then waits.
const QUEUE_MAX: usize = 4096;

pub fn main(destination: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(forward(destination));
}

async fn forward(destination: SocketAddr) {
    let (queue, waiting) = mpsc::channel::<Message>(QUEUE_MAX);
    let waiting = Arc::new(Mutex::new(waiting));
    let client = Client::new().expect("a client");
    let outbound = Arc::new(Outbound {
        hosts: Hosts::parse(&["127.0.0.1"]).expect("a host"),
        networks: Networks::PublicAndPrivate,
        credential: Credential::None,
        signer: Signer::new(&Sign::None {}, |_| unreachable!("nothing is signed")).expect("no signer"),
        secrets: Secrets::default(),
        timeout: Duration::from_secs(30),
        answer_bytes_max: ANSWER_BYTES_MAX,
    });
    for _ in 0..CONCURRENT {
        let (waiting, client, outbound) = (Arc::clone(&waiting), client.clone(), Arc::clone(&outbound));
        tokio::spawn(async move {
            loop {
                let Some(message) = waiting.lock().await.recv().await else { return };
                let request = Request {
                    id: message.id.to_string(),
                    method: "POST".into(),
                    target: format!("http://{destination}/"),
                    headers: vec![("content-type".into(), "application/json".into())],
                    body: message.body,
                };
                client.send(&outbound, request, clock::now()).await.expect("the destination answers");
            }
        });
    }
    let channels = Channels::default();
    let verifier =
        Verifier::new(&Verify::None {}, |_| unreachable!("nothing is verified")).expect("no verifier");
    let headers: [&str; 0] = [];
    channels.open(Inbound::new("in".parse().expect("a name"), verifier, &headers, Limits::default()));
    let accept = move |message: Message| {
        let queue = queue.clone();
        async move {
            let id = message.id;
            queue.send(message).await.map_err(|_| AcceptError::Closing).map(|()| id)
        }
    };
    let address = std::env::var("BENCH_LISTEN").expect("the benchmark names an address");
    let listener = TcpListener::bind(address).await.expect("the address is free");
    http_in::serve(listener, Door::new(channels, accept, clock::now).router(), CancellationToken::new())
        .await;
}
