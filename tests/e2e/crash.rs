//! A hub that is killed at random moments under load has lost nothing that it accepted, and sends nothing twice but what was on
//! its way at a kill, under the same id. `SNODO_TEST_SCALE` multiplies the kills.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use snodo_store::{Filter, Store};

use crate::company::{Company, balanced};
use crate::line::{client, order, post};
use crate::order::scale;
use crate::receiver::Receiver;

/// In a run of usual size.
const KILLS: u32 = 50;

/// Senders at one time.
const SENDERS: u32 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn kills_under_load_lose_nothing() {
    let receiver = Receiver::start().await;
    let company = Arc::new(Company::with_orders_to(receiver.address));

    let stop = Arc::new(AtomicBool::new(false));
    let next = Arc::new(AtomicU32::new(1));
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| tokio::spawn(send(Arc::clone(&company), Arc::clone(&stop), Arc::clone(&next))))
        .collect();
    // How often each event was on its way when the hub was killed.
    let mut unsettled: HashMap<String, usize> = HashMap::new();
    let mut moment = 0x2545_f491_u64;
    let kills = KILLS * scale();
    for _ in 0..kills {
        let hub = {
            let company = Arc::clone(&company);
            tokio::task::spawn_blocking(move || company.start()).await.unwrap()
        };
        // xorshift: the same moments in every run, none of them special.
        moment ^= moment << 13;
        moment ^= moment >> 7;
        moment ^= moment << 17;
        tokio::time::sleep(Duration::from_millis(20 + moment % 180)).await;
        hub.kill();
        for id in in_flight(&company) {
            *unsettled.entry(id).or_default() += 1;
        }
    }
    stop.store(true, Ordering::SeqCst);
    let mut accepted = HashSet::new();
    for sender in senders {
        accepted.extend(sender.await.unwrap());
    }
    assert!(accepted.len() > kills as usize, "only {} orders were accepted: that is no load", accepted.len());

    let hub = company.start();
    let balance = company.settled();
    hub.stop();
    balanced(&balance);

    let taken: Vec<(String, String)> = receiver
        .taken()
        .into_iter()
        .map(|one| (one.body["data"]["order"]["id"].as_str().unwrap().to_owned(), one.id))
        .collect();
    let found = wrongs(&accepted, &taken, &unsettled);
    assert!(found.is_empty(), "{} of {} orders: {found:?}", found.len(), accepted.len());
    let distinct: HashSet<&String> = taken.iter().map(|(_, id)| id).collect();
    println!(
        "{} accepted, {} delivered, {} of them repeated after {kills} kills",
        accepted.len(),
        taken.len(),
        taken.len() - distinct.len()
    );

    // The check itself sees one that is missing, one too many, and one that has another id.
    let (order, id) = taken.iter().find(|(_, id)| !unsettled.contains_key(event_of(id))).unwrap();
    let without: Vec<_> = taken.iter().filter(|(one, _)| one != order).cloned().collect();
    let twice: Vec<_> = taken.iter().cloned().chain([(order.clone(), id.clone())]).collect();
    let renamed: Vec<_> =
        taken.iter().cloned().chain([(order.clone(), "another.orders".to_owned())]).collect();
    for doctored in [without, twice, renamed] {
        assert_eq!(wrongs(&accepted, &doctored, &unsettled).len(), 1);
    }
}

fn event_of(id: &str) -> &str {
    id.split('.').next().expect("a split has a first part")
}

/// What is wrong with what was taken, as orders and the ids that they came under: lost, under several ids, or more often than it was
/// on its way at a kill.
fn wrongs(
    accepted: &HashSet<u32>,
    taken: &[(String, String)],
    unsettled: &HashMap<String, usize>,
) -> Vec<String> {
    let mut ids: HashMap<&str, HashSet<&str>> = HashMap::new();
    let mut times: HashMap<&str, usize> = HashMap::new();
    for (order, id) in taken {
        ids.entry(order).or_default().insert(id);
        *times.entry(event_of(id)).or_default() += 1;
    }
    let lost = accepted.iter().filter(|order| !ids.contains_key(order.to_string().as_str()));
    let renamed = ids.iter().filter(|(_, ids)| ids.len() > 1);
    let repeated = times
        .iter()
        .filter(|(event, times)| **times > 1 + unsettled.get(**event).copied().unwrap_or_default());
    lost.map(|order| format!("{order} was lost"))
        .chain(renamed.map(|(order, ids)| format!("{order} came under {ids:?}")))
        .chain(repeated.map(|(event, times)| format!("{event} came {times} times")))
        .collect()
}

/// The events that the dead hub's store has on their way.
fn in_flight(company: &Company) -> Vec<String> {
    let store = Store::open_read_only(company.path("data")).unwrap();
    let filter = Filter { fate: Some(None), limit: usize::MAX, ..Filter::default() };
    store.events(&filter).unwrap().into_iter().map(|row| row.event.id.to_string()).collect()
}

/// Sends orders until told to stop; those the hub said it has.
async fn send(company: Arc<Company>, stop: Arc<AtomicBool>, next: Arc<AtomicU32>) -> Vec<u32> {
    let client = client();
    let mut accepted = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let id = next.fetch_add(1, Ordering::SeqCst);
        match post(&client, &company, "shop", &order(id, &format!("c{}@example.com", id % 97))).await {
            Ok(202) => accepted.push(id),
            // The hub is away: a sender would come back later, and so do we.
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
    accepted
}
