//! Several nodes share the work, keep the order of each lane between them, and take over from one that is gone.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use snodo_cluster::{Cluster, Options};
use snodo_core::{Fate, Lane, Stuck};
use snodo_store::{Decoding, EventSeq, MessageSeq, NewDelivery, NewEvent, NewVerdict, Recorded, StoreError};

use crate::bench::node;
use crate::services::{Name, amqp_url, database, postgres_url, runtime, until, wait};
use crate::values::*;
use crate::wire::{State, Wire};
use crate::work::{Log, Worker, by_lane, decode};

const SOON: Duration = Duration::from_secs(30);

/// Twice a lease, and what it takes to notice.
const TAKEN_OVER_WITHIN: Duration = Duration::from_secs(15);

pub fn called(who: &str) -> Options {
    Options { node: who.into(), ..Options::default() }
}

/// A node whose wires can be cut.
pub struct Wired {
    pub node: Cluster,
    pub amqp: Wire,
    pub postgres: Wire,
}

impl Wired {
    pub fn open(name: &Name, who: &str) -> Self {
        let (amqp, postgres) = (Wire::to(&amqp_url()), Wire::to(&postgres_url()));
        let (broker, database) = (amqp.url(&amqp_url()), postgres.url(&postgres_url()));
        let node = node(name, Options { broker, database, ..called(who) });
        Self { node, amqp, postgres }
    }

    /// As if the machine had lost its power: nobody says goodbye.
    pub fn kill(&self) {
        self.amqp.set(State::Cut);
        self.postgres.set(State::Cut);
    }
}

pub fn holds(node: &Cluster, partitions: usize) {
    until(&format!("a node holds {partitions} partitions"), SOON, || node.partitions().len() == partitions);
}

/// Messages `from..to` of each of these channels, one after another.
fn accept(nodes: &[&Cluster], channels: &[&str], numbers: std::ops::Range<u32>) {
    for number in numbers {
        for (at, channel) in channels.iter().enumerate() {
            let node = nodes[at % nodes.len()];
            let now = snodo_core::Timestamp::from_millis(START);
            wait(node.accept(message(channel, &number.to_string(), now))).unwrap();
        }
    }
}

const CHANNELS: [&str; 8] = ["shop", "till", "web", "app", "mall", "fair", "kiosk", "desk"];

#[track_caller]
fn assert_whole_and_in_order(log: &Log, numbers: u32) {
    let lanes = by_lane(log);
    assert_eq!(lanes.len(), CHANNELS.len());
    for (lane, sent) in lanes {
        assert_eq!(sent, (0..numbers).collect::<Vec<_>>(), "lane {lane}");
    }
}

fn delivered(node: &Cluster) -> i64 {
    node.tally().map_or(0, |tally| tally.fates[Fate::Delivered])
}

#[test]
fn two_nodes_share_the_work_and_a_rolling_restart_loses_nothing() {
    let name = Name::new(6);
    let a = node(&name, called("a"));
    holds(&a, 6);
    let b = node(&name, called("b"));
    holds(&a, 3);
    holds(&b, 3);
    let both: HashSet<i32> = a.partitions().into_iter().chain(b.partitions()).collect();
    assert_eq!(both.len(), 6, "each partition has one node");

    let log = Log::default();
    let at_a = Worker::start("a", a.clone(), Arc::clone(&log));
    let at_b = Worker::start("b", b.clone(), Arc::clone(&log));
    accept(&[&a, &b], &CHANNELS, 0..20);
    until("all is delivered", SOON, || delivered(&a) == 160);
    let workers: HashSet<&str> = log.lock().unwrap().iter().map(|(_, _, who)| *who).collect();
    assert_eq!(workers.len(), 2, "both have sent something");
    assert_eq!(log.lock().unwrap().len(), 160, "nothing is sent twice when nothing fails");

    // Another comes, and the first goes, while the work goes on.
    let c = node(&name, called("c"));
    let at_c = Worker::start("c", c.clone(), Arc::clone(&log));
    accept(&[&b, &c], &CHANNELS, 20..30);
    drop(at_a);
    let began = Instant::now();
    wait(a.close());
    accept(&[&b, &c], &CHANNELS, 30..40);
    until("all is delivered", SOON, || delivered(&b) == 320);
    holds(&b, 3);
    holds(&c, 3);
    assert!(began.elapsed() < SOON);
    assert_whole_and_in_order(&log, 40);
    let audit = b.audit().unwrap();
    assert!(audit.agrees() && audit.counted.difference() == 0, "{audit:?}");
    drop((at_b, at_c));
    wait(async { tokio::join!(b.close(), c.close()) });
}

