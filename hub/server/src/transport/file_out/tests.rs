use std::fs;
use std::path::Path;

use super::*;

fn outbox(folder: &Path) -> Outbox {
    Outbox { folder: folder.to_owned(), rotate_bytes: 1 << 20, rotate_after: Duration::from_secs(3600) }
}

fn request(target: &str, body: &str) -> Request {
    Request { target: target.to_owned(), body: body.to_owned().into(), ..Request::default() }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn each_body_is_one_line_in_the_order_of_sending() {
    let folder = tempfile::tempdir().unwrap();
    let out = FileOut::open(outbox(folder.path()), crate::clock::now).unwrap();
    for number in 0..5 {
        let answer = out.send(request("orders.jsonl", &format!("{{\"number\":{number}}}\n"))).await.unwrap();
        assert_eq!(answer.status, 200);
    }
    let sent =
        futures_util::future::join_all((0..300).map(|n| out.send(request("many.jsonl", &n.to_string()))))
            .await;
    assert!(sent.iter().all(Result::is_ok));
    let written = fs::read_to_string(folder.path().join("orders.jsonl")).unwrap();
    assert_eq!(written, "{\"number\":0}\n{\"number\":1}\n{\"number\":2}\n{\"number\":3}\n{\"number\":4}\n");
    // Sent at once they have no order, but each is there, once and whole.
    let many = fs::read_to_string(folder.path().join("many.jsonl")).unwrap();
    let mut many: Vec<u32> = many.lines().map(|line| line.parse().unwrap()).collect();
    many.sort_unstable();
    assert_eq!(many, (0..300).collect::<Vec<_>>());
}

#[tokio::test]
async fn only_one_line_of_json_under_a_plain_name_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = FileOut::open(outbox(folder.path()), crate::clock::now).unwrap();
    let long = "x".repeat(101);
    for name in [
        "",
        "..",
        ".hidden",
        "../up.jsonl",
        "a/b.jsonl",
        "/etc/passwd",
        "a\\b",
        "a b",
        "a\0b",
        &long,
        "é.jsonl",
    ] {
        let result = out.send(request(name, "{}")).await;
        assert_eq!(result, Err(WriteError::Name(name.to_owned())));
    }
    for body in ["", "{\n}", "{}\n{}", "{}{}", "{", "hello", "{}\r{}"] {
        assert!(matches!(out.send(request("a.jsonl", body)).await, Err(WriteError::Line(_))), "{body:?}");
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_file_is_closed_when_it_is_full_or_old() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = Folder::open(Outbox { rotate_bytes: 8, ..outbox(folder.path()) }).unwrap();
    let at = |seconds: i64| Timestamp::from_millis(1_772_355_600_000 + seconds * 1000);
    for (now, line) in [(0, "\"one\""), (1, "\"two\""), (2, "\"three\""), (3, "4"), (3602, "5"), (3603, "6")]
    {
        lines.append("orders.jsonl", &[line.as_bytes()], at(now)).unwrap();
    }
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    // Begun at 09:00: "one" and "two" fill the first; "three" the second; "4" is an hour old at the end.
    assert_eq!(
        names(folder.path()),
        [
            "orders.2026-03-01.1.jsonl",
            "orders.2026-03-01.2.jsonl",
            "orders.2026-03-01.3.jsonl",
            "orders.jsonl"
        ]
    );
    assert_eq!(read("orders.2026-03-01.1.jsonl"), "\"one\"\n\"two\"\n");
    assert_eq!(read("orders.2026-03-01.2.jsonl"), "\"three\"\n");
    assert_eq!(read("orders.2026-03-01.3.jsonl"), "4\n5\n");
    assert_eq!(read("orders.jsonl"), "6\n");
}

#[test]
fn half_a_line_from_a_crash_is_cut_off_and_whole_ones_are_kept() {
    for (found, left) in [
        ("{\"a\":1}\n{\"b\":", "{\"a\":1}\n"),
        ("{\"a\":1}\n", "{\"a\":1}\n"),
        ("{\"a\":", ""),
        (&format!("1\n{}", "x".repeat(200_000)), "1\n"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.jsonl"), found).unwrap();
        let mut lines = Folder::open(outbox(folder.path())).unwrap();
        lines.append("a.jsonl", &[b"2"], crate::clock::now()).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("a.jsonl")).unwrap(), format!("{left}2\n"));
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_the_operators_and_mends_itself() {
    let folder = tempfile::tempdir().unwrap();
    let out = FileOut::open(outbox(folder.path()), crate::clock::now).unwrap();
    // Something is in the way of the file.
    fs::create_dir(folder.path().join("a.jsonl")).unwrap();
    assert!(matches!(out.send(request("a.jsonl", "1")).await, Err(WriteError::Disk { .. })));
    fs::remove_dir(folder.path().join("a.jsonl")).unwrap();
    assert!(out.send(request("a.jsonl", "1")).await.is_ok());
}
