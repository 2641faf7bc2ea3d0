//! What is not declared any more, and what still waits for it. A destination that works is given time to take what is on its way to it;
//! what is left then is for a person to decide. Until somebody has, everything stays as it was.

use std::collections::BTreeSet;
use std::time::Duration;

use snodo_core::declare::{Declarations, Ended};
use snodo_core::{ChannelName, Fate};
use snodo_store::{Left as InFlight, MessageSeq, Reader, Store, StoreError};
use tokio::time::Instant;
use tracing::error;

use super::Running;
use super::plan::{Answer, Answers, Left, Refusal, What};
use crate::parts::{Part, Workshop};

/// How long nothing of what is under way may be done before it counts as stuck: several times what a destination that works needs for
/// one call.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long all of it may take. For so long the messages of the sources that feed it are kept and not routed.
const PATIENCE_MAX: Duration = Duration::from_secs(30);

/// How often the store is asked meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Deliveries that are settled in one commit.
const SETTLE_MAX: u32 = 1000;

/// Whether there is a question for each answer, and the answer is one of those that there are.
pub fn check(answers: &Answers, ended: &Ended) -> Result<(), Refusal> {
    let asked = questions(ended);
    for (of, answer) in answers {
        let allowed: Vec<Answer> = asked
            .iter()
            .filter(|(name, _)| name == of)
            .flat_map(|(_, what)| what.answers())
            .copied()
            .collect();
        if allowed.is_empty() {
            let names: Vec<&str> = asked.iter().map(|(name, _)| name.as_str()).collect();
            let of_what = match names.as_slice() {
                [] => "the new configuration ends no channel and no route".to_owned(),
                names => format!("those that end are {}", names.join(", ")),
            };
            return Err(Refusal::because(format!("--let {of}=…: nothing is asked about {of}: {of_what}")));
        }
        if !allowed.contains(answer) {
            let word = |answer: &Answer| serde_json::json!(answer).as_str().unwrap_or_default().to_owned();
            let words: Vec<String> = allowed.iter().map(word).collect();
            return Err(Refusal::because(format!(
                "--let {of}={}: that cannot be; there is {}",
                word(answer),
                words.join(", ")
            )));
        }
    }
    Ok(())
}

fn questions(ended: &Ended) -> Vec<(String, What)> {
    let destinations = ended.destinations.iter().map(|name| (name.to_string(), What::Deliveries));
    let routes = ended.routes.iter().map(|name| (format!("routes/{name}"), What::Routed));
    let sources = ended.sources.iter().map(|name| (name.to_string(), What::Messages));
    destinations.chain(routes).chain(sources).collect()
}

/// What waits right now for what ends.
pub fn left(store: &Reader, old: &Declarations, ended: &Ended) -> Result<Vec<Left>, StoreError> {
    let mut left = deliveries_left(store, old, ended)?;
    for name in &ended.sources {
        let count = store.undecoded(name)?.count;
        left.push(Left { of: name.to_string(), what: What::Messages, count });
    }
    left.retain(|one| one.count > 0);
    Ok(left)
}

fn deliveries_left(store: &Reader, old: &Declarations, ended: &Ended) -> Result<Vec<Left>, StoreError> {
    let mut left = Vec::new();
    for (of, what, in_flight) in in_flight(old, ended) {
        let count = store.left(&in_flight)?;
        left.extend((count > 0).then_some(Left { of, what, count }));
    }
    Ok(left)
}

/// How each question about deliveries is put to the store.
fn in_flight<'a>(
    old: &'a Declarations,
    ended: &'a Ended,
) -> impl Iterator<Item = (String, What, InFlight)> + 'a {
    let to = |name: &ChannelName| InFlight { destination: name.clone(), route: None };
    let destinations = ended.destinations.iter();
    let destinations = destinations.map(move |name| (name.to_string(), What::Deliveries, to(name)));
    let routes = ended.routes.iter().map(|name| {
        let in_flight = InFlight { destination: old.routes[name].to.clone(), route: Some(name.clone()) };
        (format!("routes/{name}"), What::Routed, in_flight)
    });
    destinations.chain(routes)
}

