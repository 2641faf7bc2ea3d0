//! The order in which a batch is written: contacts, deals, refunds, and who belongs to what. Pure: from where each delivery
//! stands to the calls that come next. What a call needs to be understood is made again from its deliveries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use snodo_connector::{Fault, Outcome, Plan, Request};

use crate::config::Config;
use crate::map::{Properties, Work};
use crate::wire;

/// HubSpot's own limit on the inputs of a batch.
pub const INPUTS_MAX: usize = 100;

/// A refused batch of 100 is sent again as ten of ten, then as singles: two more rounds find every input at fault.
const PARTS: usize = 10;

/// The hub ends a delivery that asks for more rounds. Five are the whole way; the others are for what is refused on it.
const CALLS_MAX: u8 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    Contacts,
    Deals,
    /// What the deals of refunds are worth now.
    Read,
    Refunds,
    /// Which contact a deal belongs to.
    Links,
}

/// Those that need nothing but the deliveries; `Refunds` needs what `Read` found.
const PLANNED: [Step; 4] = [Step::Contacts, Step::Deals, Step::Read, Step::Links];

/// HubSpot's ids for what is written so far, and whether the refund was already in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    #[serde(default, rename = "c", skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    #[serde(default, rename = "d", skip_serializing_if = "Option::is_none")]
    pub deal: Option<String>,
    #[serde(default, rename = "r", skip_serializing_if = "std::ops::Not::not")]
    pub refunded_before: bool,
    /// How many calls it took until here.
    #[serde(default, rename = "n")]
    calls: u8,
}

/// What a call remembers: its step, and how far each delivery it covers has come.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    pub step: Step,
    pub done: Vec<Progress>,
}

/// One delivery on its way, by its place in the batch or the exchange.
#[derive(Debug)]
pub struct Item<'a> {
    pub place: u32,
    pub work: &'a Work,
    pub progress: Progress,
}

/// One record of a request, with the items that speak of it: HubSpot refuses a batch that names one record twice.
#[derive(Debug)]
pub struct Input {
    pub id: String,
    pub items: Vec<usize>,
    pub properties: Properties,
}

/// Plans the next call of each item, or settles it when nothing is left to do.
pub fn advance(config: &Config, items: Vec<Item>, after: Option<Step>, plan: &mut Plan) {
    let next: Vec<Option<Step>> = items.iter().map(|item| next(item, &items, after)).collect();
    let mut waiting: BTreeMap<Step, Vec<Item>> = BTreeMap::new();
    for (item, next) in items.into_iter().zip(next) {
        match next {
            Some(step) => waiting.entry(step).or_default().push(item),
            None if item.progress.refunded_before => plan.settle(item.place, Outcome::Duplicate),
            None => plan.settle(item.place, Outcome::Accepted(item.progress.deal.or(item.progress.contact))),
        }
    }
    for (step, mut items) in waiting {
        while !items.is_empty() {
            let rest = items.split_off(items.len().min(INPUTS_MAX));
            call(config, step, &items, plan);
            items = rest;
        }
    }
}

/// Sends what was refused as a whole again, in smaller parts, so that only the input at fault fails.
pub fn split(config: &Config, step: Step, items: Vec<Item>, plan: &mut Plan) {
    let inputs = inputs(step, &items);
    let size = inputs.len().div_ceil(PARTS);
    let part_of =
        |at: usize| inputs.iter().position(|input| input.items.contains(&at)).map(|input| input / size);
    let of_group = |item: &Item| {
        let order = order(item)?;
        (0..items.len()).filter(|&at| writes(&items[at], order)).find_map(part_of)
    };
    let parts: Vec<usize> = items
        .iter()
        .enumerate()
        .map(|(at, item)| part_of(at).or_else(|| of_group(item)).unwrap_or(0))
        .collect();
    let mut grouped: BTreeMap<usize, Vec<Item>> = BTreeMap::new();
    for (item, part) in items.into_iter().zip(parts) {
        grouped.entry(part).or_default().push(item);
    }
    // What a refund writes follows from what was read, so it is read again.
    let step = if step == Step::Refunds { Step::Read } else { step };
    for items in grouped.values() {
        call(config, step, items, plan);
    }
}

