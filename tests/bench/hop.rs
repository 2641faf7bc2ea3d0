//! One hop through the sandbox against the same Rust code run natively: the Shopify connector decoding orders of 1 to 2 KB.

use std::hint::black_box;
use std::time::{Duration, Instant};

use snodo_connector::Source;
use snodo_host::{Compile, Connector, Limits, Options, Sandbox};

/// As Shopify writes them: an order of one line on one line, and the demo's.
const ORDERS: [&str; 2] =
    [include_str!("order.json"), include_str!("../../hub/server/demo/messages/order-anna.json")];

const BATCHES: [usize; 4] = [1, 16, 64, 256];

/// How long each is run; the best of several rounds counts, because the rest is the machine's noise.
const ROUND: Duration = Duration::from_millis(300);
const ROUNDS: usize = 7;

pub fn run() {
    let sandbox =
        Sandbox::new(Options { cache_dir: None, compile: Compile::InProcess, limits: Limits::default() })
            .expect("a sandbox");
    let shopify =
        snodo_catalogue::catalogue().iter().find(|one| one.name == "shopify").expect("it is embedded");
    let connector = sandbox.load(shopify.component).expect("it is a connector");
    for body in ORDERS {
        compare(&connector, body);
    }
}

fn compare(connector: &Connector, body: &str) {
    println!("one hop: the shopify connector decodes an order of {} bytes, µs per event", body.len());
    println!("{:>6} {:>9} {:>9} {:>7}", "batch", "native", "sandbox", "ratio");
    for batch in BATCHES {
        let (mut native, mut sandboxed) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            native = native.min(timed(batch, || run_native(body, batch)));
            sandboxed = sandboxed.min(timed(batch, || run_sandboxed(connector, body, batch)));
        }
        println!("{batch:>6} {native:>9.2} {sandboxed:>9.2} {:>7.2}", sandboxed / native);
    }
}

/// µs per event.
fn timed(batch: usize, mut run: impl FnMut()) -> f64 {
    let (begun, mut calls) = (Instant::now(), 0_u32);
    while begun.elapsed() < ROUND {
        run();
        calls += 1;
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls) / batch as f64
}

fn headers() -> Vec<(String, String)> {
    let of = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        of("content-type", "application/json"),
        of("x-shopify-topic", "orders/create"),
        of("x-shopify-shop-domain", "aurora.myshopify.com"),
        of("x-shopify-event-id", "98880550-7158-44d4-b7cd-2c97c8a091b5"),
    ]
}

/// A batch in and a batch out, as the guest has it: the messages are made as the host makes them in the guest's memory.
fn run_native(body: &str, batch: usize) {
    let ctx = snodo_connector::Context { channel: "shop".into(), config: b"{}".to_vec(), now: 0 };
    let message = |_| snodo_connector::Message {
        id: "m".into(),
        received_at: 0,
        headers: headers(),
        name: String::new(),
        body: body.as_bytes().to_vec(),
    };
    let messages: Vec<_> = (0..batch).map(message).collect();
    let decode = |message| shopify::Shopify::decode(&ctx, message);
    for result in black_box(messages.into_iter().map(decode).collect::<Vec<_>>()) {
        result.expect("an order is decoded");
    }
}

fn run_sandboxed(connector: &Connector, body: &str, batch: usize) {
    let ctx = snodo_host::Context { channel: "shop", config: b"{}", now: 0 };
    let headers = headers();
    let message =
        snodo_host::Message { id: "m", received_at: 0, headers: &headers, name: "", body: body.as_bytes() };
    for result in black_box(connector.decode(&ctx, &vec![message; batch])) {
        result.expect("an order is decoded");
    }
}
