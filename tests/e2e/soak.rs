//! A hub under load with every fault at once, for as long as told: destinations that are dead, slow, flapping or lying, sources that
//! flood and that send what nobody can read, kills, changes of the configuration, replays. Whenever it is looked, the ledger adds up;
//! at the end nothing is lost and no key was out of order. `SNODO_TEST_SCALE` multiplies the time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::json;

use crate::company::{Company, Hub, balanced};
use crate::line::{client, post};
use crate::order::{fails_now_and_then, of_key, scale};
use crate::witness::{Answer, Witness, inversions};

/// Of a run of usual size.
const LASTS: Duration = Duration::from_secs(20);

const SENDERS: u32 = 4;
const KEYS: u32 = 200;

/// What each sender leaves between two messages: this is about faults, not about speed.
const PAUSE: Duration = Duration::from_millis(20);

const LOOK_EVERY: Duration = Duration::from_millis(700);

/// All rows are counted: with many of them less often, so that it is not all that the machine does.
const LOOKED_PART: u32 = 4;

struct Faults {
    stop: AtomicBool,
    sent: AtomicU32,
    looks: AtomicU32,
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_faults_at_once_the_ledger_adds_up_whenever_it_is_looked() {
    let well = Witness::start(|_| Answer::ok()).await;
    let flapping = Witness::start(fails_now_and_then()).await;
    let slow = Witness::start(|_| Answer { after: Duration::from_secs(3), ..Answer::ok() }).await;
    let dead = Witness::start(|_| Answer::of(StatusCode::BAD_GATEWAY)).await;
    let company = Arc::new(Company::new());
    company.retry_after(&["50ms"; 60]);
    company.canonical_in("shop");
    for (name, witness) in [("well", &well), ("flapping", &flapping), ("slow", &slow), ("dead", &dead)] {
        company.webhook_out(name, witness.address);
        company.route(&format!("to-{name}"), "shop", name, "");
    }
    let faults = Arc::new(Faults { stop: AtomicBool::new(false), sent: 0.into(), looks: 0.into() });
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| tokio::spawn(send(Arc::clone(&company), Arc::clone(&faults), sender)))
        .collect();
    let working = {
        let (company, faults) = (Arc::clone(&company), Arc::clone(&faults));
        tokio::task::spawn_blocking(move || disturb(&company, &faults, Instant::now() + LASTS * scale()))
    };
    let hub = working.await;
    faults.stop.store(true, Ordering::SeqCst);
    let hub = hub.unwrap();
    // Each has the answer to its last message before the hub ends.
    let mut accepted = 0;
    for sender in senders {
        accepted += sender.await.unwrap();
    }
    tokio::task::spawn_blocking(|| hub.stop()).await.unwrap();
    // Everybody is well again in the end.
    for witness in [&slow, &dead] {
        witness.answer(|_| Answer::ok());
    }
    let ended = Arc::clone(&company);
    let balance = tokio::task::spawn_blocking(move || {
        let hub = ended.start();
        ended.run(&["destination", "enable", "dead"]);
        let balance = ended.settled();
        hub.stop();
        balance
    });
    balanced(&balance.await.unwrap());
    for (name, witness) in [("well", &well), ("flapping", &flapping), ("slow", &slow), ("dead", &dead)] {
        let taken = witness.taken();
        let distinct: HashSet<&str> = taken.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(distinct.len(), accepted as usize, "{name}");
        assert_eq!(inversions(&taken), Vec::<String>::new(), "{name}");
    }
    let looks = faults.looks.load(Ordering::SeqCst);
    assert!(looks > 5, "it was looked {looks} times");
    println!(
        "{accepted} events to 4 destinations in {:?}, looked {looks} times: difference 0",
        LASTS * scale()
    );
}

/// Sends the orders of its keys, each key's in order, and between them what nobody can read; how many were accepted.
async fn send(company: Arc<Company>, faults: Arc<Faults>, sender: u32) -> u32 {
    let client = client();
    let mut accepted = 0;
    for number in 1.. {
        for key in (sender..KEYS).step_by(SENDERS as usize) {
            if faults.stop.load(Ordering::SeqCst) {
                return accepted;
            }
            let placed = of_key(key, number);
            while post(&client, &company, "shop", &placed).await != Ok(202) {
                tokio::time::sleep(PAUSE).await;
            }
            accepted += 1;
            if faults.sent.fetch_add(1, Ordering::SeqCst).is_multiple_of(16) {
                let _ = post(&client, &company, "shop", &json!("no event")).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    accepted
}

/// Kills, changes and looks, until the time is over. The last hub still runs.
fn disturb(company: &Company, faults: &Faults, until: Instant) -> Hub {
    let (mut hub, mut turn) = (company.start(), 0_u32);
    loop {
        std::thread::sleep(LOOK_EVERY);
        let looked = Instant::now();
        balanced(&company.balance());
        std::thread::sleep(LOOKED_PART * looked.elapsed());
        faults.looks.fetch_add(1, Ordering::SeqCst);
        if Instant::now() >= until {
            return hub;
        }
        match turn % 5 {
            0 => {
                hub.kill();
                balanced(&company.balance());
                hub = company.start();
            }
            1 => {
                company.route("to-well", "shop", "well", &format!("[map]\norder.note = \"'{turn}'\"\n"));
                let said = company.run(&["reload"]);
                assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
            }
            2 => _ = company.run(&["quarantine", "retry", "--all"]),
            3 => _ = company.run(&["destination", "enable", "dead"]),
            _ => {
                company.write("routes/to-well.toml", "this is no route");
                assert_eq!(company.run(&["reload"]).status.code(), Some(1));
                company.route("to-well", "shop", "well", "");
            }
        }
        turn += 1;
    }
}
