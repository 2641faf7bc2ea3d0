//! What the home costs on this machine: messages accepted, decoded to one event with one delivery each, and settled. Prints the rate of each
//! step. Takes the URLs of the database and of the broker, and how many messages. Leaves a home called `cost_` and a number behind, to be
//! looked into: remove its schema and its queues afterwards.
//!
//!     cargo run --release -p snodo-cluster --example cluster_cost -- postgresql://… amqp://… 20000

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use snodo_cluster::{Cluster, Options};
use snodo_core::{ChannelName, Fate, Lane, Message, Timestamp};
use snodo_store::{Claim, Decoding, MessageSeq, NewDelivery, NewEvent, NewVerdict, Recorded, Settled};

use values::{START, delivery, event, finally, message, name, settled};

#[allow(dead_code, reason = "the checks need more of it")]
#[path = "../../store/tests/store/values.rs"]
mod values;

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
    let options = Options {
        name: format!("cost_{}", std::process::id()),
        database: database.clone(),
        broker: broker.clone(),
        partitions: 4,
        ..Options::default()
    };
    let home = runtime.block_on(Cluster::open(options)).expect("the home opens");
    while home.partitions().len() < 4 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let shop = name("shop");
    report("accepted", count, || {
        runtime.block_on(async {
            let received = Timestamp::from_millis(START);
            let messages = (0..count).map(|at| message("shop", &format!("{at:0>1024}"), received));
            let sending = messages.map(|message| home.accept(message));
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
    let to = NewDelivery { lane: Some(Lane::of(&key)), ..delivery("crm") };
    let body = String::from_utf8_lossy(&message.body);
    let new = NewEvent { verdict: NewVerdict::Routed(vec![to]), ..event(&key, &body) };
    Recorded { message: seq, result: Decoding::Decoded(vec![new]) }
}

fn settle(home: &Cluster, count: usize) {
    let (destination, out) = (name("crm"), HashSet::new());
    let (mut left, mut marks) = (count, Default::default());
    while left > 0 {
        let now = Timestamp::from_millis(START);
        let claim =
            Claim { destination: &destination, marks, out: &out, now, limit: BATCH, bytes_max: 1 << 20 };
        let dues = home.claim(&claim).expect("they can be read");
        left -= dues.len();
        let delivered = dues.iter().map(|due| {
            marks[due.class as usize] = due.seq.max(marks[due.class as usize]);
            settled(due, finally(Fate::Delivered))
        });
        let delivered: Vec<Settled> = delivered.collect();
        if !delivered.is_empty() {
            home.settle_blocking(delivered).expect("they are settled");
        }
    }
}
