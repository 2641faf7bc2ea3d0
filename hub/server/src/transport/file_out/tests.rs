use std::fs;
use std::path::Path;

use super::*;

fn outbox(folder: &Path) -> Outbox {
    Outbox { folder: folder.to_owned(), rotate_bytes: 1 << 20, rotate_after: Duration::from_secs(3600) }
}

fn request(target: &str, body: &str) -> Request {
    let method = "APPEND".to_owned();
    Request { method, target: target.to_owned(), body: body.to_owned().into(), ..Request::default() }
}

/// A line of another text than JSON, in files that begin and end with lines of their own.
fn framed(target: &str, line: &str, head: &str, foot: Option<&str>) -> Request {
    let mut request = request(target, line);
    let mut header = |name: &str, value: &str| request.headers.push((name.to_owned(), value.to_owned()));
    header("content-type", "text/csv");
    header("file-head", head);
    foot.into_iter().for_each(|foot| header("file-foot", foot));
    request
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
        lines.append("orders.jsonl", &Frame::default(), &[line.as_bytes()], at(now)).unwrap();
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
        lines.append("a.jsonl", &Frame::default(), &[b"2"], crate::clock::now()).unwrap();
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

#[tokio::test]
async fn each_file_begins_and_ends_with_its_own_lines() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox { rotate_bytes: 12, ..outbox(folder.path()) };
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let day = crate::clock::now().to_string()[..10].to_owned();
    for row in ["1,a", "2,\"b, c\"", "3,d"] {
        // Another start each time: what is in the file says whether it has begun.
        let out = FileOut::open(outbox.clone(), crate::clock::now).unwrap();
        out.send(framed("rows.csv", row, "id,name", None)).await.unwrap();
    }
    assert_eq!(
        read(&format!("rows.{day}.1.csv")),
        "id,name\n1,a\n2,\"b, c\"\n".split_inclusive('\n').take(2).collect::<String>()
    );
    assert_eq!(read(&format!("rows.{day}.2.csv")), "id,name\n2,\"b, c\"\n");
    assert_eq!(read("rows.csv"), "id,name\n3,d\n");

    // Other columns are another file.
    let out = FileOut::open(Outbox { rotate_bytes: 1 << 20, ..outbox.clone() }, crate::clock::now).unwrap();
    out.send(framed("rows.csv", "4", "id", None)).await.unwrap();
    out.send(framed("rows.csv", "5", "id", None)).await.unwrap();
    assert_eq!(read(&format!("rows.{day}.3.csv")), "id,name\n3,d\n");
    assert_eq!(read("rows.csv"), "id\n4\n5\n");

    let out = FileOut::open(outbox, crate::clock::now).unwrap();
    for element in ["<e>1</e>", "<e>2</e>"] {
        out.send(framed("all.xml", element, "<all>", Some("</all>"))).await.unwrap();
    }
    assert_eq!(read(&format!("all.{day}.1.xml")), "<all>\n<e>1</e>\n</all>\n");
    assert_eq!(read("all.xml"), "<all>\n<e>2</e>\n");
}

#[tokio::test]
async fn a_whole_file_takes_the_place_of_one_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let out = FileOut::open(outbox(folder.path()), crate::clock::now).unwrap();
    let put = |body: &str| Request { method: "PUT".to_owned(), ..request("all.parquet", body) };
    out.send(put("PAR1\n\n\0")).await.unwrap();
    out.send(put("PAR1 again")).await.unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("all.parquet")).unwrap(), "PAR1 again");
    assert_eq!(names(folder.path()), ["all.parquet"]);
    let deleted = out.send(Request { method: "DELETE".to_owned(), ..request("all.parquet", "") }).await;
    assert_eq!(deleted, Err(WriteError::Method("DELETE".to_owned())));
}
