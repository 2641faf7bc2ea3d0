//! A destination case: `deliveries.json` and `config.toml` go in; the answers, round by round, are what the vendor says.
//! The rounds go on as the hub's would, until every delivery has its outcome.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use snodo_host::{Call, Connector, Context, Delivery, Exchange, Outcome, Planned};

use super::answer::GivenAnswer;
use super::{Answered, GivenEvent, case, shown};

pub const INPUT: &str = "deliveries.json";

/// A case without an end is a case that fails: no real upsert takes this many.
const ROUNDS_MAX: usize = 16;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenDelivery {
    idempotency_key: String,
    #[serde(default = "first")]
    attempt: u32,
    customer: Option<String>,
    event: GivenEvent,
}

fn first() -> u32 {
    1
}

/// A delivery, owned.
#[derive(Clone, Debug)]
pub struct Given {
    pub idempotency_key: String,
    pub attempt: u32,
    pub customer: Option<String>,
    pub event: GivenEvent,
}

impl Given {
    pub fn delivery(&self) -> Delivery<'_> {
        Delivery {
            idempotency_key: &self.idempotency_key,
            attempt: self.attempt,
            customer: self.customer.as_deref(),
            event: self.event.event(),
        }
    }
}

/// The deliveries of a case, with the configuration of the channel and what the vendor answers.
#[derive(Clone, Debug)]
pub struct Batch {
    pub deliveries: Vec<Given>,
    pub config: Vec<u8>,
    pub now: u64,
    /// By round, by call.
    pub answers: Vec<Vec<Answered>>,
}

/// What became of a batch: the calls of each round with the places they cover, and one outcome for each delivery.
pub struct Run {
    pub rounds: Vec<Round>,
    pub outcomes: Vec<Outcome>,
}

pub struct Round {
    pub calls: Vec<(Call, Vec<u32>)>,
    pub settled: Vec<(u32, Outcome)>,
}

impl Batch {
    pub fn read(folder: &Path) -> Result<Self, String> {
        let given: Vec<GivenDelivery> = case::json(&folder.join(INPUT))?;
        Ok(Self {
            deliveries: given.into_iter().map(owned).collect(),
            config: case::config_beside(folder)?,
            now: case::RECEIVED_MS,
            answers: answers(folder)?,
        })
    }

    pub fn context(&self) -> Context<'_> {
        Context { channel: case::CHANNEL, config: &self.config, now: self.now }
    }

    pub fn encode(&self, connector: &Connector) -> Planned {
        self.encode_in(connector, case::CHANNEL)
    }

    /// On the instances of that channel.
    pub fn encode_in(&self, connector: &Connector, channel: &str) -> Planned {
        let deliveries: Vec<Delivery<'_>> = self.deliveries.iter().map(Given::delivery).collect();
        connector.encode(&Context { channel, ..self.context() }, &deliveries)
    }

    /// Goes all the way with the answers of the case.
    pub fn run(&self, connector: &Connector) -> Result<Run, String> {
        let mut answers = self.answers.iter();
        let run = self.run_with(connector, |number, calls| {
            let round = answers.next().cloned().unwrap_or_default();
            if round.len() == calls.len() {
                return Ok(round);
            }
            let shown: Vec<Value> =
                calls.iter().map(|(call, places)| shown::request(&call.request, places)).collect();
            Err(format!(
                "  round {number} made {} calls, but there are {} answers:\n{}",
                calls.len(),
                round.len(),
                serde_json::to_string_pretty(&shown).expect("a JSON value is always JSON")
            ))
        })?;
        match answers.next() {
            Some(_) => Err(format!("  there are more answers than rounds ({})", run.rounds.len())),
            None => Ok(run),
        }
    }

    /// Goes all the way, and asks for the answers to the calls of each round.
    pub fn run_with(
        &self,
        connector: &Connector,
        mut answer: impl FnMut(usize, &[(Call, Vec<u32>)]) -> Result<Vec<Answered>, String>,
    ) -> Result<Run, String> {
        let everywhere: Vec<u32> = (0..).take(self.deliveries.len()).collect();
        let mut outcomes = vec![None; self.deliveries.len()];
        let mut rounds = Vec::new();
        let mut plans = vec![(self.encode(connector), everywhere)];
        loop {
            let round = take(plans, &mut outcomes)?;
            if round.calls.is_empty() {
                rounds.push(round);
                break;
            }
            if rounds.len() == ROUNDS_MAX {
                return Err(format!("  after {ROUNDS_MAX} rounds it still asks"));
            }
            let answers = answer(rounds.len() + 1, &round.calls)?;
            plans = round
                .calls
                .iter()
                .zip(&answers)
                .map(|((call, places), answer)| {
                    (self.interpret(connector, call, places, answer), places.clone())
                })
                .collect();
            rounds.push(round);
        }
        // Every plan was checked: each delivery is in exactly one call or settled, and there are no calls left.
        Ok(Run { rounds, outcomes: outcomes.into_iter().flatten().collect() })
    }

    pub fn interpret(
        &self,
        connector: &Connector,
        call: &Call,
        places: &[u32],
        answer: &Answered,
    ) -> Planned {
        let mut plans = self.interpret_all(connector, call, places, std::slice::from_ref(answer));
        plans.pop().expect("one exchange has one plan")
    }

    /// Several answers to one call, interpreted together.
    pub fn interpret_all(
        &self,
        connector: &Connector,
        call: &Call,
        places: &[u32],
        answers: &[Answered],
    ) -> Vec<Planned> {
        let deliveries: Vec<Delivery<'_>> =
            places.iter().map(|&place| self.deliveries[place as usize].delivery()).collect();
        let exchange = |answer| Exchange {
            deliveries: &deliveries,
            state: &call.state,
            answer: Answered::borrowed(answer),
        };
        let exchanges: Vec<Exchange<'_>> = answers.iter().map(exchange).collect();
        connector.interpret(&self.context(), &exchanges)
    }
}

