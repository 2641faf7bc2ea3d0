//! A hub as far as its home is concerned: decodes what waits, sends what is due, and settles it. What it sends goes into a log that all hubs
//! of a test share.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use snodo_cluster::Cluster;
use snodo_core::{Fate, Lane, Stuck, Timestamp};
use snodo_store::{Claim, Decoding, MessageSeq, NewDelivery, NewEvent, NewVerdict, Recorded, StoreError};

use crate::values::*;

/// What was sent: the lane, the number of the message in it, and by whom.
pub type Log = Arc<Mutex<Vec<(String, u32, &'static str)>>>;

pub struct Worker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub fn start(who: &'static str, node: Cluster, log: Log) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !told.load(Ordering::SeqCst) {
                // Both homes and wires fail in these tests: what fails is done again.
                let decoded = decode(&node).unwrap_or(0);
                let sent = deliver(who, &node, &log).unwrap_or(0);
                if decoded + sent == 0 {
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("a worker does not panic");
        }
    }
}

/// Each message is one event, in the lane of its channel.
pub fn decode(node: &Cluster) -> Result<usize, StoreError> {
    let mut decoded = 0;
    for channel in node.pending_channels()? {
        let waiting = node.pending_messages(&channel, MessageSeq(0), 20, MANY)?;
        decoded += waiting.len();
        let batch = waiting.into_iter().map(|(seq, message)| {
            let body = String::from_utf8(message.body.to_vec()).unwrap();
            let lane = Some(Lane::of(channel.as_str()));
            let to = NewDelivery {
                lane,
                stuck: Stuck::Block,
                ordering_key: Some(channel.to_string()),
                ..delivery("crm")
            };
            let new = NewEvent {
                verdict: NewVerdict::Routed(vec![to]),
                ..event(&format!("{channel}/{body}"), &body)
            };
            Recorded { message: seq, result: Decoding::Decoded(vec![new]) }
        });
        let batch: Vec<Recorded> = batch.collect();
        if !batch.is_empty() {
            node.record_blocking(batch, node.facts(&[])?.as_of)?;
        }
    }
    Ok(decoded)
}

fn deliver(who: &'static str, node: &Cluster, log: &Log) -> Result<usize, StoreError> {
    let (destination, out) = (name("crm"), HashSet::new());
    let now = Timestamp::from_millis(i64::MAX - 1);
    let claim = Claim {
        destination: &destination,
        marks: Default::default(),
        out: &out,
        now,
        limit: 20,
        bytes_max: MANY,
    };
    let dues = node.claim(&claim)?;
    let mut batch = Vec::new();
    for due in &dues {
        let lane = due.ordering_key.clone().unwrap();
        let body: serde_json::Value = serde_json::from_slice(&due.event.data).unwrap();
        let number = body["note"].as_str().unwrap().parse().unwrap();
        log.lock().unwrap().push((lane, number, who));
        batch.push(settled(due, finally(Fate::Delivered)));
    }
    let sent = batch.len();
    // What is done is told until it is heard: the request has been sent.
    while !batch.is_empty() && matches!(node.settle_blocking(batch.clone()), Err(StoreError::Away(_))) {
        std::thread::sleep(Duration::from_millis(20));
        if !node.condition().database.is_up() {
            return Ok(sent);
        }
    }
    Ok(sent)
}

/// Of each lane what was sent, without what was sent twice in a row.
pub fn by_lane(log: &Log) -> BTreeMap<String, Vec<u32>> {
    let mut lanes: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (lane, number, _) in log.lock().unwrap().iter() {
        let lane = lanes.entry(lane.clone()).or_default();
        if lane.last() != Some(number) {
            lane.push(*number);
        }
    }
    lanes
}
