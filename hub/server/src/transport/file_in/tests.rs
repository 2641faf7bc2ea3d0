use std::cell::RefCell;
use std::fs;
use std::future::ready;
use std::path::Path;

use super::*;

const SETTLE: Duration = Duration::from_secs(2);

/// A folder and everything that was accepted from it, by id, as a store would keep it.
struct Watched {
    folder: tempfile::TempDir,
    accepted: RefCell<HashMap<MessageId, Message>>,
    /// Also those that came twice.
    calls: RefCell<Vec<Message>>,
    answer: RefCell<Result<(), AcceptError>>,
}

impl Watched {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, accepted: RefCell::default(), calls: RefCell::default(), answer: RefCell::new(Ok(())) }
    }

    fn watcher(&self) -> FileIn<impl Fn(Message) -> std::future::Ready<Result<MessageId, AcceptError>>> {
        let inbox = Inbox {
            channel: "tills".parse().unwrap(),
            folder: self.folder.path().to_owned(),
            pattern: "*.xml".to_owned(),
            settle: SETTLE,
            split: None,
            body_bytes_max: 100,
        };
        FileIn::new(inbox, |message: Message| {
            let id = message.id;
            ready(self.answer.borrow().clone().map(|()| {
                self.calls.borrow_mut().push(message.clone());
                self.accepted.borrow_mut().insert(id, message);
                id
            }))
        })
    }

    fn put(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn bodies(&self) -> Vec<String> {
        let mut bodies: Vec<_> = self
            .accepted
            .borrow()
            .values()
            .map(|message| String::from_utf8(message.body.to_vec()).unwrap())
            .collect();
        bodies.sort();
        bodies
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

#[tokio::test]
async fn a_file_is_taken_once_it_was_left_alone_and_then_put_away() {
    let watched = Watched::new();
    let mut watcher = watched.watcher();
    watched.put("a.xml", "<a/>");
    for (now, taken, waiting) in [(0, 0, 1), (1, 0, 1), (2, 1, 0), (9, 0, 0)] {
        let looked = watcher.look_once(at(now)).await.unwrap();
        assert_eq!((looked.taken.len(), looked.waiting, looked.failed), (taken, waiting, 0), "at {now} s");
    }
    assert_eq!(watched.bodies(), ["<a/>"]);
    assert_eq!(watched.accepted.borrow().values().next().unwrap().envelope.name, "a.xml");
    assert_eq!(names(watched.folder.path()), ["done"]);
    assert_eq!(names(&watched.folder.path().join("done")), ["a.xml"]);
}

#[tokio::test]
async fn a_half_written_file_is_left_alone() {
    let watched = Watched::new();
    let mut watcher = watched.watcher();
    for name in ["a.xml.part", ".b.xml", "c.xml.tmp", "d.csv", "empty.xml"] {
        watched.put(name, if name == "empty.xml" { "" } else { "x" });
    }
    fs::create_dir(watched.folder.path().join("folder.xml")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", watched.folder.path().join("link.xml")).unwrap();
    watched.put("a.xml", "<a");
    for now in [0, 1] {
        watcher.look_once(at(now)).await.unwrap();
    }
    // It grows just before it would have counted as whole: the time begins anew.
    watched.put("a.xml", "<a>whole</a>");
    for (now, taken) in [(2, 0), (3, 0), (4, 1), (100, 0)] {
        assert_eq!(watcher.look_once(at(now)).await.unwrap().taken.len(), taken, "at {now} s");
    }
    assert_eq!(watched.bodies(), ["<a>whole</a>"]);
    let left = [".b.xml", "a.xml.part", "c.xml.tmp", "d.csv", "done", "empty.xml", "folder.xml", "link.xml"];
    assert_eq!(names(watched.folder.path()), left);
}

#[tokio::test]
async fn a_crash_between_the_commit_and_the_move_makes_no_second_message() {
    let watched = Watched::new();
    watched.put("a.xml", "<a/>");
    // The folder for what is done cannot be made: the file stays, as if the hub had been killed before the move.
    fs::write(watched.folder.path().join("done"), "in the way").unwrap();
    let mut before = watched.watcher();
    before.look_once(at(0)).await.unwrap();
    let first = before.look_once(at(2)).await.unwrap().taken;
    assert_eq!((first.len(), names(watched.folder.path()).len()), (1, 2));
    assert_eq!(before.look_once(at(4)).await.unwrap().taken, [], "the same process remembers");
    drop(before);
    fs::remove_file(watched.folder.path().join("done")).unwrap();
    let mut after = watched.watcher();
    after.look_once(at(10)).await.unwrap();
    assert_eq!(after.look_once(at(12)).await.unwrap().taken, first, "the next one gives the same id");
    let calls = watched.calls.borrow();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0], calls[1], "and all that an event's id is made from is the same");
    assert_eq!(names(&watched.folder.path().join("done")), ["a.xml"]);
}

#[tokio::test]
async fn another_file_of_the_same_name_is_another_message() {
    let watched = Watched::new();
    let mut watcher = watched.watcher();
    for (start, content) in [(0, "<a/>"), (10, "<b/>"), (20, "<c/>")] {
        watched.put("a.xml", content);
        watcher.look_once(at(start)).await.unwrap();
        assert_eq!(watcher.look_once(at(start + 2)).await.unwrap().taken.len(), 1);
    }
    assert_eq!(watched.bodies(), ["<a/>", "<b/>", "<c/>"]);
    assert_eq!(names(&watched.folder.path().join("done")), ["a.1.xml", "a.2.xml", "a.xml"]);
}

#[tokio::test]
async fn what_is_too_large_is_put_aside_with_the_reason() {
    let watched = Watched::new();
    let mut watcher = watched.watcher();
    watched.put("big.xml", &"x".repeat(101));
    watched.put("fits.xml", &"x".repeat(100));
    watcher.look_once(at(0)).await.unwrap();
    let looked = watcher.look_once(at(2)).await.unwrap();
    assert_eq!((looked.taken.len(), looked.failed), (1, 1));
    let failed = watched.folder.path().join("failed");
    assert_eq!(names(&failed), ["big.xml", "big.xml.reason"]);
    assert!(fs::read_to_string(failed.join("big.xml.reason")).unwrap().contains("101 bytes"));
}

#[tokio::test]
async fn a_file_stays_while_the_hub_has_no_room() {
    let watched = Watched::new();
    let mut watcher = watched.watcher();
    watched.put("a.xml", "<a/>");
    watched.put("b.xml", "<b/>");
    watcher.look_once(at(0)).await.unwrap();
    *watched.answer.borrow_mut() = Err(AcceptError::Full);
    assert_eq!(watcher.look_once(at(2)).await.unwrap(), Looked { waiting: 2, ..Looked::default() });
    *watched.answer.borrow_mut() = Ok(());
    assert_eq!(watcher.look_once(at(3)).await.unwrap().taken.len(), 2);
    assert_eq!(watched.bodies(), ["<a/>", "<b/>"]);
}

#[tokio::test]
async fn a_file_of_any_size_is_taken_in_parts_each_once() {
    let watched = Watched::new();
    let lines: String = (0..1200).map(|number| format!("{{\"number\":{number}}}\n")).collect();
    watched.put("many.xml", &lines);
    let mut watcher = watched.watcher();
    watcher.inbox.split = Some(Split::Line {});
    watcher.inbox.body_bytes_max = 4096;
    let look = async |watcher: &mut FileIn<_>, seconds: i64| {
        watcher
            .look_once(Timestamp::from_millis(crate::clock::now().as_millis() + seconds * 1000))
            .await
            .unwrap()
    };
    look(&mut watcher, 0).await;
    let taken = look(&mut watcher, 3).await.taken;
    let whole = |watched: &Watched| {
        let mut calls = watched.calls.borrow().clone();
        calls.sort_by_key(|call| call.envelope.headers[0].1.parse::<u32>().unwrap());
        calls.iter().map(|call| String::from_utf8(call.body.to_vec()).unwrap()).collect::<String>()
    };
    assert!(taken.len() > 4, "{}", taken.len());
    assert_eq!(whole(&watched), lines);
    let second = &watched.calls.borrow()[1];
    let records = watched.calls.borrow()[0].body.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(
        second.envelope.headers,
        [("file-part".to_owned(), "2".to_owned()), ("file-record".to_owned(), (records + 1).to_string()),]
    );
    assert_eq!(names(&watched.folder.path().join("done")), ["many.xml"]);
}