pub fn run(connector: &Connector, folder: &Path) -> Result<Value, String> {
    let run = Batch::read(folder)?.run(connector)?;
    let settled = |round: &Round| -> Vec<Value> {
        let shown = |(place, outcome): &(u32, Outcome)| json!({"delivery": place, "outcome": shown::outcome(outcome)});
        round.settled.iter().map(shown).collect()
    };
    let rounds: Vec<Value> = run
        .rounds
        .iter()
        .map(|round| {
            let calls: Vec<Value> =
                round.calls.iter().map(|(call, places)| shown::request(&call.request, places)).collect();
            json!({"calls": calls, "settled": settled(round)})
        })
        .collect();
    let outcomes: Vec<Value> = run.outcomes.iter().map(shown::outcome).collect();
    Ok(json!({"rounds": rounds, "outcomes": outcomes}))
}

/// Counts the places of each plan in the whole batch.
fn take(plans: Vec<(Planned, Vec<u32>)>, outcomes: &mut [Option<Outcome>]) -> Result<Round, String> {
    let mut round = Round { calls: Vec::new(), settled: Vec::new() };
    for (plan, places) in plans {
        if let Some((place, failure)) = plan.failed.first() {
            return Err(format!("  delivery {}: {failure}", places[*place as usize]));
        }
        for call in plan.calls {
            let covers = call.covers.iter().map(|&place| places[place as usize]).collect();
            round.calls.push((call, covers));
        }
        for settlement in plan.settled {
            let place = places[settlement.delivery as usize];
            outcomes[place as usize] = Some(settlement.outcome.clone());
            round.settled.push((place, settlement.outcome));
        }
    }
    Ok(round)
}

fn answers(folder: &Path) -> Result<Vec<Vec<Answered>>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rounds {
        rounds: Vec<Vec<toml::Value>>,
    }
    let (as_json, as_toml) = (folder.join("answers.json"), folder.join("answers.toml"));
    let rounds: Vec<Vec<GivenAnswer>> = if as_json.exists() {
        case::json(&as_json)?
    } else if as_toml.exists() {
        let given: Rounds = case::toml(&as_toml)?;
        let read = |round: &Vec<toml::Value>| round.iter().map(GivenAnswer::of).collect();
        given.rounds.iter().map(read).collect::<Result<_, _>>()?
    } else {
        Vec::new()
    };
    Ok(rounds.into_iter().map(|round| round.into_iter().map(Answered::from).collect()).collect())
}

fn owned(given: GivenDelivery) -> Given {
    let GivenDelivery { idempotency_key, attempt, customer, event } = given;
    Given { idempotency_key, attempt, customer, event }
}
