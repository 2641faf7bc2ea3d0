//! What a home of several nodes does with what has ended: it is sent again from wherever that is asked for, and removed by one hub.

use std::process::Output;
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{KEYS, Shared, check, send, start};
use crate::brokers::until;
use crate::company::{Company, get};
use crate::witness::{Answer, Witness};

fn replay(company: &Company, args: &[&str]) -> Value {
    let Output { status, stdout, stderr } = company.run(&[&["replay", "--json"], args].concat());
    assert!(status.success(), "{args:?}: {}", String::from_utf8_lossy(&stderr));
    let mut said: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(said["dry_run"].take(), json!(args.contains(&"--dry-run")));
    said
}

/// What `[retention]` says from the next start on.
fn keep(company: &Company, rest: &str) {
    let hub = std::fs::read_to_string(company.path("hub.toml")).unwrap();
    company.write("hub.toml", &format!("{hub}[dedup]\nwindow = \"1 ms\"\n[retention]\n{rest}"));
}

/// What this hub has removed, and not another.
fn removed_by(company: &Company) -> i64 {
    let (_, metrics) = get(company.address, "/metrics").unwrap();
    let name = "snodo_retention_removed_total{kind=\"event\"}";
    let line = metrics.lines().find(|line| line.starts_with(name));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

fn removed(company: &Company) -> i64 {
    company.balance()["removed"]["events"]["decoded"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_sent_again_from_anywhere_and_removed_by_one_hub() {
    let is_odd = |key: &str| key.trim_end_matches("@example.com").ends_with(['1', '3', '5', '7', '9']);
    let witness = Witness::start(move |seen| match is_odd(&seen.key) {
        false => Answer::ok(),
        true => Answer::of(StatusCode::BAD_REQUEST),
    });
    let (witness, shared) = (witness.await, Shared::new());
    let doors = Arc::new(vec![shared.company(&witness), shared.company(&witness)]);
    let (first, second) = (start(&doors, 0).await, start(&doors, 1).await);
    send(Arc::clone(&doors), 1..=3, Arc::default()).await;
    let all = u64::from(KEYS) * 3;
    until("all have ended", || doors[0].balance()["fates"]["dead"] == json!(all / 2)).await;
    assert_eq!(doors[0].settled()["fates"]["delivered"], json!(all / 2));

    // Counted by one hub, done by the other.
    witness.answer(|_| Answer::ok());
    let counted = replay(&doors[0], &["--fate", "dead", "--dry-run"]);
    assert_eq!(counted["by_destination"], json!({"crm": {"dead": all / 2}}));
    assert_eq!(doors[0].settled()["fates"]["dead"], json!(all / 2));
    assert_eq!(replay(&doors[1], &["--fate", "dead"]), counted);
    let balance = doors[1].settled();
    assert_eq!((&balance["fates"]["delivered"], &balance["difference"]), (&json!(all), &json!(0)));
    check(&witness.taken(), KEYS * 3);

    // By a command where no hub runs; the hubs send it.
    let elsewhere = shared.company(&witness);
    let counted = replay(&elsewhere, &["--since", "1h", "--dry-run"]);
    assert_eq!(counted["by_destination"], json!({"crm": {"delivered": all}}));
    assert_eq!(replay(&elsewhere, &["--since", "1h", "--yes"]), counted);
    until("they are sent again", || witness.taken().len() as u64 == 2 * all).await;
    assert_eq!(elsewhere.settled()["difference"], 0);
    let backed_up = elsewhere.run(&["backup", "hub.backup"]);
    assert_eq!(backed_up.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&backed_up.stderr).contains("pg_dump"));

    first.stop();
    second.stop();
    doors.iter().for_each(|company| keep(company, "settled = \"1 ms\"\n"));
    let first = start(&doors, 0).await;
    // All but the evidence of the customers, and the last one.
    let old = i64::from(KEYS) * 2 - 1;
    until("the first removes them", || removed(&doors[1]) >= old).await;
    let second = start(&doors, 1).await;
    send(Arc::clone(&doors), 4..=4, Arc::default()).await;
    until("all have ended", || doors[0].balance()["fates"]["delivered"] == json!(all + u64::from(KEYS)))
        .await;
    let before = removed(&doors[1]);
    until("it has told", || removed_by(&doors[0]) == before).await;
    assert_eq!(removed_by(&doors[1]), 0, "it is not its turn");
    first.stop();
    until("the second goes on", || removed(&doors[1]) >= before + i64::from(KEYS) - 1).await;
    until("it has told", || removed_by(&doors[1]) == removed(&doors[1]) - before).await;
    let balance = doors[1].balance();
    assert_eq!((&balance["difference"], &balance["in_flight"]), (&json!(0), &json!(0)));
    second.stop();
    drop((doors, elsewhere));
    shared.remove().await;
}
