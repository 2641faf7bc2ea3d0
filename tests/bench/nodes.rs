//! Two hubs on one home beside one: how much more they deliver where neither is bound by this machine's cores, but by a destination that
//! takes its time over each request, of which a hub has so many under way at one time.

use std::time::Duration;

use crate::load::{Answers, Destination, Load, Measured};
use crate::process::{Subject, Way};
use crate::services::{self, postgres};
use crate::trouble::median;

#[path = "../services/home.rs"]
mod home;

/// Of the home.
const PARTITIONS: u32 = 24;

const ROUNDS: usize = 3;

/// Events of one round.
const EVENTS: usize = 3_000;

/// What the destination takes over a request, and how many requests a hub has under way: 80 a second at most.
const TAKES: Duration = Duration::from_millis(100);
const CONCURRENT: usize = 8;

pub async fn run() {
    let destination = Destination::start().await;
    destination.answer(Answers::After(TAKES));
    let name = format!("bench_{}", &uuid::Uuid::new_v4().simple().to_string()[..12]);
    let start = || tokio::task::block_in_place(|| node(&name, &destination));
    let first = start();
    let load = Load::new(first.address, destination.clone());
    load.saturate(&first, EVENTS / 10).await;
    let one = rounds(&load, &first).await;
    let second = start();
    while home::shares(&name, &database()).await != [i64::from(PARTITIONS / 2); 2] {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let two = rounds(&load, &first).await;
    println!(
        "\nHubs on one home, a destination that takes {TAKES:?}, {CONCURRENT} requests of a hub at one time, {ROUNDS} rounds of {EVENTS} events, medians"
    );
    println!("one {one:.0} events/s, two {two:.0} events/s, two : one {:.2}", two / one);
    drop((first, second));
    home::remove(&name, PARTITIONS, &broker(), &database()).await;
}

async fn rounds(load: &Load, subject: &Subject) -> f64 {
    let mut measured = Vec::new();
    for _ in 0..ROUNDS {
        measured.push(load.saturate(subject, EVENTS).await);
    }
    median(&measured, Measured::events_per_second)
}

fn node(name: &str, destination: &Destination) -> Subject {
    let way = Way { concurrent: CONCURRENT, ..Way::new("in", "out", destination.address) };
    let home = format!(
        "[home]\nkind = \"cluster\"\nname = \"{name}\"\npartitions = {PARTITIONS}\nbroker = {{ file = \"broker\" }}\ndatabase = {{ file = \"database\" }}\n"
    );
    Subject::hub_of(&[way], &home, &[("broker", broker()), ("database", database())])
}

fn broker() -> String {
    format!("amqp://guest:guest@{}/%2F", services::amqp())
}

fn database() -> String {
    let postgres::Shared { user, database, address, .. } = postgres::shared();
    format!("postgresql://{user}@{address}/{database}?sslmode=disable")
}
