//! A directory is opened by one hub at a time, and only by one that knows its format; others may look.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use snodo_core::Timestamp;
use snodo_store::{FORMAT, Options, Store, StoreError};

use crate::bench::*;

fn refusal<T>(opened: Result<T, StoreError>) -> String {
    opened.err().expect("it must be refused").to_string()
}

#[test]
fn a_second_hub_is_refused_and_told_who_is_there() {
    let bench = Bench::new();
    let refused = refusal(Store::open(bench.directory.path(), Options::default()));
    assert!(refused.contains("another hub"), "{refused}");
    assert!(refused.contains(&std::process::id().to_string()), "{refused}");
    bench.store.close_blocking();
    Store::open(bench.directory.path(), Options::default()).unwrap();
}

#[test]
fn what_this_version_does_not_know_is_left_alone() {
    for (spoil, expected) in [
        (
            format!("PRAGMA user_version = {}", FORMAT + 6),
            format!("has format {}, and this binary knows formats up to {FORMAT}", FORMAT + 6),
        ),
        ("PRAGMA application_id = 7".into(), "not a store of this hub".into()),
    ] {
        let bench = Bench::new();
        bench.accept("shop", "raw");
        bench.store.close_blocking();
        let file = bench.directory.path().join("hub.db");
        Connection::open(&file).unwrap().execute_batch(&spoil).unwrap();
        let before = std::fs::read(&file).unwrap();
        for refused in [
            refusal(Store::open(bench.directory.path(), Options::default())),
            refusal(Store::open_read_only(bench.directory.path())),
        ] {
            assert!(refused.contains(&expected), "{refused}");
        }
        assert!(std::fs::read(&file).unwrap() == before, "{spoil}: the file has changed");
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("hub.db"), [b'x'; 8192]).unwrap();
    let refused = refusal(Store::open(directory.path(), Options::default()));
    assert!(refused.contains("not a store of this hub"), "{refused}");
}

#[test]
fn others_can_look_while_the_hub_runs_and_when_it_does_not() {
    let bench = Bench::new();
    let reader = Store::open_read_only(bench.directory.path()).unwrap();
    for count in 1..=3 {
        bench.bring(vec![event(&count.to_string(), "a")]);
        assert_eq!(reader.balance(None).unwrap().in_flight, count);
    }
    drop(reader);
    bench.store.close_blocking();
    assert!(!bench.directory.path().join("hub.db-wal").exists(), "the log is copied when the hub stops");
    let reader = Store::open_read_only(bench.directory.path()).unwrap();
    assert_eq!(reader.fresh(&name("crm"), MANY, MANY).unwrap().len(), 3);
    // And a reader that is open does not keep the next hub out.
    let store = Store::open(bench.directory.path(), Options::default()).unwrap();
    wait(store.accept(message("shop", "raw", bench.now()))).unwrap();
    assert_eq!(reader.balance(None).unwrap().messages.accepted, 4);
}

#[test]
fn looking_where_nothing_is_makes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let refused = refusal(Store::open_read_only(directory.path()));
    assert!(refused.contains("no hub has stored anything"), "{refused}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_closed_store_takes_nothing_more_and_has_lost_nothing() {
    let bench = Bench::new();
    let store = bench.store.clone();
    let accepted = wait(async {
        let calls: Vec<_> = (0..500)
            .map(|n| {
                let (store, message) = (store.clone(), message("shop", &n.to_string(), bench.now()));
                tokio::spawn(async move { store.accept(message).await.is_ok() })
            })
            .collect();
        tokio::task::yield_now().await;
        store.close().await;
        let mut accepted = 0;
        for call in calls {
            accepted += i64::from(call.await.unwrap());
        }
        accepted
    });
    let after = wait(store.accept(message("shop", "late", bench.now())));
    assert!(matches!(after, Err(StoreError::Closed)), "{after:?}");
    drop(store);
    let bench = bench.reopen();
    assert_eq!(bench.store.balance(None).unwrap().messages.accepted, accepted);
    bench.assert_balanced();
}

#[test]
fn below_the_reserve_new_messages_are_refused_and_the_others_are_settled() {
    let directory = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(u64::MAX));
    let told = free.clone();
    let options =
        Options { free_bytes: Some(Arc::new(move || told.load(Ordering::SeqCst))), ..Options::default() };
    let store = Store::open(directory.path(), options).unwrap();
    let accept = || wait(store.accept(message("shop", "raw", Timestamp::from_millis(START))));
    let seq = accept().unwrap();

    free.store(1 << 20, Ordering::SeqCst);
    let refused = accept();
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    let batch = vec![snodo_store::Recorded {
        message: seq,
        result: snodo_store::Decoding::Decoded(vec![event("1", "a")]),
    }];
    store.record_blocking(batch, Default::default()).unwrap();
    let due = store.fresh(&name("crm"), MANY, MANY).unwrap();
    store.settle_blocking(vec![settled(&due[0], finally(snodo_core::Fate::Delivered))]).unwrap();

    free.store(1 << 40, Ordering::SeqCst);
    accept().unwrap();
}
