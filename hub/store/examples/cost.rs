//! What the store costs: CPU and time per message, per event with one delivery, and per settlement, in groups, with bodies of
//! 1 KB, for several page sizes. `cargo run --release -p snodo-store --example cost [events] [directory]`

use std::time::{Duration, Instant};

use snodo_core::identity::Identifier;
use snodo_core::{CustomerId, Fate, Lane, Message, Timestamp};
use snodo_store::{
    Claim, Decoding, MessageSeq, NewDelivery, NewEvent, NewVerdict, Options, Recorded, Settled, Store,
};

use values::{START, delivery, event, finally, name, settled};

#[allow(dead_code, reason = "the checks need more of it")]
#[path = "../tests/store/values.rs"]
mod values;

const GROUP: usize = 64;
const BODY_BYTES: usize = 1024;

/// What an outbox keeps of an attempt.
const RECORD: &str =
    r#"{"at":1700000000000,"request":"POST https://crm.example/contacts","status":200,"elapsed_ms":12}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let events: usize = arguments.next().map_or(Ok(50_000), |text| text.parse())?;
    let parent = arguments.next().map_or_else(std::env::temp_dir, Into::into);
    for page_bytes in [4096, 8192, 16384, 32768] {
        let directory = parent.join(format!("snodo-cost-{}-{page_bytes}", std::process::id()));
        measure(&directory, page_bytes, events)?;
        std::fs::remove_dir_all(&directory)?;
    }
    Ok(())
}

fn measure(
    directory: &std::path::Path,
    page_bytes: u32,
    events: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let options = Options { page_bytes: Some(page_bytes), ..Options::default() };
    let store = Store::open(directory, options.clone())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    println!("pages of {page_bytes} bytes, {events} events");

    report("accept", events, || {
        for group in 0..events.div_ceil(GROUP) {
            runtime.block_on(async {
                let calls: Vec<_> = (0..GROUP).map(|n| store.accept(message(group * GROUP + n))).collect();
                for call in futures(calls).await {
                    call.expect("accepting works here");
                }
            });
        }
    });

    let shop = name("shop");
    report("record", events, || {
        loop {
            let waiting =
                store.pending_messages(&shop, MessageSeq(0), GROUP, usize::MAX).expect("reading works here");
            if waiting.is_empty() {
                break;
            }
            let batch = waiting.into_iter().map(|(seq, message)| recorded(seq, &message)).collect();
            store
                .record_blocking(batch, store.facts(&[]).expect("reading works here").as_of)
                .expect("recording works");
        }
    });

    let crm = name("crm");
    let (marks, out) = Default::default();
    // Whatever is due by then, and nothing that waits for another of its lane.
    let now = Timestamp::from_millis(i64::MAX - 1);
    let claim = Claim { destination: &crm, marks, out: &out, now, limit: GROUP, bytes_max: usize::MAX };
    report("settle", events, || {
        loop {
            let due = store.claim(&claim).expect("reading works here");
            if due.is_empty() {
                break;
            }
            let batch = due
                .iter()
                .map(|due| Settled { record: Some(RECORD.into()), ..settled(due, finally(Fate::Delivered)) });
            store.settle_blocking(batch.collect::<Vec<_>>()).expect("settling works");
        }
    });

    let began = Instant::now();
    let balance = store.balance(None)?;
    println!(
        "  balance   {:>8.1} ms, difference {}",
        began.elapsed().as_secs_f64() * 1e3,
        balance.difference()
    );
    store.close_blocking();
    let began = Instant::now();
    let store = Store::open(directory, options)?;
    println!("  open      {:>8.1} ms", began.elapsed().as_secs_f64() * 1e3);
    drop(store);
    let bytes = std::fs::metadata(directory.join("hub.db"))?.len();
    println!("  on disk   {:>8.0} bytes an event", bytes as f64 / events as f64);
    Ok(())
}

/// All of them at once, in one task.
async fn futures<T>(calls: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut calls: Vec<_> = calls.into_iter().map(|call| (Box::pin(call), None)).collect();
    std::future::poll_fn(|context| {
        for (call, done) in &mut calls {
            if done.is_none()
                && let std::task::Poll::Ready(value) = call.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if calls.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    calls.into_iter().filter_map(|(_, done)| done).collect()
}

fn report(what: &str, events: usize, work: impl FnOnce()) {
    let (cpu, began) = (cpu_time(), Instant::now());
    work();
    let (cpu, took) = (cpu_time() - cpu, began.elapsed());
    let each = |time: Duration| time.as_secs_f64() * 1e6 / events as f64;
    println!("  {what:<9} {:>8.2} µs of CPU, {:>8.2} µs", each(cpu), each(took));
}

/// Of all threads: what callers spend is part of the cost.
fn cpu_time() -> Duration {
    let mut used = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the call fills a `rusage`, for which zeroes are a valid value.
    let used = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, used.as_mut_ptr());
        used.assume_init()
    };
    let time = |one: libc::timeval| Duration::new(one.tv_sec as u64, one.tv_usec as u32 * 1000);
    time(used.ru_utime) + time(used.ru_stime)
}

/// Ten of each millisecond.
fn message(n: usize) -> Message {
    let received = Timestamp::from_millis(START + n as i64 / 10);
    values::message("shop", &"x".repeat(BODY_BYTES), received)
}

fn recorded(seq: MessageSeq, message: &Message) -> Recorded {
    // Every tenth event is of a customer that nobody has seen before.
    let customer = seq.0 / 10;
    let is_new = seq.0 % 10 == 0;
    let identifiers =
        ["email", "shopify:customer"].map(|namespace| Identifier::new(namespace, &customer.to_string()));
    let lane = format!("customer-{customer}");
    let to = NewDelivery { lane: Some(Lane::of(&lane)), ordering_key: Some(lane), ..delivery("crm") };
    let body = String::from_utf8_lossy(&message.body);
    let of_it = event(&seq.to_string(), &body);
    let new = NewEvent {
        customer: Some(CustomerId::first_seen_in(of_it.event.id, Timestamp::from_millis(customer))),
        identifiers: if is_new { identifiers.into_iter().flatten().collect() } else { vec![] },
        routes: 3,
        filtered: 2,
        verdict: NewVerdict::Routed(vec![to]),
        ..of_it
    };
    Recorded { message: seq, result: Decoding::Decoded(vec![new]) }
}
