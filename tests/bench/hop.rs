//! One hop through the sandbox against the same Rust code run natively: the Shopify connector decoding orders of 1 to 2 KB.

use std::hint::black_box;
use std::time::{Duration, Instant};

use snodo_connector::Source;
use snodo_host::{Compile, Limits, Options, Sandbox};

const BATCHES: [usize; 4] = [1, 16, 64, 256];

/// How long each is run; the best of several rounds counts, because the rest is the machine's noise.
const ROUND: Duration = Duration::from_millis(300);
const ROUNDS: usize = 7;

pub fn run() {
    let sandbox = Sandbox::new(Options { cache_dir: None, compile: Compile::InProcess, limits: Limits::default() }).expect("a sandbox");
    let shopify = snodo_catalogue::catalogue().iter().find(|one| one.name == "shopify").expect("it is embedded");
    let connector = sandbox.load(shopify.component).expect("it is a connector");
    let body = order();
    println!("one hop: the shopify connector decodes an order of {} bytes, µs per event", body.len());
    println!("{:>6} {:>9} {:>9} {:>7}", "batch", "native", "sandbox", "ratio");
    for batch in BATCHES {
        let (mut native, mut sandboxed) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            native = native.min(timed(batch, || run_native(&body, batch)));
            sandboxed = sandboxed.min(timed(batch, || run_sandboxed(&connector, &body, batch)));
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

fn run_native(body: &str, batch: usize) {
    let ctx = snodo_connector::Context { channel: "shop".into(), config: b"{}".to_vec(), now: 0 };
    for number in 0..batch {
        let message = snodo_connector::Message {
            id: number.to_string(),
            received_at: 0,
            headers: headers(),
            name: String::new(),
            body: body.as_bytes().to_vec(),
        };
        black_box(shopify::Shopify::decode(&ctx, message)).expect("an order is decoded");
    }
}

fn run_sandboxed(connector: &snodo_host::Connector, body: &str, batch: usize) {
    let ctx = snodo_host::Context { channel: "shop", config: b"{}", now: 0 };
    let headers = headers();
    let message = snodo_host::Message { id: "m", received_at: 0, headers: &headers, name: "", body: body.as_bytes() };
    for result in black_box(connector.decode(&ctx, &vec![message; batch])) {
        result.expect("an order is decoded");
    }
}

fn order() -> String {
    r#"{"id":5200000001001,"name":"#1001","order_number":1001,"email":"anna@example.com","created_at":"2026-03-09T20:31:07+01:00","processed_at":"2026-03-09T20:31:07+01:00","updated_at":"2026-03-09T20:31:07+01:00","currency":"EUR","financial_status":"paid","fulfillment_status":null,"buyer_accepts_marketing":true,"test":false,"taxes_included":true,"subtotal_price":"228.00","total_price":"228.00","total_tax":"41.11","total_discounts":"10.00","discount_codes":[{"code":"SPRING10","amount":"10.00","type":"fixed_amount"}],"line_items":[{"id":52000000010010,"product_id":880001,"variant_id":880002,"title":"Linen jacket","variant_title":"M","name":"Linen jacket - M","sku":"AUR-880001","vendor":"Aurora","quantity":1,"price":"189.00","total_discount":"0.00","gift_card":false,"taxable":true,"requires_shipping":true,"grams":400,"tax_lines":[{"title":"IVA","rate":0.22,"price":"34.08"}]}],"customer":{"id":7100000000001,"email":"anna@example.com","first_name":"Anna","last_name":"Rossi","phone":"+390255501234","state":"enabled","verified_email":true,"email_marketing_consent":{"state":"subscribed","opt_in_level":"confirmed_opt_in","consent_updated_at":"2026-03-02T09:12:40+01:00"}}}"#.to_owned()
}
