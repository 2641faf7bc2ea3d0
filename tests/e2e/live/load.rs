//! Twenty changes under the load of several senders: each event arrives once at each destination that was declared when the hub routed
//! it, and nowhere else.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use snodo_core::Timestamp;
use snodo_store::{Filter, Order, Store};

use super::{is_at_work, until};
use crate::company::{Company, balanced};
use crate::line::order;
use crate::receiver::Receiver;
use crate::senders::Senders;

const SENDERS: u32 = 6;

/// Five changes, four times over.
const ROUNDS: u32 = 4;

/// What is added and removed, and what is always there.
const MAIN: &str = "crm";
const AUDIT: &str = "audit";

fn now() -> Timestamp {
    snodo::clock::now()
}

/// When the audit came or went: it was at work, or not, somewhere between the two times.
struct Turn {
    begun: Timestamp,
    ended: Timestamp,
    is_on: bool,
}

/// Whether an event that was routed at that time is to go to the audit. `None` while that was changing.
fn is_audited(turns: &[Turn], at: Timestamp) -> Option<bool> {
    match turns.iter().rev().find(|turn| turn.begun <= at) {
        Some(turn) if at <= turn.ended => None,
        Some(turn) => Some(turn.is_on),
        None => Some(false),
    }
}

/// What is wrong with what arrived where, by event: how often at each destination.
fn wrongs(
    routed: &BTreeMap<String, Timestamp>,
    arrived: &HashMap<(String, &'static str), usize>,
    turns: &[Turn],
) -> Vec<String> {
    let mut wrongs = Vec::new();
    for (id, at) in routed {
        let times = |place| arrived.get(&(id.clone(), place)).copied().unwrap_or(0);
        if times(MAIN) != 1 {
            wrongs.push(format!("{id}: {} times at {MAIN}", times(MAIN)));
        }
        let fits = match is_audited(turns, *at) {
            Some(is_on) => times(AUDIT) == usize::from(is_on),
            None => times(AUDIT) <= 1,
        };
        if !fits {
            wrongs.push(format!("{id}: {} times at {AUDIT}", times(AUDIT)));
        }
    }
    let known: BTreeSet<&String> = routed.keys().collect();
    wrongs.extend(
        arrived.keys().filter(|(id, _)| !known.contains(id)).map(|(id, _)| format!("{id}: from nowhere")),
    );
    wrongs
}

fn write_crm(company: &Company, receiver: &Receiver) {
    company.channel(
        MAIN,
        &format!(
            "connector = \"webhook\"\n[send]\ntransport = \"http\"\nhosts = [\"127.0.0.1\"]\nprivate_networks = true\n\
             concurrent = 16\nsign.scheme = \"none\"\nauth = {{ scheme = \"bearer\", token = {{ file = \"token\" }} }}\n\
             [config]\nurl = \"http://{}/\"\n",
            receiver.address
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_changes_under_load_lose_nothing_and_send_nothing_twice() {
    let (one, other, audit) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let company = Arc::new(Company::new());
    company.canonical_in("shop");
    company.write("token", "token-0\n");
    write_crm(&company, &one);
    company.route("orders", "shop", MAIN, "");
    let hub = company.start();

    let senders = Senders::start(&company, SENDERS, "shop", |number| {
        order(number, &format!("customer-{}@example.com", number % 97))
    });
    let (of_changes, sent) = (Arc::clone(&company), Arc::clone(&senders.begun));
    let (first, second, third) = (one.clone(), other.clone(), audit.clone());
    let changing = move || {
        let company = of_changes;
        let mut turns: Vec<Turn> = Vec::new();
        let mut change = |write: &dyn Fn(), by: &str, turn: Option<bool>| {
            let begun = now();
            write();
            match by {
                "reload" => {
                    let output = company.run(&["reload"]);
                    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
                }
                // Nobody says a word.
                _ => until("the change is at work", || is_at_work(&company)),
            }
            turns.extend(turn.map(|is_on| Turn { begun, ended: now(), is_on }));
            let before = sent.load(Ordering::SeqCst);
            until("load between any two changes", || sent.load(Ordering::SeqCst) >= before + 3 * SENDERS);
        };
        until("an event before any change", || company.balance()["events"]["routed"] != 0);
        for round in 0..ROUNDS {
            // Every other round the hub finds out by itself.
            let by = if round % 2 == 0 { "reload" } else { "look" };
            let add = || {
                company.webhook_out(AUDIT, third.address);
                company.route("to-audit", "shop", AUDIT, "");
            };
            let remove = || {
                std::fs::remove_file(company.path("routes/to-audit.toml")).unwrap();
                std::fs::remove_file(company.path("channels/audit.toml")).unwrap();
            };
            let map = format!("[map]\norder.note = \"'round {round}'\"\n");
            let place = if round % 2 == 0 { &second } else { &first };
            change(&add, by, Some(true));
            change(&|| company.route("orders", "shop", MAIN, &map), by, None);
            change(&|| write_crm(&company, place), by, None);
            change(&|| company.write("token", &format!("token-{}\n", round + 1)), by, None);
            change(&remove, by, Some(false));
        }
        turns
    };
    let turns = tokio::task::spawn_blocking(changing).await.unwrap();
    let accepted = senders.stop().await as usize;
    let balance = company.settled();
    let log = hub.stop();
    assert!(!log.contains("token-") && !log.contains("panicked"), "{log}");
    balanced(&balance);

    let store = Store::open_read_only(company.path("data")).unwrap();
    let filter = Filter { limit: usize::MAX >> 1, order: Order::OldestFirst, ..Filter::default() };
    let routed: BTreeMap<String, Timestamp> = store
        .events(&filter)
        .unwrap()
        .into_iter()
        .map(|row| (row.event.id.to_string(), row.accepted))
        .collect();
    assert_eq!(routed.len(), accepted);
    let mut arrived: HashMap<(String, &'static str), usize> = HashMap::new();
    for (receiver, place) in [(&one, MAIN), (&other, MAIN), (&audit, AUDIT)] {
        for taken in receiver.taken() {
            *arrived.entry((taken.body["id"].as_str().unwrap().to_owned(), place)).or_default() += 1;
        }
    }
    let found = wrongs(&routed, &arrived, &turns);
    assert!(found.is_empty(), "{} of {accepted}: {:?}", found.len(), &found[..found.len().min(9)]);
    let audited = arrived.keys().filter(|(_, place)| *place == AUDIT).count();
    assert!(audited > 0 && audited < accepted && !one.taken().is_empty() && !other.taken().is_empty());
    let both = [one.taken(), other.taken()].concat();
    let seen = |of: &dyn Fn(&crate::receiver::Received) -> String| -> BTreeSet<String> {
        both.iter().map(of).collect()
    };
    let tokens = seen(&|taken| taken.headers["authorization"].to_str().unwrap().to_owned());
    let notes = seen(&|taken| taken.body["data"]["order"]["note"].to_string());
    assert_eq!(
        (tokens.len(), notes.len()),
        (1 + ROUNDS as usize, 1 + ROUNDS as usize),
        "{tokens:?} {notes:?}"
    );

    // The comparison itself sees one that is missing, one too many, and one in the wrong place.
    let is_elsewhere = |at: &Timestamp| is_audited(&turns, *at) == Some(false);
    let (some, _) = routed.iter().find(|(_, at)| is_elsewhere(at)).unwrap();
    for (place, times) in [(MAIN, 0), (MAIN, 2), (AUDIT, 1)] {
        let mut doctored = arrived.clone();
        doctored.insert((some.clone(), place), times);
        assert_eq!(wrongs(&routed, &doctored, &turns).len(), 1, "{place} {times}");
    }
    println!("{accepted} events over {} changes, {audited} of them audited", 5 * ROUNDS);
}