/// What waits in the store of a hub that does not run, or is about to, for channels that are not declared.
pub fn strangers(store: &Reader, declarations: &Declarations) -> Result<Vec<Left>, StoreError> {
    let declared = |name: &ChannelName| declarations.channels.get(name);
    let mut left = Vec::new();
    for (name, count) in store.destinations_in_flight()? {
        if declared(&name).is_none_or(|channel| !channel.is_destination()) {
            left.push(Left { of: name.to_string(), what: What::Deliveries, count });
        }
    }
    for name in store.pending_channels()? {
        if declared(&name).is_none_or(|channel| !channel.is_source()) {
            let count = store.undecoded(&name)?.count;
            left.push(Left { of: name.to_string(), what: What::Messages, count });
        }
    }
    Ok(left)
}

/// The same of routes. Looks at every delivery in flight.
pub fn strange_routes(store: &Reader, declarations: &Declarations) -> Result<Vec<Left>, StoreError> {
    let mut routes = store.routes_in_flight()?;
    routes.retain(|(name, _)| declarations.routes.get(name).is_none_or(|route| !route.enabled));
    let left = |(name, count)| Left { of: format!("routes/{name}"), what: What::Routed, count };
    Ok(routes.into_iter().map(left).collect())
}

fn is_answered(left: &Left, answers: &Answers) -> bool {
    answers.get(&left.of).is_some_and(|answer| left.what.answers().contains(answer))
}

