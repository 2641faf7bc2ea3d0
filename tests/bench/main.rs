//! The benchmark: `cargo bench -p snodo`, or `cargo bench -p snodo -- single` for one part of it. Drives the built hub over loopback,
//! from a webhook in to a request out, durable, with decode and encode in the sandbox; and in the same run what it is compared with.
//! Machines differ and are noisy, so what counts are the ratios. Asserts nothing.
//!
//! `hop`, `single` and `batches` compare with a bare forwarder made of the same HTTP server and client, in memory; `neighbours`,
//! `blocked` and `backlog` compare a hub in trouble with one that has none; `nodes`, only where it is asked for, two hubs on one home
//! with one.

mod bare;
mod hop;
mod load;
mod nodes;
mod process;
#[expect(dead_code, reason = "the tests need more of them")]
#[path = "../services.rs"]
mod services;
mod trouble;

use std::time::Duration;

use load::{Destination, Load, Measured};
use process::Subject;

/// Events of one saturating run; two of them warm up.
const EVENTS: usize = 40_000;

/// How long the run at half of saturation lasts.
const HALF_FOR: Duration = Duration::from_secs(8);

fn main() {
    // The bare forwarder is this very binary, started again.
    if let Some(destination) = std::env::args().skip_while(|arg| arg != "--bare").nth(1) {
        return bare::main(destination.parse().expect("the destination is an address"));
    }
    let events = std::env::var("BENCH_EVENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(EVENTS);
    println!(
        "cores: {}, events per run: {events}, bytes per event: {}\n",
        cores(),
        load::event(1, 1, 0).len()
    );

    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |part: &str| asked.is_empty() || asked.iter().any(|one| one == part);
    if wanted("hop") {
        hop::run();
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    for (part, per_request) in [("single", 1), ("batches", 100)] {
        if !wanted(part) {
            continue;
        }
        println!(
            "\n{} per request, each delivered {}",
            count(per_request, "event"),
            if per_request == 1 { "alone" } else { "in requests of up to 100" }
        );
        println!(
            "{:<6} {:>10} {:>12} {:>14} {:>9} | at half: {:>9} {:>9} {:>9} {:>9}",
            "",
            "events/s",
            "CPU s/100k",
            "events/core-s",
            "peak MB",
            "ack p50",
            "ack p99",
            "e2e p50",
            "e2e p99"
        );
        let bare = runtime.block_on(measure(Subject::bare, 4 * events, per_request));
        print_row("bare", &bare);
        let hub = runtime.block_on(measure(Subject::hub, events, per_request));
        print_row("hub", &hub);
        let (ours, theirs) = (&hub.saturated, &bare.saturated);
        println!(
            "hub : bare  events/s {:.2}, events per core-second {:.2}, peak memory {:.1}",
            ours.events_per_second() / theirs.events_per_second(),
            ours.events_per_core_second() / theirs.events_per_core_second(),
            hub.peak_mb / bare.peak_mb,
        );
    }
    if wanted("neighbours") {
        runtime.block_on(trouble::neighbours());
    }
    if wanted("blocked") {
        runtime.block_on(trouble::blocked());
    }
    if wanted("backlog") {
        runtime.block_on(trouble::backlog());
    }
    if asked.iter().any(|part| part == "nodes") {
        runtime.block_on(nodes::run());
    }
}

struct Row {
    saturated: Measured,
    half: Measured,
    peak_mb: f64,
}

async fn measure(
    start: fn(std::net::SocketAddr, usize) -> Subject,
    events: usize,
    per_request: usize,
) -> Row {
    let destination = Destination::start().await;
    let subject = tokio::task::block_in_place(|| start(destination.address, per_request));
    let load = Load { per_request, ..Load::new(subject.address, destination) };
    load.saturate(&subject, events / 5).await;
    let saturated = load.saturate(&subject, events).await;
    let rate = saturated.events_per_second() / 2.0;
    let half = load.at_rate(&subject, rate, HALF_FOR).await;
    Row { saturated, half, peak_mb: subject.peak_mb() }
}

fn print_row(name: &str, row: &Row) {
    let ms = |duration: Duration| format!("{:.1} ms", duration.as_secs_f64() * 1e3);
    println!(
        "{name:<6} {:>10.0} {:>12.2} {:>14.0} {:>9.0} |          {:>9} {:>9} {:>9} {:>9}",
        row.saturated.events_per_second(),
        row.saturated.cpu.as_secs_f64() / row.saturated.events as f64 * 1e5,
        row.saturated.events_per_core_second(),
        row.peak_mb,
        ms(row.half.ack.at(0.5)),
        ms(row.half.ack.at(0.99)),
        ms(row.half.end_to_end.at(0.5)),
        ms(row.half.end_to_end.at(0.99)),
    );
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