/// The records that a step's request names, in the order of their first mention. Where several items speak of one, the
/// later event's values stay.
pub fn inputs(step: Step, items: &[Item]) -> Vec<Input> {
    let mut inputs: Vec<Input> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (at, item) in items.iter().enumerate() {
        let Some(id) = record(step, item) else { continue };
        let input = *known.entry(id.clone()).or_insert_with(|| {
            inputs.push(Input { id, items: Vec::new(), properties: Vec::new() });
            inputs.len() - 1
        });
        inputs[input].items.push(at);
    }
    for input in &mut inputs {
        let mut in_time = input.items.clone();
        in_time.sort_by_key(|&at| items[at].work.time);
        for at in in_time {
            merge(&mut input.properties, written(step, &items[at]));
        }
    }
    inputs
}

/// A call for these items, from what they are and how far they have come.
fn call(config: &Config, step: Step, items: &[Item], plan: &mut Plan) {
    let request = wire::request(config, step, items, &inputs(step, items));
    push(step, items, request, plan);
}

pub fn push(step: Step, items: &[Item], request: Request, plan: &mut Plan) {
    let calls = items.iter().map(|item| item.progress.calls).max().unwrap_or_default() + 1;
    if calls > CALLS_MAX {
        // What is at fault has failed by now. The next attempt goes without it.
        let fault = Fault::retry("HubSpot refused too many of its neighbours: it is sent again without them");
        return items.iter().for_each(|item| plan.settle(item.place, Outcome::Failed(fault.clone())));
    }
    let done = items.iter().map(|item| Progress { calls, ..item.progress.clone() }).collect();
    let state = State { step, done };
    let state = serde_json::to_vec(&state).expect("the state has string keys, so it is always JSON");
    plan.call(request, items.iter().map(|item| item.place).collect(), state);
}

fn next(item: &Item, items: &[Item], after: Option<Step>) -> Option<Step> {
    PLANNED
        .into_iter()
        .filter(|step| Some(*step) > after)
        .find(|&step| record(step, item).is_some() || rides(item, items, step))
}

/// What speaks of one order goes on together until its deal is written: of two events without the same contact the later
/// one must stay, and a refund must find the deal, and not be overwritten by it.
fn rides(item: &Item, items: &[Item], step: Step) -> bool {
    let Some(order) = order(item).filter(|_| step < Step::Read) else { return false };
    items.iter().any(|other| writes(other, order) && record(step, other).is_some())
}

fn order<'a>(item: &'a Item) -> Option<&'a str> {
    let of_refund = || item.work.refund.as_ref().map(|refund| refund.order.as_str());
    item.work.deal.as_ref().map(|deal| deal.order.as_str()).or_else(of_refund)
}

fn writes(item: &Item, order: &str) -> bool {
    item.work.deal.as_ref().is_some_and(|deal| deal.order == order)
}

/// The record that an item has to do with in a step.
fn record(step: Step, item: &Item) -> Option<String> {
    let work = item.work;
    match step {
        Step::Contacts => work.contact.as_ref().map(|contact| contact.email.clone()),
        Step::Deals => work.deal.as_ref().map(|deal| deal.order.clone()),
        Step::Read | Step::Refunds => work.refund.as_ref().map(|refund| refund.order.clone()),
        Step::Links => {
            let (deal, contact) = item.progress.deal.as_ref().zip(item.progress.contact.as_ref())?;
            Some(format!("{deal}/{contact}"))
        }
    }
}

fn written<'a>(step: Step, item: &'a Item) -> &'a [(String, String)] {
    match step {
        Step::Contacts => item.work.contact.as_ref().map_or(&[], |contact| &contact.properties),
        Step::Deals => item.work.deal.as_ref().map_or(&[], |deal| &deal.properties),
        Step::Read | Step::Refunds | Step::Links => &[],
    }
}

fn merge(into: &mut Properties, from: &[(String, String)]) {
    for (name, value) in from {
        match into.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.clone_from(value),
            None => into.push((name.clone(), value.clone())),
        }
    }
}
