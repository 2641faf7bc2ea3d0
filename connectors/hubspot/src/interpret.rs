//! What an answer means for each delivery of its call: written, at fault, or to be sent again apart from its neighbours.

mod refunds;

use std::collections::BTreeMap;

use serde_json::Value;
use snodo_connector::{Answer, Fault, Outcome, Plan};

use crate::answer::{self, Meaning};
use crate::config::Config;
use crate::steps::{self, Input, Item, Step};
use crate::wire::{self, Answered, Problem, Record};

/// What became of one input.
pub enum Verdict {
    /// With HubSpot's id, where the answer gives one.
    Written(Option<String>),
    Failed(Fault),
}

pub fn interpret(config: &Config, step: Step, items: Vec<Item>, answer: &Answer, plan: &mut Plan) {
    let inputs = steps::inputs(step, &items);
    match answer::meaning(answer) {
        Meaning::Whole(fault) => fail_all(&items, &fault, plan),
        Meaning::Refused(_) if inputs.len() > 1 => steps::split(config, step, items, plan),
        Meaning::Refused(fault) => {
            let verdicts = inputs.iter().map(|_| Verdict::Failed(fault.clone())).collect();
            settle(config, step, items, verdicts, plan);
        }
        Meaning::Batch => match answer.json::<Answered>() {
            None => {
                // What was written is written once more, under the same keys, when it is tried again.
                let fault = Fault::retry(
                    "HubSpot's answer is not the JSON of a batch: check what base_url points to",
                );
                fail_all(&items, &fault, plan);
            }
            Some(answered) if step == Step::Read => refunds::plan(config, items, &inputs, &answered, plan),
            Some(mut answered) => {
                answered.partial = answer.status == 207;
                let verdicts = verdicts(config, step, &items, &inputs, &answered);
                settle(config, step, items, verdicts, plan);
            }
        },
    }
}

/// Fails the items of inputs that failed and sends the others on.
pub fn settle(config: &Config, step: Step, mut items: Vec<Item>, verdicts: Vec<Verdict>, plan: &mut Plan) {
    let inputs = steps::inputs(step, &items);
    let mut failed = vec![false; items.len()];
    for (input, verdict) in inputs.iter().zip(verdicts) {
        for &at in &input.items {
            match &verdict {
                Verdict::Failed(fault) => {
                    failed[at] = true;
                    plan.settle(items[at].place, Outcome::Failed(fault.clone()));
                }
                Verdict::Written(id) => keep(step, &mut items[at], id.as_deref()),
            }
        }
    }
    let mut failed = failed.into_iter();
    items.retain(|_| !failed.next().unwrap_or_default());
    steps::advance(config, items, Some(step), plan);
}

fn keep(step: Step, item: &mut Item, id: Option<&str>) {
    let id = id.map(str::to_owned);
    match step {
        Step::Contacts => item.progress.contact = id,
        Step::Deals | Step::Read | Step::Refunds => item.progress.deal = id.or(item.progress.deal.take()),
        Step::Links => {}
    }
}

fn verdicts(
    config: &Config,
    step: Step,
    items: &[Item],
    inputs: &[Input],
    answered: &Answered,
) -> Vec<Verdict> {
    if step == Step::Links {
        return inputs.iter().map(|input| linked(items, input, answered)).collect();
    }
    let id_property = if step == Step::Contacts { "email" } else { wire::key(config) };
    let mut found: BTreeMap<usize, &Record> = BTreeMap::new();
    for record in &answered.results {
        if let Some(at) = place(step, record, inputs, id_property) {
            found.insert(at, record);
        }
    }
    let needs_id = |input: &Input| {
        input.items.iter().any(|&at| items[at].work.deal.is_some() || items[at].work.refund.is_some())
    };
    let verdict = |at: usize, input: &Input| {
        if let Some(error) = answered.errors.iter().find(|error| blames(step, error, at, input)) {
            return Verdict::Failed(answer::input_fault(error));
        }
        match found.get(&at).and_then(|record| record.id.clone()) {
            Some(id) => Verdict::Written(Some(id)),
            // Nothing was refused, so it was written; only whoever must be linked has to know as what.
            None if !answered.partial && answered.errors.is_empty() && !needs_id(input) => {
                Verdict::Written(None)
            }
            None => Verdict::Failed(unnamed(answered, inputs.len())),
        }
    };
    inputs.iter().enumerate().map(|(at, input)| verdict(at, input)).collect()
}

/// The input that a record of the answer is.
fn place(step: Step, record: &Record, inputs: &[Input], id_property: &str) -> Option<usize> {
    if let Some(trace) = &record.object_write_trace_id {
        return trace.parse().ok().filter(|at| *at < inputs.len());
    }
    let value = record.property(id_property)?;
    inputs.iter().position(|input| is_named(step, input, value))
}

fn blames(step: Step, error: &Problem, at: usize, input: &Input) -> bool {
    let traced = error.context("objectWriteTraceId").any(|trace| trace.parse() == Ok(at));
    traced || error.context("ids").chain(error.context("id")).any(|id| is_named(step, input, id))
}

/// E-mail addresses are the same in any case, other keys are not.
fn is_named(step: Step, input: &Input, id: &str) -> bool {
    if step == Step::Contacts { input.id == id.trim().to_lowercase() } else { input.id == id }
}

/// The answer does not speak of this input. Its error, if there is one, speaks for it only when it was alone.
fn unnamed(answered: &Answered, inputs: usize) -> Fault {
    match answered.errors.first() {
        Some(error) if inputs == 1 => answer::input_fault(error),
        _ => Fault::retry("HubSpot's answer does not say what became of it"),
    }
}

fn linked(items: &[Item], input: &Input, answered: &Answered) -> Verdict {
    let progress = input.items.first().map(|&at| items[at].progress.clone()).unwrap_or_default();
    let (deal, contact) = (progress.deal.unwrap_or_default(), progress.contact.unwrap_or_default());
    let is = |value: &Option<Value>, id: &str| match value {
        Some(Value::String(text)) => text == id,
        Some(Value::Number(number)) => number.to_string() == id,
        _ => false,
    };
    let pair = |record: &&Record| is(&record.from_object_id, &deal) && is(&record.to_object_id, &contact);
    if !answered.partial || answered.results.iter().any(|record| pair(&record)) {
        return Verdict::Written(None);
    }
    let blamed = |error: &&Problem| {
        error.context("fromObjectId").any(|id| id == deal)
            && error.context("toObjectId").any(|id| id == contact)
    };
    let error = answered.errors.iter().find(blamed).or(answered.errors.first());
    Verdict::Failed(error.map_or_else(|| unnamed(answered, 1), answer::input_fault))
}

fn fail_all(items: &[Item], fault: &Fault, plan: &mut Plan) {
    for item in items {
        plan.settle(item.place, Outcome::Failed(fault.clone()));
    }
}