impl Running {
    /// Waits for what is under way to what ends. `Err` if something is left that nobody has decided about: then all is as it was.
    /// Otherwise the sources that lead to it are held.
    pub(super) async fn let_go(
        &mut self,
        workshop: &Workshop,
        ended: &Ended,
        answers: &Answers,
    ) -> Result<(), Refusal> {
        let store = &workshop.condition.store;
        let stuck = self.stuck_messages(workshop, ended, answers).await.map_err(failed)?;
        if !stuck.is_empty() {
            return Err(refused(&stuck));
        }
        self.hold(ended).await;
        let mut hope = Hope::new();
        let left = loop {
            let left = deliveries_left(store, &self.declarations, ended);
            let open = left.iter().flatten().filter(|one| !is_answered(one, answers));
            let open: u64 = open.map(|one| one.count).sum();
            if open == 0 || !hope.is_left(open) || workshop.condition.stopping.is_cancelled() {
                break left;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        let open = left.map(|left| left.into_iter().filter(|one| !is_answered(one, answers)).collect());
        let refusal: Refusal = match open {
            Ok(open) if Vec::<Left>::is_empty(&open) => return Ok(()),
            Ok(open) => refused(&open),
            Err(error) => failed(error),
        };
        self.let_all_in(workshop);
        Err(refusal)
    }

    /// Messages of sources that end and are not decoded in time, though others come behind them.
    async fn stuck_messages(
        &self,
        workshop: &Workshop,
        ended: &Ended,
        answers: &Answers,
    ) -> Result<Vec<Left>, StoreError> {
        let store = &workshop.condition.store;
        let mut waiting: Vec<(&ChannelName, MessageSeq)> = Vec::new();
        for name in ended.sources.iter().filter(|name| answers.get(name.as_str()) != Some(&Answer::Wait)) {
            waiting.extend(store.undecoded(name)?.ends.map(|(_, last)| (name, last)));
        }
        let mut hope = Hope::new();
        loop {
            let (mut stuck, mut open) = (Vec::new(), 0);
            for (name, last) in &waiting {
                let undecoded = store.undecoded(name)?;
                if let Some((first, _)) = undecoded.ends.filter(|(first, _)| first <= last) {
                    // More may come meanwhile: how far the first of them is from the last of the old ones is what counts.
                    open += (last.0 - first.0).unsigned_abs() + 1;
                    let (of, count) = (name.to_string(), undecoded.count);
                    stuck.push(Left { of, what: What::Messages, count });
                }
            }
            if stuck.is_empty() || !hope.is_left(open) || workshop.condition.stopping.is_cancelled() {
                return Ok(stuck);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Stops the intakes whose events may go to what ends. What comes meanwhile waits in the store.
    async fn hold(&mut self, ended: &Ended) {
        let routes = self.declarations.routes.iter().filter(|(name, route)| {
            ended.routes.contains(name) || (route.enabled && ended.destinations.contains(&route.to))
        });
        let sources: BTreeSet<ChannelName> =
            routes.flat_map(|(_, route)| route.from.iter().cloned()).collect();
        let parts = sources.iter().filter_map(|name| self.parts.get_mut(name)?.intake.take());
        Part::end_all(parts.collect::<Vec<_>>()).await;
    }

    /// Starts all intakes that are missing.
    pub(super) fn let_all_in(&mut self, workshop: &Workshop) {
        for (name, _) in self.declarations.channels.iter().filter(|(_, declared)| declared.is_source()) {
            let intake = &mut self.parts.entry(name.clone()).or_default().intake;
            if intake.is_none() {
                *intake = Some(Part::start(workshop.intake(name)));
            }
        }
    }

    /// The doors of sources that end are closed: their last messages are routed by the routes under which they came, and what that
    /// leads to is done, if it is done in time. What is not stays in the store.
    pub(super) async fn finish(&mut self, workshop: &Workshop, ended: &Ended, answers: &Answers) {
        let store = &workshop.condition.store;
        let sources: Vec<&ChannelName> =
            ended.sources.iter().filter(|name| answers.get(name.as_str()) != Some(&Answer::Wait)).collect();
        if sources.is_empty() {
            return;
        }
        for name in &sources {
            let intake = &mut self.parts.entry((*name).clone()).or_default().intake;
            intake.get_or_insert_with(|| Part::start(workshop.intake(name)));
            workshop.condition.sources.ring(name);
        }
        let old = &self.declarations;
        let open = || -> Result<u64, StoreError> {
            let left = deliveries_left(store, old, ended)?;
            let deliveries: u64 =
                left.iter().filter(|one| !is_answered(one, answers)).map(|one| one.count).sum();
            let undecoded = sources.iter().map(|name| Ok(store.undecoded(name)?.count));
            Ok(deliveries + undecoded.sum::<Result<u64, StoreError>>()?)
        };
        let mut hope = Hope::new();
        while let open @ 1.. = open().unwrap_or(u64::MAX) {
            if !hope.is_left(open) {
                return error!(
                    "something of what is not declared any more could not be finished in time, and stays in the store"
                );
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Whether it is worth waiting on.
struct Hope {
    least: u64,
    moved: Instant,
    ends: Instant,
}

impl Hope {
    fn new() -> Self {
        let now = Instant::now();
        Self { least: u64::MAX, moved: now, ends: now + PATIENCE_MAX }
    }

    /// So much is left now.
    fn is_left(&mut self, open: u64) -> bool {
        let now = Instant::now();
        if open < self.least {
            (self.least, self.moved) = (open, now);
        }
        now < self.ends && now < self.moved + PATIENCE
    }
}

/// Gives what is left the fate that was decided, and says what was settled or stays. Those who were at work on it have stopped.
pub async fn settle(store: &Store, old: &Declarations, ended: &Ended, answers: &Answers) -> Vec<Left> {
    let mut all = Vec::new();
    for (of, what, in_flight) in in_flight(old, ended) {
        let count = match answers.get(&of).and_then(|answer| answer.fate()) {
            Some(fate) => settle_as(store, &in_flight, what, fate).await,
            None => store.left(&in_flight),
        };
        match count {
            Ok(count) => all.push(Left { of, what, count }),
            Err(error) => error!(of, %error, "not all of what was left could be settled: it stays in flight"),
        }
    }
    for name in &ended.sources {
        let count = store.undecoded(name).map_or(0, |undecoded| undecoded.count);
        all.push(Left { of: name.to_string(), what: What::Messages, count });
    }
    all.retain(|left| left.count > 0);
    all
}

async fn settle_as(store: &Store, left: &InFlight, what: What, fate: Fate) -> Result<u64, StoreError> {
    let reason = match what {
        What::Routed => "its route was removed",
        _ => "its destination was removed",
    };
    let mut count = 0;
    loop {
        match store.settle_left(left.clone(), fate, reason, SETTLE_MAX).await? {
            0 => return Ok(count),
            settled => count += settled as u64,
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
fn failed(error: StoreError) -> Refusal {
    Refusal::because(format!("failed to see what is left: {error}"))
}

fn refused(left: &[Left]) -> Refusal {
    Refusal { mistakes: Vec::new(), reasons: left.iter().map(Left::to_string).collect() }
}
