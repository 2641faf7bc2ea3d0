//! What a sender repeats is accepted once, however often the hub is killed on the way.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use snodo_core::{ChannelName, Timestamp};
use snodo_store::{AsOf, Decoding, MessageSeq, Options, Recorded, Store};
use snodo_test_power::Dice;

use crate::bench::*;

const TEST: &str = "repeated::what_is_sent_three_times_under_kills_is_accepted_once";
const DIRECTORY: &str = "SNODO_STORE_REPEATED";
const EVENTS: &str = "SNODO_STORE_REPEATED_EVENTS";
/// Several channels bring the same: each repeats all of it, in an order of its own.
const TIMES: usize = 3;
const GROUP: usize = 20;
const KILLS: usize = 12;

#[test]
fn what_is_sent_three_times_under_kills_is_accepted_once() {
    if let Ok(directory) = std::env::var(DIRECTORY) {
        send(Path::new(&directory), std::env::var(EVENTS).unwrap().parse().unwrap());
    }
    let events = 2_000 * scale();
    let directory = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(7);
    let messages = events * TIMES / GROUP;
    let mut kills = 0;
    // Each time after so many lines more, until a child has come to the end.
    while !run(directory.path(), events, 1 + dice.below(2 * messages / KILLS)) {
        kills += 1;
    }
    assert!(kills >= KILLS / 2, "{kills} kills");

    let store = Store::open(directory.path(), Options::default()).unwrap();
    let audit = store.audit().unwrap();
    assert!(audit.agrees(), "{audit:?}");
    let tally = audit.counted;
    let missing = (tally.difference(), tally.messages_difference(), tally.events_difference());
    assert_eq!(missing, (0, 0, 0), "{tally:?}");
    let (routed, repeated) = (tally.events.routed, tally.events.duplicate);
    // Messages that were stored without their answer being heard were sent once more.
    let sent_again = tally.messages.accepted * GROUP as i64 - (events * TIMES) as i64;
    println!(
        "{events} events sent {TIMES} times, {kills} kills: {routed} accepted, {repeated} duplicates, {sent_again} of them sent once more"
    );
    assert_eq!(routed, events as i64);
    assert_eq!(repeated, (events * (TIMES - 1)) as i64 + sent_again);
    assert_eq!(tally.in_flight, events as i64);
}

/// Without a window nothing is a repetition, and all of it would be accepted: the count above is the window's doing.
#[test]
fn without_a_window_everything_is_accepted_again() {
    let directory = tempfile::tempdir().unwrap();
    let ticks = AtomicI64::new(START);
    let clock = Arc::new(move || Timestamp::from_millis(ticks.fetch_add(1, Ordering::SeqCst)));
    let options = Options { dedup_window: Duration::ZERO, clock, ..Options::default() };
    let store = Store::open(directory.path(), options).unwrap();
    for _ in 0..TIMES {
        let seq = wait(store.accept(message("shop", "0", Timestamp::from_millis(START)))).unwrap();
        decode(&store, &[(seq, "0".to_owned())]);
    }
    assert_eq!(store.tally().unwrap().events.routed, (GROUP * TIMES) as i64);
}

/// Whether it came to the end before it was killed, after so many lines.
fn run(directory: &Path, events: usize, lines: usize) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(DIRECTORY, directory)
        .env(EVENTS, events.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines();
    let ended = said.map(Result::unwrap).take(lines).any(|line| line == "end");
    child.kill().unwrap();
    child.wait().unwrap();
    ended
}

fn channel(time: usize) -> ChannelName {
    name(&format!("shop-{time}"))
}

/// A sender per channel remembers by itself which answers it has had, and goes on behind them.
fn send(directory: &Path, events: usize) -> ! {
    let store = Store::open(directory, Options::default()).unwrap();
    let senders: Vec<_> = (0..TIMES)
        .map(|time| {
            let (store, memory) = (store.clone(), directory.join(format!("sent-{time}")));
            std::thread::spawn(move || send_all(&store, time, events / GROUP, &memory))
        })
        .collect();
    while !senders.iter().all(std::thread::JoinHandle::is_finished) || carry(&store) > 0 {
        carry(&store);
    }
    say("end");
    loop {
        std::thread::park();
    }
}

fn send_all(store: &Store, time: usize, messages: usize, memory: &Path) {
    let sent = std::fs::read_to_string(memory).map_or(0, |text| text.trim().parse().unwrap());
    for n in sent..messages {
        let which = (n + time * messages / TIMES) % messages;
        let message = message(channel(time).as_str(), &which.to_string(), Timestamp::from_millis(START));
        wait(store.accept(message)).unwrap();
        // In one step: a kill leaves the old or the new.
        let next = memory.with_extension("next");
        std::fs::write(&next, (n + 1).to_string()).unwrap();
        std::fs::rename(next, memory).unwrap();
        say(&which.to_string());
    }
}

fn say(line: &str) {
    std::io::stdout().lock().write_all(format!("\n{line}\n").as_bytes()).unwrap();
}

/// Decodes what waits; how many messages.
fn carry(store: &Store) -> usize {
    let waiting = (0..TIMES)
        .flat_map(|time| store.pending_messages(&channel(time), MessageSeq(0), 16, MANY).unwrap())
        .map(|(seq, message)| (seq, String::from_utf8(message.body.to_vec()).unwrap()));
    decode(store, &waiting.collect::<Vec<_>>())
}

fn decode(store: &Store, messages: &[(MessageSeq, String)]) -> usize {
    let batch = messages.iter().map(|(seq, which)| {
        let events = (0..GROUP)
            .map(|place| at_place(u32::try_from(place).unwrap(), event(&format!("{which}-{place}"), "a")));
        Recorded { message: *seq, result: Decoding::Decoded(events.collect()) }
    });
    store.record_blocking(batch.collect(), AsOf::default()).unwrap();
    messages.len()
}