#[test]
fn what_a_killed_node_held_moves_within_seconds() {
    let name = Name::new(6);
    let (a, b) = (Wired::open(&name, "a"), node(&name, called("b")));
    holds(&a.node, 3);
    holds(&b, 3);
    let log = Log::default();
    let at_a = Worker::start("a", a.node.clone(), Arc::clone(&log));
    let at_b = Worker::start("b", b.clone(), Arc::clone(&log));
    let (feeder, numbers) = (b.clone(), 60);
    let feeding = std::thread::spawn(move || accept(&[&feeder], &CHANNELS, 0..numbers));
    until("the work is under way", SOON, || delivered(&b) > 60);
    a.kill();
    let killed = Instant::now();
    until("the other node holds all partitions", TAKEN_OVER_WITHIN, || b.partitions().len() == 6);
    println!("taken over after {:?}", killed.elapsed());
    feeding.join().unwrap();
    until("all is delivered", SOON, || delivered(&b) == i64::from(numbers) * 8);
    assert_whole_and_in_order(&log, numbers);
    assert!(log.lock().unwrap().iter().any(|(_, _, who)| *who == "a"), "the killed node had worked");
    let audit = b.audit().unwrap();
    assert!(audit.agrees(), "{audit:?}");
    assert_eq!(audit.counted.messages.accepted, i64::from(numbers) * 8);
    drop((at_a, at_b));
    wait(b.close());
}

/// One lane with two deliveries, recorded by that node.
fn two_in_a_lane(at: &Cluster, channel: &str) {
    for number in ["0", "1"] {
        wait(at.accept(message(channel, number, snodo_core::Timestamp::from_millis(START)))).unwrap();
    }
    let mut decoded = 0;
    until("both are decoded", SOON, || {
        decoded += decode(at).unwrap();
        decoded == 2
    });
}

fn claim(node: &Cluster) -> Vec<snodo_store::Due> {
    node.fresh(&name("crm"), MANY, MANY).unwrap_or_default().into_iter().chain(back(node)).collect()
}

fn back(node: &Cluster) -> Vec<snodo_store::Due> {
    let (destination, out) = (name("crm"), HashSet::new());
    let now = snodo_core::Timestamp::from_millis(i64::MAX - 1);
    let (limit, bytes_max) = (MANY, MANY);
    let claim = snodo_store::Claim {
        destination: &destination,
        marks: Default::default(),
        out: &out,
        now,
        limit,
        bytes_max,
    };
    let found = node.claim(&claim).unwrap_or_default();
    found.into_iter().filter(|due| !due.fresh).collect()
}

#[test]
fn what_a_cut_off_node_did_under_a_lost_lease_counts_for_nothing() {
    let name = Name::new(1);
    let a = Wired::open(&name, "a");
    holds(&a.node, 1);
    let b = node(&name, called("b"));
    two_in_a_lane(&a.node, "shop");
    let first = claim(&a.node);
    assert_eq!(first.len(), 1, "the second waits for the first");

    // A request is under way at `a`, which can reach nobody any more.
    a.postgres.set(State::Frozen);
    a.amqp.set(State::Cut);
    let frozen = Instant::now();
    holds(&b, 1);
    let waited = frozen.elapsed();
    assert!(waited >= Duration::from_secs(4), "the lease had not run out: {waited:?}");
    let same = claim(&b);
    assert_eq!(same.iter().map(|due| due.seq).collect::<Vec<_>>(), [first[0].seq]);

    // `a` is back, and has been answered: but what it was answered is not what counts.
    a.postgres.set(State::Whole);
    until("the database is reached again", SOON, || a.node.tally().is_ok());
    let late =
        snodo_store::Settled { record: Some("\"a\"".into()), ..settled(&first[0], finally(Fate::Dead)) };
    until("the lease is known to be lost", SOON, || a.node.partitions().is_empty());
    let told = a.node.settle_blocking(vec![late]);
    // It is left out, or refused if the node has not put down yet what it had in hand.
    assert!(matches!(told, Ok(()) | Err(StoreError::Settled(_))), "{told:?}");
    assert!(claim(&b).iter().all(|due| due.seq == first[0].seq), "the next waits for what `b` is sending");
    let record =
        snodo_store::Settled { record: Some("\"b\"".into()), ..settled(&same[0], finally(Fate::Delivered)) };
    b.settle_blocking(vec![record]).unwrap();
    let trail = b.trail(EventSeq(1)).unwrap().unwrap();
    assert_eq!(trail.deliveries[0].delivery.fate, Some(Fate::Delivered));
    assert_eq!(trail.deliveries[0].attempts, ["\"b\""]);
    assert_eq!(claim(&b).len(), 1, "now the second may go");
    wait(b.close());
}

