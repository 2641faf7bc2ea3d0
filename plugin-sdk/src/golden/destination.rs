//! A destination case: `deliveries.json` and `config.toml` go in; the answers, round by round, are what the vendor says.
//! The rounds go on as the hub's would, until every delivery has its outcome.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{case, shown};
use crate::{Answer, Call, Context, Delivery, Destination, Event, Exchange, Outcome, Plan};

pub const INPUT: &str = "deliveries.json";

/// The contract's own bound on what a call remembers.
const STATE_BYTES_MAX: usize = 16 * 1024;

#[derive(Deserialize)]
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenEvent {
    id: String,
    kind: String,
    source: String,
    subject: Option<String>,
    time: String,
    dataschema: String,
    ordering_key: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    data: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenAnswer {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Text is sent as it stands, anything else as JSON.
    body: Option<Value>,
}

pub fn run<T: Destination>(folder: &Path) -> Result<Value, String> {
    let given: Vec<GivenDelivery> = case::json(&folder.join(INPUT))?;
    let deliveries: Vec<Delivery> = given.into_iter().map(delivery).collect();
    let config = folder.join("config.toml");
    let config = if config.exists() { case::toml(&config)? } else { toml::Table::new() };
    let answers = answers(folder)?;
    Run { ctx: case::context(&config, case::RECEIVED_MS), outcomes: vec![None; deliveries.len()], deliveries }
        .through::<T>(answers)
}

/// The calls of a round with the places they cover, and what it settled, as it is shown.
type Round = (Vec<(Call, Vec<u32>)>, Vec<Value>);

struct Run {
    ctx: Context,
    deliveries: Vec<Delivery>,
    outcomes: Vec<Option<Outcome>>,
}

impl Run {
    fn through<T: Destination>(mut self, answers: Vec<Vec<GivenAnswer>>) -> Result<Value, String> {
        let everywhere: Vec<u32> = (0..).take(self.deliveries.len()).collect();
        let mut answers = answers.into_iter();
        let mut rounds = Vec::new();
        let mut plans = vec![(T::encode(&self.ctx, self.deliveries.clone()), everywhere)];
        loop {
            let (calls, settled) = self.take(plans)?;
            let shown: Vec<Value> =
                calls.iter().map(|(call, places)| shown::request(&call.request, places)).collect();
            let number = rounds.len() + 1;
            rounds.push(json!({"calls": shown, "settled": settled}));
            if calls.is_empty() {
                break;
            }
            let round = answers.next().unwrap_or_default();
            if round.len() != calls.len() {
                return Err(format!(
                    "  round {number} made {} calls, but there are {} answers:\n{}",
                    calls.len(),
                    round.len(),
                    serde_json::to_string_pretty(&shown).expect("a JSON value is always JSON")
                ));
            }
            plans = calls
                .into_iter()
                .zip(round)
                .map(|((call, places), given)| {
                    let deliveries =
                        places.iter().map(|&place| self.deliveries[place as usize].clone()).collect();
                    let exchange = Exchange { deliveries, state: call.state, answer: answer(given) };
                    (T::interpret(&self.ctx, exchange), places)
                })
                .collect();
        }
        if answers.next().is_some() {
            return Err(format!("  there are more answers than rounds ({})", rounds.len()));
        }
        let outcomes: Vec<Value> = self.outcomes.iter().flatten().map(shown::outcome).collect();
        Ok(json!({"rounds": rounds, "outcomes": outcomes}))
    }

    /// Holds each plan to the contract and counts its places in the whole batch.
    fn take(&mut self, plans: Vec<(Plan, Vec<u32>)>) -> Result<Round, String> {
        let mut calls = Vec::new();
        let mut settled = Vec::new();
        for (plan, places) in plans {
            let mut times = vec![0; places.len()];
            let mut in_batch = |place: u32| -> Result<u32, String> {
                let at = place as usize;
                let whole =
                    places.get(at).ok_or_else(|| format!("  place {place} is outside of the batch"))?;
                times[at] += 1;
                Ok(*whole)
            };
            for call in plan.calls {
                if call.state.len() > STATE_BYTES_MAX {
                    return Err(format!(
                        "  a call's state has {} bytes, at most {STATE_BYTES_MAX}",
                        call.state.len()
                    ));
                }
                let covers =
                    call.covers.iter().map(|&place| in_batch(place)).collect::<Result<Vec<_>, _>>()?;
                calls.push((call, covers));
            }
            for settlement in plan.settled {
                let place = in_batch(settlement.delivery)?;
                settled.push(json!({"delivery": place, "outcome": shown::outcome(&settlement.outcome)}));
                self.outcomes[place as usize] = Some(settlement.outcome);
            }
            if let Some(at) = times.iter().position(|&times| times != 1) {
                return Err(format!(
                    "  delivery {} is covered or settled {} times, not once",
                    places[at], times[at]
                ));
            }
        }
        Ok((calls, settled))
    }
}

fn answers(folder: &Path) -> Result<Vec<Vec<GivenAnswer>>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rounds {
        rounds: Vec<Vec<toml::Value>>,
    }
    let (as_json, as_toml) = (folder.join("answers.json"), folder.join("answers.toml"));
    if as_json.exists() {
        return case::json(&as_json);
    }
    if !as_toml.exists() {
        return Ok(Vec::new());
    }
    let given: Rounds = case::toml(&as_toml)?;
    let read = |answer: &toml::Value| {
        serde_json::from_value(case::plain(answer))
            .map_err(|error| format!("  failed to read answers.toml: {error}"))
    };
    given.rounds.iter().map(|round| round.iter().map(read).collect()).collect()
}

fn delivery(given: GivenDelivery) -> Delivery {
    let event = Event {
        id: given.event.id,
        kind: given.event.kind,
        source: given.event.source,
        subject: given.event.subject,
        time: given.event.time,
        dataschema: given.event.dataschema,
        ordering_key: given.event.ordering_key,
        attributes: given.event.attributes.into_iter().collect(),
        data: Value::Object(given.event.data).to_string().into_bytes(),
    };
    Delivery {
        idempotency_key: given.idempotency_key,
        attempt: given.attempt,
        customer: given.customer,
        event,
    }
}

fn answer(given: GivenAnswer) -> Answer {
    let body = match given.body {
        None => Vec::new(),
        Some(Value::String(text)) => text.into_bytes(),
        Some(json) => json.to_string().into_bytes(),
    };
    Answer { status: given.status, headers: given.headers.into_iter().collect(), body }
}
