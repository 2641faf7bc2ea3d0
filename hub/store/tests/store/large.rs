//! A start after a kill does not take longer for all that is stored: it reads the log, and of the database a few pages.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use snodo_core::{Fate, Timestamp};
use snodo_store::{AsOf, Claim, Decoding, DeliverySeq, Options, Outcome, Recorded, Store};

use crate::bench::*;

const TEST: &str = "large::a_start_reads_the_log_and_a_few_pages";
const DIRECTORY: &str = "SNODO_STORE_LARGE";
const ROLE: &str = "SNODO_STORE_LARGE_ROLE";
const EVENTS: usize = 50_000;
const GROUP: usize = 1000;
/// One in so many deliveries is left in flight.
const LEFT: i64 = 100;
/// What a start may read beside the log, whatever is stored.
const READ_BYTES_MAX: u64 = 4 << 20;

#[test]
fn a_start_reads_the_log_and_a_few_pages() {
    if let Ok(directory) = std::env::var(DIRECTORY) {
        match std::env::var(ROLE).as_deref() {
            Ok("open") => open(Path::new(&directory)),
            Ok(events) => fill(Path::new(&directory), events.parse().unwrap()),
            Err(error) => panic!("{error}"),
        }
    }
    let directory = tempfile::tempdir().unwrap();
    // Killed with a log as long as it may become, and with a short one, beside which all that is stored would be seen.
    for events in [EVENTS * scale(), GROUP] {
        fill_and_kill(directory.path(), events);
        let bytes_of = |file: &str| std::fs::metadata(directory.path().join(file)).unwrap().len();
        let (database, log) = (bytes_of("hub.db"), bytes_of("hub.db-wal"));
        let Opened { read, counted, said } = open_once(directory.path());
        println!("{events} more events, database of {database} bytes, log of {log} bytes: {said}");
        // Once to write it anew, once to find its end.
        let may_read = 2 * log + READ_BYTES_MAX;
        assert!(read <= may_read, "a start has read {read} bytes");
        if events == GROUP {
            assert!(database > 2 * may_read, "{database} bytes are too few to tell");
            // Whoever counts rows is seen.
            assert!(read + counted > may_read, "counting all has read {counted} bytes only");
        }
    }
}

fn fill_and_kill(directory: &Path, events: usize) {
    let mut filling = start(directory, &events.to_string());
    assert_eq!(hear(&mut filling, "filled"), ["filled"]);
    filling.kill().unwrap();
    filling.wait().unwrap();
}

struct Opened {
    read: u64,
    counted: u64,
    said: String,
}

fn open_once(directory: &Path) -> Opened {
    let mut opening = start(directory, "open");
    let said = hear(&mut opening, "opened").remove(0);
    assert!(opening.wait().unwrap().success());
    let number = |at: usize| said.split(' ').nth(at).unwrap().parse().unwrap();
    Opened { read: number(2), counted: number(7), said }
}

fn start(directory: &Path, role: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROLE, role)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The child's line that begins so.
fn hear(child: &mut Child, beginning: &str) -> Vec<String> {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    lines.map(Result::unwrap).filter(|line| line.starts_with(beginning)).take(1).collect()
}

fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line.as_bytes()).unwrap();
    stdout.flush().unwrap();
}

/// Events with one delivery each, most of them settled; then waits to be killed.
fn fill(directory: &Path, events: usize) -> ! {
    let store = Store::open(directory, Options::default()).unwrap();
    let now = Timestamp::from_millis(START);
    for _ in 0..events.div_ceil(GROUP) {
        let messages = (0..GROUP).map(|_| message("shop", &"x".repeat(200), now)).collect();
        let seqs = wait(store.accept_all(messages, None)).unwrap();
        let batch = seqs.into_iter().map(|message| Recorded {
            message,
            result: Decoding::Decoded(vec![event(&message.to_string(), &"x".repeat(200))]),
        });
        let recorded = store.record_blocking(batch.collect(), AsOf::default()).unwrap();
        let batch = recorded.iter().filter_map(|event| match &event.outcome {
            Outcome::Routed(deliveries) if deliveries.start.0 % LEFT != 0 => Some(deliver(deliveries.start)),
            _ => None,
        });
        store.settle_blocking(batch.collect::<Vec<_>>()).unwrap();
    }
    say("\nfilled\n");
    loop {
        std::thread::park();
    }
}

fn deliver(seq: DeliverySeq) -> snodo_store::Settled {
    let record = Some(r#"{"n":1}"#.to_owned());
    snodo_store::Settled { seq, attempt: 1, record, result: finally(Fate::Delivered) }
}

fn open(directory: &Path) -> ! {
    let (began, before) = (Instant::now(), bytes_read());
    let store = Store::open(directory, Options::default()).unwrap();
    let (opened, read) = (began.elapsed(), bytes_read() - before);
    let claim = Claim {
        destination: &name("crm"),
        marks: Default::default(),
        out: &Default::default(),
        now: Timestamp::from_millis(START),
        limit: 64,
        bytes_max: MANY,
    };
    let due = store.claim(&claim).unwrap();
    assert_eq!(due.len(), 64);
    let claimed = began.elapsed();
    let before = bytes_read();
    assert_eq!(store.audit().unwrap().counted.difference(), 0);
    let counted = bytes_read() - before;
    say(&format!(
        "\nopened read {read} bytes; counting all read {counted} bytes; ready after {opened:?}, first claim after {claimed:?}\n"
    ));
    store.close_blocking();
    std::process::exit(0);
}

/// By calls of this process, also from what the system has in memory.
fn bytes_read() -> u64 {
    let said = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = said.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
    line.parse().unwrap()
}