#[test]
fn what_the_database_says_of_a_lease_counts() {
    let name = Name::new(1);
    let a = node(&name, called("a"));
    holds(&a, 1);
    two_in_a_lane(&a, "shop");
    let first = claim(&a).remove(0);
    wait(a.accept(message("shop", "2", snodo_core::Timestamp::from_millis(START)))).unwrap();
    let shop = crate::values::name("shop");
    until("a third waits", SOON, || a.pending_messages(&shop, MessageSeq(0), MANY, MANY).unwrap().len() == 1);
    let (seq, _) = a.pending_messages(&shop, MessageSeq(0), MANY, MANY).unwrap().remove(0);

    // Another has it, and `a` has not heard of it yet.
    let taken = format!("UPDATE {}.lease SET owner = 'another', epoch = epoch + 1", name.schema());
    let before = a.tally().unwrap();
    wait(async { database().await.batch_execute(&taken).await.unwrap() });
    let settled = a.settle_blocking(vec![settled(&first, finally(Fate::Delivered))]);
    let nothing = vec![Recorded { message: seq, result: Decoding::Decoded(vec![]) }];
    let recorded = a.record_blocking(nothing, a.facts(&[]).unwrap().as_of);
    // It may have been heard of in this moment: then what was claimed under the lease is left out.
    assert!(matches!(settled, Ok(()) | Err(StoreError::Settled(_))), "{settled:?}");
    assert!(matches!(recorded, Err(StoreError::Settled(_))), "{recorded:?}");
    assert_eq!(a.tally().unwrap(), before, "nothing was written");
    until("it is heard of", SOON, || a.partitions().is_empty());
    wait(a.close());
}

#[test]
fn what_another_node_has_left_is_found_behind_the_marks() {
    let name = Name::new(2);
    let a = node(&name, called("a"));
    holds(&a, 2);
    accept(&[&a], &CHANNELS, 0..1);
    let mut decoded = 0;
    until("all are decoded", SOON, || {
        decoded += decode(&a).unwrap();
        decoded == 8
    });
    let b = node(&name, called("b"));
    holds(&b, 1);
    let (destination, out) = (crate::values::name("crm"), HashSet::new());
    let claim = |node: &Cluster, marks| {
        let (limit, bytes_max, now) = (MANY, MANY, snodo_core::Timestamp::from_millis(START));
        let claim = snodo_store::Claim { destination: &destination, marks, out: &out, now, limit, bytes_max };
        let seqs: Vec<_> = node.claim(&claim).unwrap().iter().map(|due| due.seq).collect();
        seqs
    };
    let mine = claim(&b, Default::default());
    assert!(!mine.is_empty() && mine.len() < 8, "each node has some of the eight lanes: {mine:?}");
    // Whoever claims at `b` has come past all there is.
    let marks = [snodo_store::DeliverySeq(8); 4];
    assert_eq!(claim(&b, marks), []);
    wait(a.close());
    holds(&b, 2);
    let rest = claim(&b, marks);
    assert_eq!(rest.len(), 8 - mine.len(), "what `a` has left is behind the marks");
    assert_eq!(claim(&b, marks), [], "and is handed out once");
    wait(b.close());
}

#[test]
fn a_partition_is_not_given_up_while_something_of_it_is_under_way() {
    let name = Name::new(1);
    let a = Wired::open(&name, "a");
    holds(&a.node, 1);
    let b = node(&name, called("b"));
    two_in_a_lane(&a.node, "shop");
    let first = claim(&a.node).remove(0);
    // The broker is away for `a` only: `b` is the one to work now, but `a` still waits for an answer.
    a.amqp.set(State::Cut);
    until("nothing more is claimed", SOON, || a.node.partitions().is_empty());
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(b.partitions(), [] as [i32; 0], "longer than a lease, and still another node's");
    a.node.settle_blocking(vec![settled(&first, finally(Fate::Delivered))]).unwrap();
    let began = Instant::now();
    holds(&b, 1);
    assert!(began.elapsed() < Duration::from_secs(5), "it is given up at once: {:?}", began.elapsed());
    assert_eq!(claim(&b).iter().map(|due| due.event.id).collect::<Vec<_>>(), [id("shop/1")]);
    wait(b.close());
}

