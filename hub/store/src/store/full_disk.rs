//! Tests of a disk that is full: nothing acknowledged is lost, and service goes on when there is room.

use std::path::Path;
use std::sync::Arc;

use snodo_core::message::Envelope;
use snodo_core::{Message, MessageId, Timestamp};

use super::{CanWait, Options, Store};
use crate::{MessageSeq, StoreError};

const BODY_BYTES: usize = 4000;

fn open(directory: &Path) -> Store {
    // The reserve is far away here: the disk itself is what says no.
    Store::open(directory, Options { free_bytes: Some(Arc::new(|| u64::MAX)), ..Options::default() }).unwrap()
}

fn message(n: u128) -> Message {
    Message {
        id: MessageId::new(Timestamp::from_millis(1), n),
        channel: "shop".parse().unwrap(),
        received: Timestamp::from_millis(1),
        envelope: Envelope::default(),
        body: vec![b'x'; BODY_BYTES].into(),
    }
}

impl Store {
    /// How large the database may become.
    fn limit_pages(&self, pages: i64) {
        let set = self.write(0, CanWait::No, move |writing| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            Ok(writing.statements.sqlite.query_row(&sql, [], |_| Ok(()))?)
        });
        set.unwrap().blocking_recv().unwrap().unwrap();
    }
}

/// Accepts, several at once, until the disk is full; which ones were acknowledged.
fn fill(store: &Store) -> Vec<MessageSeq> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..10_000 {
        let calls: Vec<_> = (0..8)
            .map(|n| {
                let store = store.clone();
                runtime.spawn(async move { store.accept(message(round * 8 + n)).await })
            })
            .collect();
        for call in calls {
            match runtime.block_on(call).unwrap() {
                Ok(seq) => acknowledged.push(seq),
                Err(StoreError::Full) => return acknowledged,
                Err(error) => panic!("{error}"),
            }
        }
    }
    panic!("the disk was never full");
}

fn assert_there(store: &Store, acknowledged: &[MessageSeq]) {
    for seq in acknowledged {
        assert_eq!(store.message(*seq).unwrap().unwrap().message.body.len(), BODY_BYTES, "message {seq}");
    }
    let audit = store.audit().unwrap();
    assert!(audit.agrees(), "{audit:?}");
}

#[test]
fn a_database_that_may_not_grow_is_a_full_disk_until_it_may() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.limit_pages(200);
    let acknowledged = fill(&store);
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    assert_there(&store, &acknowledged);

    store.limit_pages(400);
    let more = fill(&store);
    assert!(more.len() > 100, "{}", more.len());
    assert_there(&store, &acknowledged);
    assert_there(&store, &more);
}

/// Needs the right to mount; elsewhere the test above speaks for it.
#[test]
fn a_file_system_without_room_is_a_full_disk_until_it_has_some() {
    let directory = tempfile::tempdir().unwrap();
    let Some(mount) = SmallDisk::mount(directory.path()) else { return };
    let store = open(directory.path());
    let ballast = directory.path().join("ballast");
    std::fs::write(&ballast, vec![0; 4 << 20]).unwrap();
    let acknowledged = fill(&store);
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    assert_there(&store, &acknowledged);

    std::fs::remove_file(&ballast).unwrap();
    let more = fill(&store);
    assert!(more.len() > 100, "{}", more.len());
    drop(store);
    let store = open(directory.path());
    assert_there(&store, &acknowledged);
    assert_there(&store, &more);
    drop(store);
    drop(mount);
}

struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        let path = c_path(at);
        // SAFETY: all are strings that end in a zero byte.
        let answer = unsafe {
            libc::mount(c"tmpfs".as_ptr(), path.as_ptr(), c"tmpfs".as_ptr(), 0, c"size=12m".as_ptr().cast())
        };
        (answer == 0).then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // SAFETY: a string that ends in a zero byte.
        unsafe { libc::umount2(c_path(self.0).as_ptr(), libc::MNT_DETACH) };
    }
}

fn c_path(path: &Path) -> std::ffi::CString {
    std::ffi::CString::new(path.to_str().unwrap()).unwrap()
}
