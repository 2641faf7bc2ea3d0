//! What was acknowledged is there after `kill -9`, and the store opens without repair.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use rusqlite::Connection;
use snodo_core::{Fate, Timestamp};
use snodo_store::{Decoding, MessageSeq, Options, Recorded, Store};

use crate::bench::*;

/// Where the child that is to be killed writes.
const CHILD: &str = "SNODO_STORE_CRASH_CHILD";

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if let Ok(directory) = std::env::var(CHILD) {
        write_for_ever(&directory);
    }
    let directory = tempfile::tempdir().unwrap();
    // Killed early, and after the log has been copied and started over.
    for acknowledgements in [1, 40, 700, 3_000, 9] {
        let acknowledged = run_and_kill(directory.path(), acknowledgements);
        let store = Store::open(directory.path(), Options::default()).unwrap();
        check(&store, &acknowledged);
        drop(store);
        let sqlite = Connection::open(directory.path().join("hub.db")).unwrap();
        let said: String = sqlite.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(said, "ok");
    }
}

#[derive(Default)]
struct Acknowledged {
    messages: Vec<(i64, String)>,
    settled: Vec<i64>,
}

fn run_and_kill(directory: &std::path::Path, acknowledgements: usize) -> Acknowledged {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::what_was_acknowledged_survives_a_kill", "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Acknowledged::default();
    let take = |line: String, acknowledged: &mut Acknowledged| {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("accepted"), Some(seq), Some(body)) => {
                acknowledged.messages.push((seq.parse().unwrap(), body.to_owned()));
            }
            (Some("settled"), Some(seq), Some("end")) => acknowledged.settled.push(seq.parse().unwrap()),
            // What the test harness says, or a line cut off by the kill.
            _ => {}
        }
    };
    while acknowledged.messages.len() + acknowledged.settled.len() < acknowledgements {
        let line = lines.next().expect("the child writes until it is killed").unwrap();
        take(line, &mut acknowledged);
    }
    child.kill().unwrap();
    for line in lines {
        take(line.unwrap(), &mut acknowledged);
    }
    child.wait().unwrap();
    acknowledged
}

fn check(store: &Store, acknowledged: &Acknowledged) {
    for (seq, body) in &acknowledged.messages {
        let row = store.message(MessageSeq(*seq)).unwrap().expect("an acknowledged message is there");
        assert!(row.message.body.starts_with(body.as_bytes()), "message {seq} has another body");
    }
    let in_flight = store.fresh(&name("crm"), MANY, usize::MAX).unwrap();
    for seq in &acknowledged.settled {
        assert!(!in_flight.iter().any(|due| due.seq.0 == *seq), "delivery {seq} is in flight again");
    }
    let audit = store.audit().unwrap();
    assert!(audit.agrees(), "{audit:?}");
    assert_eq!(audit.counted.difference(), 0);
    assert_eq!(audit.counted.messages_difference(), 0);
}

/// Several threads accept; one decodes and delivers. Each says what was acknowledged.
fn write_for_ever(directory: &str) -> ! {
    let store = Store::open(directory, Options::default()).unwrap();
    let begun = store.balance(None).unwrap().messages.accepted;
    let stdout = std::io::stdout();
    for thread in 0..3 {
        let (store, stdout) = (store.clone(), std::io::stdout());
        std::thread::spawn(move || {
            for n in 0.. {
                let told = format!("{begun}-{thread}-{n}");
                let body = format!("{told:_<1000}");
                let seq = wait(store.accept(message("shop", &body, Timestamp::from_millis(START)))).unwrap();
                writeln!(stdout.lock(), "accepted {seq} {told}").unwrap();
            }
        });
    }
    loop {
        let waiting = store.pending_messages(&name("shop"), MessageSeq(0), 64, MANY).unwrap();
        let decoded = |(seq, _): (MessageSeq, _)| Recorded {
            message: seq,
            result: Decoding::Decoded(vec![event(&seq.to_string(), "a")]),
        };
        store.record_blocking(waiting.into_iter().map(decoded).collect(), Default::default()).unwrap();
        let due = store.fresh(&name("crm"), 64, MANY).unwrap();
        store
            .settle_blocking(due.iter().map(|due| settled(due, finally(Fate::Delivered))).collect::<Vec<_>>())
            .unwrap();
        for due in due {
            writeln!(stdout.lock(), "settled {} end", due.seq).unwrap();
        }
    }
}