#[test]
fn a_message_whose_acknowledgement_is_lost_is_there_once() {
    let name = Name::new(1);
    let a = Wired::open(&name, "a");
    holds(&a.node, 1);
    let b = node(&name, called("b"));
    a.amqp.set(State::Mute);
    wait(b.accept(message("shop", "0", snodo_core::Timestamp::from_millis(START)))).unwrap();
    let waiting = |node: &Cluster| {
        node.pending_messages(&crate::values::name("shop"), MessageSeq(0), MANY, MANY).unwrap()
    };
    until("it is in the database", SOON, || waiting(&a.node).len() == 1);
    a.kill();
    holds(&b, 1);
    // The broker hands it over again: what comes after it is behind it in the queue.
    wait(b.accept(message("shop", "1", snodo_core::Timestamp::from_millis(START)))).unwrap();
    until("the next is in the database", SOON, || waiting(&b).len() >= 2);
    let bodies: Vec<Vec<u8>> = waiting(&b).into_iter().map(|(_, message)| message.body.to_vec()).collect();
    assert_eq!(bodies, [b"0", b"1"]);
    let tally = b.audit().unwrap();
    assert!(tally.agrees() && tally.counted.messages.accepted == 2, "{tally:?}");
    wait(b.close());
}

#[test]
fn nodes_that_record_the_same_event_at_once_record_it_once() {
    let name = Name::new(4);
    let (a, b) = (node(&name, called("a")), node(&name, called("b")));
    holds(&a, 2);
    holds(&b, 2);
    // A channel that each of them decodes.
    let channel_of = |node: &Cluster| {
        let mine = CHANNELS.iter().find(|channel| {
            let partition = Lane::of(channel).0.rem_euclid(4);
            node.partitions().contains(&i32::try_from(partition).unwrap())
        });
        *mine.expect("eight channels fall into more than two of four partitions")
    };
    let channels = [channel_of(&a), channel_of(&b)];
    let decode_alike = |node: &Cluster, channel: &str| {
        let channel = crate::values::name(channel);
        let mut left = 30;
        until("all are decoded", SOON, || {
            for (seq, message) in node.pending_messages(&channel, MessageSeq(0), 1, MANY).unwrap() {
                let number = String::from_utf8(message.body.to_vec()).unwrap();
                let to = NewDelivery { lane: Some(Lane::of("one")), stuck: Stuck::Block, ..delivery("crm") };
                let new = NewEvent { verdict: NewVerdict::Routed(vec![to]), ..event(&number, "same") };
                let batch = vec![Recorded { message: seq, result: Decoding::Decoded(vec![new]) }];
                node.record_blocking(batch, node.facts(&[]).unwrap().as_of).unwrap();
                left -= 1;
            }
            left == 0
        });
    };
    accept(&[&a], &channels, 0..30);
    std::thread::scope(|scope| {
        scope.spawn(|| decode_alike(&a, channels[0]));
        scope.spawn(|| decode_alike(&b, channels[1]));
    });
    let audit = a.audit().unwrap();
    assert!(audit.agrees(), "{audit:?}");
    let events = audit.counted.events;
    assert_eq!((events.routed, events.duplicate, events.quarantined), (30, 30, 0));
    wait(async { tokio::join!(a.close(), b.close()) });
}

#[test]
fn a_turn_is_one_node_s_and_is_lost_before_another_has_it() {
    let name = Name::new(1);
    let (a, b) = (Wired::open(&name, "a"), node(&name, called("b")));
    let turn = wait(a.node.turn("poll/orders"));
    let other = wait(a.node.turn("poll/customers"));
    assert!(!turn.is_lost() && !other.is_lost());
    let asked = runtime().spawn({
        let b = b.clone();
        async move { b.turn("poll/orders").await }
    });
    std::thread::sleep(Duration::from_secs(2));
    assert!(!asked.is_finished(), "it is another's turn");
    a.postgres.set(State::Frozen);
    wait(async { tokio::time::timeout(Duration::from_secs(8), turn.lost()).await }).expect("it is told");
    assert!(!asked.is_finished(), "nobody has it before");
    a.postgres.set(State::Cut);
    let taken = wait(async { tokio::time::timeout(SOON, asked).await }).expect("it is given on").unwrap();
    drop(taken);
    // Given back, it can be had again.
    wait(async { tokio::time::timeout(SOON, b.turn("poll/orders")).await }).expect("it was given back");
    wait(b.close());
}
