//! A hub in trouble beside one that has none, by turns in one run: what a dead and a slow destination cost the others, a key that is
//! stuck the other keys, and a backlog the live traffic.

use std::time::{Duration, Instant};

use crate::load::{Answers, Destination, Load, Measured};
use crate::process::{Subject, Way};

/// Of each of the two.
const ROUNDS: usize = 5;

/// How long one round at a rate lasts.
const ROUND: Duration = Duration::from_secs(8);

/// The same while something lasts that may not last long.
const SHORT_ROUND: Duration = Duration::from_secs(1);

/// Live traffic, in events a second: well below what the machine can.
const LIVE: f64 = 300.0;

/// Longer than anybody waits for an answer.
const SLOW: Duration = Duration::from_secs(30);

/// Events of one saturating round.
const EVENTS: usize = 10_000;

/// How many wait behind one that is stuck.
const STUCK: usize = 10_000;

const BACKLOG: usize = 100_000;

/// The same events to three destinations, of which two fail on one hub and none on the other.
pub async fn neighbours() {
    let (well, _others) = among([Answers::Well, Answers::Well]).await;
    let (ill, _ill_others) = among([Answers::Not, Answers::After(SLOW)]).await;
    // Both have met their destinations.
    for side in [&well, &ill] {
        side.load.at_rate(&side.subject, LIVE, Duration::from_secs(2)).await;
    }
    let (mut before, mut beside) = (Vec::new(), Vec::new());
    let memory = ill.subject.now_mb();
    for _ in 0..ROUNDS {
        before.push(well.load.at_rate(&well.subject, LIVE, ROUND).await);
        beside.push(ill.load.at_rate(&ill.subject, LIVE, ROUND).await);
    }
    println!(
        "\nOne destination beside two others, {LIVE} events/s to all three, {ROUNDS} rounds of {ROUND:?}, medians"
    );
    compare("both well", &before, "one dead, one slow", &beside);
    let waiting = 2 * (LIVE * ROUND.as_secs_f64()) as usize * ROUNDS;
    let grown = ill.subject.now_mb() - memory;
    println!("memory {memory:.0} MB, and {grown:.0} MB more with {waiting} more deliveries waiting");
}

struct Side {
    subject: Subject,
    load: Load,
}

async fn among(answers: [Answers; 2]) -> (Side, [Destination; 2]) {
    let (measured, others) =
        (Destination::start().await, [Destination::start().await, Destination::start().await]);
    for (other, answers) in others.iter().zip(answers) {
        other.answer(answers);
    }
    let ways = [
        Way::new("in", "out", measured.address),
        Way::new("in", "second", others[0].address),
        Way::new("in", "third", others[1].address),
    ];
    let subject = start(&ways);
    (Side { load: Load::new(subject.address, measured), subject }, others)
}

/// All that one hub can, with and without a key whose oldest event is refused and has many behind it.
pub async fn blocked() {
    let (free, stuck) = (alone().await, alone().await);
    stuck.load.destination.answer(Answers::NotTheFirst);
    Load { customer: Some(0), ..stuck.load.clone() }.send(STUCK, None).await;
    for side in [&free, &stuck] {
        side.load.saturate(&side.subject, EVENTS / 5).await;
    }
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(free.load.saturate(&free.subject, EVENTS).await);
        with.push(stuck.load.saturate(&stuck.subject, EVENTS).await);
    }
    let [without, with] = [&without, &with].map(|rounds| median(rounds, Measured::events_per_second));
    println!(
        "\nOne key that is stuck, {STUCK} events behind it, {ROUNDS} rounds of {EVENTS} events of other keys, medians"
    );
    println!("without {without:.0} events/s, with {with:.0} events/s, with : without {:.2}", with / without);
}

async fn alone() -> Side {
    let destination = Destination::start().await;
    let subject = start(&[Way::new("in", "out", destination.address)]);
    Side { load: Load::new(subject.address, destination), subject }
}

/// Live traffic while another destination is away, and while it takes what has gathered meanwhile.
pub async fn backlog() {
    let (live, late) = (Destination::start().await, Destination::start().await);
    late.answer(Answers::Not);
    let subject = start(&[Way::new("in", "out", live.address), Way::new("bulk", "late", late.address)]);
    let load = Load::new(subject.address, live);
    load.at_rate(&subject, LIVE, Duration::from_secs(2)).await;
    Load { channel: "bulk", ..Load::new(subject.address, late.clone()) }.send(BACKLOG, None).await;
    let mut before = Vec::new();
    for _ in 0..ROUNDS {
        before.push(load.at_rate(&subject, LIVE, SHORT_ROUND).await);
    }
    late.answer(Answers::Well);
    // It is tried now and then.
    while late.arrived() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    let drained = tokio::spawn({
        let late = late.clone();
        async move {
            while late.arrived() < BACKLOG {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            begun.elapsed()
        }
    });
    let mut beside = Vec::new();
    while !drained.is_finished() {
        beside.push(load.at_rate(&subject, LIVE, SHORT_ROUND).await);
    }
    // It ended in the middle of the last one.
    if beside.len() > 1 {
        beside.pop();
    }
    let took = drained.await.expect("it only waits");
    println!(
        "\n{BACKLOG} events that waited, beside {LIVE} live events/s, rounds of {SHORT_ROUND:?}, medians"
    );
    println!("drained in {:.1} s: {:.0} events/s", took.as_secs_f64(), BACKLOG as f64 / took.as_secs_f64());
    compare("while it waits", &before, "while it drains", &beside);
}

fn start(ways: &[Way]) -> Subject {
    tokio::task::block_in_place(|| Subject::hub_of(ways, "", &[]))
}

fn compare(name: &str, before: &[Measured], other_name: &str, beside: &[Measured]) {
    let parts: [fn(&Measured) -> Duration; 4] =
        [|m| m.ack.at(0.5), |m| m.ack.at(0.99), |m| m.end_to_end.at(0.5), |m| m.end_to_end.at(0.99)];
    let medians = |rounds: &[Measured]| parts.map(|part| median(rounds, |one| part(one).as_secs_f64() * 1e3));
    let (mine, theirs) = (medians(before), medians(beside));
    println!("{:<20} {:>9} {:>9} {:>9} {:>9}", "", "ack p50", "ack p99", "e2e p50", "e2e p99");
    for (name, row) in [(name, mine), (other_name, theirs)] {
        println!("{name:<20} {:>6.1} ms {:>6.1} ms {:>6.1} ms {:>6.1} ms", row[0], row[1], row[2], row[3]);
    }
    let ratio = |at: usize| theirs[at] / mine[at];
    println!("{:<20} {:>9.2} {:>9.2} {:>9.2} {:>9.2}", "ratio", ratio(0), ratio(1), ratio(2), ratio(3));
}

/// Zero if there are none.
pub fn median(rounds: &[Measured], of: impl Fn(&Measured) -> f64) -> f64 {
    let mut found: Vec<f64> = rounds.iter().map(of).collect();
    found.sort_by(f64::total_cmp);
    found.get(found.len() / 2).copied().unwrap_or_default()
}
