//! What the home costs on this machine: messages accepted, decoded to one event with one delivery each, and settled. Prints the rate of each
//! step. Takes the URLs of the database and of the broker, and how many messages. Leaves a home called `cost_` and a number behind, to be
//! looked into: remove its schema and its queues afterwards.
//!
//!     cargo run --release -p snodo-cluster --example cost -- postgresql://… amqp://… 20000

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use snodo_cluster::{Cluster, Options};
use snodo_core::message::Envelope;
use snodo_core::{ChannelName, Class, Event, EventId, Fate, Lane, Message, MessageId, Stuck, Timestamp};
use snodo_store::{
    Claim, Decoding, MessageSeq, NewDelivery, NewEvent, NewVerdict, Recorded, Settled, Settlement,
};

/// Senders at one time, as a busy door has them.
const SENDERS: usize = 64;
/// As many as the hub's intake and outbox take in one batch.
const BATCH: usize = 200;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, database, broker, count] = &arguments[..] else { panic!("two URLs and a number are needed") };
    let count: usize = count.parse().expect("the third is a number");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("there are threads");
    let name = format!("cost_{}", std::process::id());
    let options = Options {
        name,
        database: database.clone(),
        broker: broker.clone(),
        partitions: 4,
        ..Options::default()
    };
    let home = runtime.block_on(Cluster::open(options)).expect("the home opens");
    while home.partitions().len() < 4 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let shop: ChannelName = "shop".parse().expect("it is a name");
    report("accepted", count, || {
        runtime.block_on(async {
            let sending = (0..count).map(|at| home.accept(message(&shop, at)));
            futures_util::stream::iter(sending)
                .buffer_unordered(SENDERS)
                .for_each(async |accepted| accepted.expect("it is accepted"))
                .await;
        });
    });
    report("recorded", count, || decode(&home, &shop, count));
    report("settled", count, || settle(&home, count));
    let audit = home.audit().expect("the ledger can be read");
    assert!(audit.agrees() && audit.counted.fates[Fate::Delivered] == i64::try_from(count).expect("it fits"));
    runtime.block_on(home.close());
}

fn report(what: &str, count: usize, work: impl FnOnce()) {
    let began = Instant::now();
    work();
    println!("{what}: {:.0} a second", count as f64 / began.elapsed().as_secs_f64());
}

fn message(channel: &ChannelName, at: usize) -> Message {
    let received = Timestamp::from_millis(1_700_000_000_000);
    let body = format!("{at:0>1024}").into();
    Message {
        id: MessageId::new(received, at as u128),
        channel: channel.clone(),
        received,
        envelope: Envelope::default(),
        body,
    }
}

fn decode(home: &Cluster, channel: &ChannelName, count: usize) {
    let mut left = count;
    while left > 0 {
        let waiting =
            home.pending_messages(channel, MessageSeq(0), BATCH, 1 << 20).expect("they can be read");
        left -= waiting.len();
        let batch: Vec<Recorded> =
            waiting.into_iter().map(|(seq, message)| recorded(seq, &message)).collect();
        if !batch.is_empty() {
            let as_of = home.facts(&[]).expect("they can be read").as_of;
            home.record_blocking(batch, as_of).expect("they are recorded");
        }
    }
}

fn recorded(seq: MessageSeq, message: &Message) -> Recorded {
    let key = seq.to_string();
    let delivery = NewDelivery {
        route: "to-crm".parse().expect("it is a name"),
        destination: "crm".parse().expect("it is a name"),
        ordering_key: Some(key.clone()),
        lane: Some(Lane::of(&key)),
        stuck: Stuck::Block,
        class: Class::Service,
        purpose: None,
        fate: None,
    };
    let event = Event {
        id: EventId::of_key("snodo://acme/shop", &key, message.received),
        kind: "commerce.order.placed".into(),
        source: "snodo://acme/shop".into(),
        subject: None,
        time: "2026-01-01T10:00:00Z".into(),
        dataschema: "snodo:snodo/commerce.order.placed/1-0-0".into(),
        ordering_key: None,
        attributes: vec![],
        data: message.body.clone(),
    };
    let new = NewEvent {
        event,
        place: 0,
        digest: [0; 16],
        customer: None,
        identifiers: vec![],
        consents: vec![],
        routes: 1,
        filtered: 0,
        reasons: None,
        verdict: NewVerdict::Routed(vec![delivery]),
    };
    Recorded { message: seq, result: Decoding::Decoded(vec![new]) }
}

fn settle(home: &Cluster, count: usize) {
    let (destination, out) = ("crm".parse().expect("it is a name"), HashSet::new());
    let (mut left, mut marks) = (count, Default::default());
    while left > 0 {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let claim =
            Claim { destination: &destination, marks, out: &out, now, limit: BATCH, bytes_max: 1 << 20 };
        let dues = home.claim(&claim).expect("they can be read");
        left -= dues.len();
        let settled = dues.iter().map(|due| {
            marks[due.class as usize] = due.seq.max(marks[due.class as usize]);
            let result = Settlement::Final { fate: Fate::Delivered, reason: None };
            Settled { seq: due.seq, attempt: due.attempt, record: Some("{}".into()), result }
        });
        let settled: Vec<Settled> = settled.collect();
        if !settled.is_empty() {
            home.settle_blocking(settled).expect("they are settled");
        }
    }
}
