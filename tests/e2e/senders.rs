//! Senders of a test that post one message after another, each as soon as its last one was accepted, until they are stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use serde_json::Value;
use tokio::task::JoinHandle;

use crate::company::Company;
use crate::line::{client, post};

pub struct Senders {
    /// The number of the last message that one of them has taken up.
    pub begun: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Senders {
    /// So many of them, which share the messages of all numbers from 1 on.
    pub fn start(
        company: &Arc<Company>,
        count: u32,
        channel: &'static str,
        message: fn(u32) -> Value,
    ) -> Self {
        let (begun, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let tasks = (0..count).map(|_| {
            let (company, begun, stop) = (Arc::clone(company), Arc::clone(&begun), Arc::clone(&stop));
            tokio::spawn(async move {
                let client = client();
                while !stop.load(Ordering::SeqCst) {
                    let number = begun.fetch_add(1, Ordering::SeqCst) + 1;
                    assert_eq!(post(&client, &company, channel, &message(number)).await, Ok(202));
                }
            })
        });
        let tasks = tasks.collect();
        Self { begun, stop, tasks }
    }

    /// How many messages they have sent, all of which were accepted.
    pub async fn stop(self) -> u32 {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.begun.load(Ordering::SeqCst)
    }
}
