//! Several hubs that share one home: each takes messages and sends, one that is killed loses nothing and no order, and a broker or a
//! database that is away for a while is waited for. The services are shared: each test has a schema and queues of its own.

mod again;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::brokers::until;
use crate::company::{Company, Hub, balanced, get};
use crate::line::{client, post};
use crate::order::{of_key, scale};
use crate::services::{self, postgres};
use crate::wire::{State, Wire};
use crate::witness::{Answer, Seen, Witness, inversions};

#[path = "../services/home.rs"]
mod home;

/// In a run of usual size.
const FAULTS: u32 = 6;

const PARTITIONS: u32 = 8;
const SENDERS: u32 = 8;
const KEYS: u32 = 32;

/// What a lease takes to run out, and a node to take over, several times.
const TAKEN_OVER: Duration = Duration::from_secs(30);

/// A home that is gone when the test is.
struct Shared {
    name: String,
    broker: SocketAddr,
    database: SocketAddr,
}

impl Shared {
    fn new() -> Self {
        let name = format!("test_{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
        Self { name, broker: services::amqp(), database: postgres::shared().address }
    }

    /// A hub of this home, on files of its own.
    fn company(&self, witness: &Witness) -> Company {
        let company = Company::with_orders_to(witness.address);
        self.declare(&company);
        company
    }

    /// It is that company's home from now on.
    fn declare(&self, company: &Company) {
        let postgres::Shared { user, database, .. } = postgres::shared();
        company.write("broker", &format!("amqp://guest:guest@{}/%2F", self.broker));
        let Self { name, database: address, .. } = self;
        company.write("database", &format!("postgresql://{user}@{address}/{database}?sslmode=disable"));
        let hub = std::fs::read_to_string(company.path("hub.toml")).unwrap();
        let home = format!(
            "[home]\nkind = \"cluster\"\nname = \"{name}\"\npartitions = {PARTITIONS}\nbroker = {{ file = \"broker\" }}\n\
             database = {{ file = \"database\" }}\n[retry]"
        );
        company.write("hub.toml", &hub.replace("[retry]", &home));
    }

    /// How many hubs have a part of the work.
    async fn owners(&self) -> usize {
        home::shares(&self.name, postgres::url()).await.len()
    }

    async fn remove(self) {
        let broker = format!("amqp://guest:guest@{}/%2F", services::amqp());
        home::remove(&self.name, PARTITIONS, &broker, postgres::url()).await;
    }
}

/// Starts the hub of a company, and sees that it is this one that answers.
async fn start(doors: &Arc<Vec<Company>>, at: usize) -> Hub {
    let doors = Arc::clone(doors);
    let starting = tokio::task::spawn_blocking(move || {
        let hub = doors[at].start();
        let socket = std::os::unix::net::UnixStream::connect(doors[at].path("data/hub.sock"));
        assert!(socket.is_ok(), "another hub answers at {}", hub.address);
        hub
    });
    starting.await.unwrap()
}

/// What senders were told, and when they are to stop.
#[derive(Default)]
struct Told {
    accepted: AtomicU32,
    unavailable: AtomicU32,
    other: AtomicU32,
    stop: AtomicBool,
    /// Between two orders of one sender.
    pause: Duration,
}

/// Orders of all keys, each key's one after another, by turns through all doors; each until a hub has it.
async fn send(doors: Arc<Vec<Company>>, numbers: std::ops::RangeInclusive<u32>, told: Arc<Told>) {
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (doors, told, numbers) = (Arc::clone(&doors), Arc::clone(&told), numbers.clone());
            tokio::spawn(async move {
                let client = client();
                for number in numbers.take_while(|_| !told.stop.load(Ordering::Relaxed)) {
                    for key in (sender..KEYS).step_by(SENDERS as usize) {
                        let mut door = (number + key) as usize;
                        loop {
                            let placed = of_key(key, number);
                            match post(&client, &doors[door % doors.len()], "shop", &placed).await {
                                Ok(202) => {
                                    told.accepted.fetch_add(1, Ordering::Relaxed);
                                    tokio::time::sleep(told.pause).await;
                                    break;
                                }
                                Ok(503) => _ = told.unavailable.fetch_add(1, Ordering::Relaxed),
                                Ok(_) => _ = told.other.fetch_add(1, Ordering::Relaxed),
                                // This hub is gone.
                                Err(_) => {}
                            }
                            door += 1;
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                    }
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
}

async fn settled(doors: &Arc<Vec<Company>>, events: u32) {
    let doors = Arc::clone(doors);
    let balance = tokio::task::spawn_blocking(move || {
        let begun = Instant::now();
        loop {
            // Messages are counted once they are in the database.
            let balance = doors[0].settled();
            if balance["events"]["decoded"].as_u64() >= Some(u64::from(events))
                || begun.elapsed() > TAKEN_OVER
            {
                return balance;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let balance = balance.await.unwrap();
    balanced(&balance);
    assert_eq!(balance["events"]["routed"], json!(events), "{balance}");
    assert_eq!(balance["fates"]["delivered"], json!(events), "{balance}");
}

/// Nothing lost, nothing out of order, and nothing twice but what was on its way when a hub was killed or cut off.
fn check(taken: &[Seen], events: u32) {
    let distinct: std::collections::HashSet<&str> = taken.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(distinct.len(), events as usize, "lost");
    assert_eq!(inversions(taken), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_hubs_is_killed_and_nothing_is_lost_or_out_of_order() {
    let (witness, shared) = (Witness::start(|_| Answer::ok()).await, Shared::new());
    let doors = Arc::new(vec![shared.company(&witness), shared.company(&witness)]);
    let (first, second) = (start(&doors, 0).await, start(&doors, 1).await);
    // The one that came first gives up a part for the other.
    let begun = Instant::now();
    while shared.owners().await < 2 {
        assert!(begun.elapsed() < TAKEN_OVER, "the second has no part of the work");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let told = Arc::new(Told::default());
    send(Arc::clone(&doors), 1..=10, Arc::clone(&told)).await;
    let sending = tokio::spawn(send(Arc::clone(&doors), 11..=40, Arc::clone(&told)));
    let before = witness.taken().len();
    until("load", || witness.taken().len() > before + 100).await;
    assert_eq!(shared.owners().await, 2, "both work");
    second.kill();
    sending.await.unwrap();

    settled(&doors, KEYS * 40).await;
    check(&witness.taken(), KEYS * 40);
    assert_eq!(told.other.load(Ordering::Relaxed), 0);
    let known = doors[0].json(&["events", "--limit", "3"]);
    assert_eq!(known.len(), 3, "{known:?}");
    let id = known[0]["event"]["id"].as_str().unwrap();
    assert!(doors[1].run(&["explain", id]).status.success());
    first.stop();
    drop(doors);
    shared.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_and_a_database_that_are_away_are_waited_for() {
    let (witness, mut shared) = (Witness::start(|_| Answer::ok()).await, Shared::new());
    let (broker, database) = (Wire::to(shared.broker).await, Wire::to(shared.database).await);
    (shared.broker, shared.database) = (broker.address, database.address);
    let doors = Arc::new(vec![shared.company(&witness)]);
    let hub = start(&doors, 0).await;
    let address = doors[0].address;
    let part = move |name: &str| {
        let (status, body) = get(address, "/readyz").unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        (status, body["parts"][name]["ready"].as_bool().unwrap())
    };

    let told = Arc::new(Told { pause: Duration::from_millis(40), ..Told::default() });
    let sending = tokio::spawn(send(Arc::clone(&doors), 1..=u32::MAX, Arc::clone(&told)));
    until("load", || witness.taken().len() > 50).await;
    broker.cut();
    until("senders are told", || told.unavailable.load(Ordering::Relaxed) > 20).await;
    assert_eq!(part("broker"), (503, false));
    tokio::time::sleep(Duration::from_secs(3)).await;
    broker.mend();
    until("the broker is there", || part("broker") == (200, true)).await;

    let before = witness.taken().len();
    until("work goes on", || witness.taken().len() > before + 50).await;
    database.cut();
    until("it is seen", || !part("database").1).await;
    // The broker takes messages for it.
    let counts = || [&told.unavailable, &told.accepted].map(|count| count.load(Ordering::Relaxed));
    let [refused, accepted] = counts();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(counts()[0], refused, "senders are served meanwhile");
    assert!(counts()[1] > accepted + 20, "{accepted} were accepted before, and {} now", counts()[1]);
    assert_eq!(part("store"), (200, true));
    database.mend();

    let before = witness.taken().len();
    until("work goes on", || witness.taken().len() > before + 50).await;
    told.stop.store(true, Ordering::Relaxed);
    sending.await.unwrap();
    let [_, accepted] = counts();
    settled(&doors, accepted).await;
    check(&witness.taken(), accepted);
    assert_eq!(told.other.load(Ordering::Relaxed), 0);
    hub.stop();
    drop(doors);
    shared.remove().await;
}

/// Of every kind of fault there are some: a hub is killed and started again, the broker or the database is cut off, or does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn hubs_broker_and_database_go_by_turns_and_nothing_is_lost() {
    let (witness, mut shared) = (Witness::start(|_| Answer::ok()).await, Shared::new());
    let (broker, database) = (Wire::to(shared.broker).await, Wire::to(shared.database).await);
    (shared.broker, shared.database) = (broker.address, database.address);
    let doors = Arc::new(vec![shared.company(&witness), shared.company(&witness)]);
    let mut hubs = [Some(start(&doors, 0).await), Some(start(&doors, 1).await)];
    let told = Arc::new(Told { pause: Duration::from_millis(10), ..Told::default() });
    let sending = tokio::spawn(send(Arc::clone(&doors), 1..=u32::MAX, Arc::clone(&told)));

    let faults = FAULTS * scale();
    // After a hub, the broker and the database.
    let mut longest = [Duration::ZERO; 3];
    for fault in 0..faults {
        let (before, begun) = (witness.taken().len(), Instant::now());
        until(&format!("work goes on, fault {fault} is next"), || witness.taken().len() > before + 50).await;
        let waited = &mut longest[(fault + 2) as usize % 3];
        *waited = begun.elapsed().max(*waited);
        let wire = match fault % 3 {
            0 => {
                let at = (fault / 3 % 2) as usize;
                hubs[at].take().expect("it runs").kill();
                hubs[at] = Some(start(&doors, at).await);
                continue;
            }
            1 => &broker,
            _ => &database,
        };
        wire.set(if fault / 3 % 2 == 0 { State::Cut } else { State::Frozen });
        // Now and then for longer than a lease.
        tokio::time::sleep(Duration::from_millis(500) * (1 + fault * 7 % 15)).await;
        wire.mend();
    }
    told.stop.store(true, Ordering::Relaxed);
    sending.await.unwrap();
    let accepted = told.accepted.load(Ordering::Relaxed);
    settled(&doors, accepted).await;
    let taken = witness.taken();
    check(&taken, accepted);
    assert_eq!(told.other.load(Ordering::Relaxed), 0);
    let again = taken.len() - accepted as usize;
    println!(
        "{accepted} accepted, {again} sent once more, after {faults} faults; work went on within {longest:?}"
    );
    hubs.into_iter().flatten().for_each(|hub| _ = hub.stop());
    drop(doors);
    shared.remove().await;
}

/// As when the answer to a commit is lost with the connection: the hub does not know that it is settled.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_already_holds_nothing_up() {
    let slow = Duration::from_secs(2);
    let witness = Witness::start(move |seen| match seen.key.as_str() {
        "c0@example.com" => Answer { after: slow, ..Answer::ok() },
        _ => Answer::ok(),
    });
    let (witness, shared) = (witness.await, Shared::new());
    let doors = Arc::new(vec![shared.company(&witness)]);
    let hub = start(&doors, 0).await;
    let client = client();
    let post = async |placed: &Value| assert_eq!(post(&client, &doors[0], "shop", placed).await, Ok(202));
    post(&of_key(0, 1)).await;
    until("it is under way", || witness.seen().len() == 1).await;
    let sql = format!(
        "UPDATE snodo_{0}.delivery SET fate = 'delivered', settled_at = 1, attempts = 1 \
         WHERE event = (SELECT seq FROM snodo_{0}.event WHERE subject = 'order/0-1') AND fate IS NULL",
        shared.name
    );
    assert_eq!(home::client(postgres::url()).await.execute(&sql, &[]).await.unwrap(), 1);
    tokio::time::sleep(slow).await;
    for number in 1..=3 {
        for key in 1..KEYS {
            post(&of_key(key, number)).await;
        }
    }
    let all = KEYS * 3 - 2;
    until("the others are settled", || doors[0].balance()["fates"]["delivered"] == json!(all)).await;
    assert_eq!(doors[0].balance()["difference"], 0);
    check(&witness.taken(), all);
    hub.stop();
    drop(doors);
    shared.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_of_one_machine_goes_on_in_a_home_of_several() {
    // Of half of the keys nothing is taken yet.
    let is_odd = |key: &str| key.trim_end_matches("@example.com").ends_with(['1', '3', '5', '7', '9']);
    let witness = Witness::start(move |seen| match is_odd(&seen.key) {
        false => Answer::ok(),
        true => Answer::of(StatusCode::SERVICE_UNAVAILABLE),
    })
    .await;
    let shared = Shared::new();
    let doors = Arc::new(vec![Company::with_orders_to(witness.address)]);
    let company = &doors[0];
    let hub = start(&doors, 0).await;
    send(Arc::clone(&doors), 1..=5, Arc::default()).await;
    until("half is delivered", || {
        let balance = company.balance();
        balance["messages"]["pending"] == 0 && balance["fates"]["delivered"] == json!(KEYS / 2 * 5)
    })
    .await;
    assert!(!witness.taken().iter().any(|one| is_odd(&one.key)));
    hub.stop();
    let before = company.balance();
    assert_eq!(before["in_flight"], json!(KEYS / 2 * 5));

    let local = std::fs::read_to_string(company.path("hub.toml")).unwrap();
    let told = |args: &[&str]| {
        let output = company.run(args);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, refused) = told(&["promote"]);
    assert_eq!(code, Some(3));
    assert!(refused.contains("declare the one to move to"), "{refused}");
    shared.declare(company);
    let (code, refused) = told(&["run"]);
    assert_eq!(code, Some(3));
    assert!(refused.contains("snodo promote"), "{refused}");
    let moved = company.json(&["promote"]).remove(0);
    assert_eq!(moved["rows"]["event"], json!(KEYS * 5), "{moved}");
    assert_eq!(moved["rows"]["delivery"], json!(KEYS * 5), "{moved}");
    assert_eq!(company.balance(), before);
    let (code, refused) = told(&["promote"]);
    assert_eq!(code, Some(3));
    assert!(refused.contains("was moved into the home"), "{refused}");

    let hub = start(&doors, 0).await;
    witness.answer(|_| Answer::ok());
    // Told once more, the same: known from the time before.
    send(Arc::clone(&doors), 5..=6, Arc::default()).await;
    until("all is delivered", || company.balance()["fates"]["delivered"] == json!(KEYS * 6)).await;
    let after = company.settled();
    assert_eq!(after["fates"]["duplicate"], json!(KEYS), "{after}");
    assert_eq!(after["difference"], 0);
    check(&witness.taken(), KEYS * 6);
    hub.stop();

    company.write("hub.toml", &local);
    let (code, refused) = told(&["run"]);
    assert_eq!(code, Some(3));
    assert!(refused.contains("was moved into the home"), "{refused}");
    shared.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_taken_in_by_one_hub_at_a_time_and_by_another_when_that_is_gone() {
    let (witness, shared) = (Witness::start(|_| Answer::ok()).await, Shared::new());
    let share = tempfile::tempdir().unwrap();
    let doors = Arc::new(vec![shared.company(&witness), shared.company(&witness)]);
    for company in doors.iter() {
        let folder = share.path().display();
        let receive = format!("[receive]\ntransport = \"file\"\nfolder = \"{folder}\"\nsettle = \"100ms\"\n");
        company.channel("drop", &format!("connector = \"canonical\"\n{receive}"));
        company.route("dropped", "drop", "crm", "");
    }
    let (first, second) = (start(&doors, 0).await, start(&doors, 1).await);
    let drop_in = |numbers: std::ops::RangeInclusive<u32>| {
        for number in numbers {
            let placed = of_key(number, 1).to_string();
            std::fs::write(share.path().join(format!("{number}.json")), placed).unwrap();
        }
    };
    // Read twice, an event would be a duplicate.
    let balance = || {
        let balance = doors[1].balance();
        (balance["fates"]["delivered"].as_u64().unwrap(), balance["events"]["decoded"].as_u64().unwrap())
    };
    drop_in(1..=20);
    until("the first takes them", || balance() == (20, 20)).await;
    first.kill();
    drop_in(21..=40);
    until("the second takes the rest", || balance() == (40, 40)).await;
    check(&witness.taken(), 40);
    second.stop();
    drop(doors);
    shared.remove().await;
}
