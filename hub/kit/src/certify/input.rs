//! What a source, a poll and a transform have in common for the trials: bodies go in, events come out.

use snodo_host::{Connector, Context, Draft, Failure, Fault, Problem};

use crate::golden::{End, Original, Sample, Walk};

pub type Outcome = Result<Vec<Draft>, Failure>;

/// When fewer events than before are a loss.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// When there is none, and no fault either: a message that is spoilt may tell of less.
    Nothing,
    /// Always: what cannot be read of a page is an event of its own.
    Fewer,
    /// Never: to leave an event out is what some are for.
    Wanted,
}

/// How much later a thing is told once more.
const LATER_MS: u64 = 3_600_000;

pub trait Input: Clone {
    const LOSS: Loss;

    fn config(&self) -> &[u8];

    /// One; of a walk each answer.
    fn bodies(&self) -> Vec<&[u8]>;

    fn with_body(&self, place: usize, body: Vec<u8>) -> Self;

    /// The same, told once more an hour later.
    fn later(&self) -> Self;

    /// What is made of it, on the instances of that channel.
    fn drafts(&self, connector: &Connector, channel: &str) -> Outcome;

    /// Several of one configuration in one call, where the contract has such a call.
    fn together(inputs: &[&Self], connector: &Connector) -> Option<Vec<Outcome>>;
}

impl Input for Sample {
    const LOSS: Loss = Loss::Nothing;

    fn config(&self) -> &[u8] {
        &self.config
    }

    fn bodies(&self) -> Vec<&[u8]> {
        vec![&self.body]
    }

    fn with_body(&self, _: usize, body: Vec<u8>) -> Self {
        Self { body, ..self.clone() }
    }

    fn later(&self) -> Self {
        let id = "01900000-0000-7000-8000-0000000000ff".into();
        Self { id, received_at: self.received_at + LATER_MS, ..self.clone() }
    }

    fn drafts(&self, connector: &Connector, channel: &str) -> Outcome {
        self.decode_in(connector, channel)
    }

    fn together(inputs: &[&Self], connector: &Connector) -> Option<Vec<Outcome>> {
        let messages: Vec<_> = inputs.iter().map(|input| input.message()).collect();
        Some(connector.decode(&inputs.first()?.context(), &messages))
    }
}

impl Input for Walk {
    const LOSS: Loss = Loss::Fewer;

    fn config(&self) -> &[u8] {
        &self.config
    }

    fn bodies(&self) -> Vec<&[u8]> {
        self.answers.iter().map(|answer| answer.body.as_slice()).collect()
    }

    fn with_body(&self, place: usize, body: Vec<u8>) -> Self {
        let mut changed = self.clone();
        changed.answers[place].body = body;
        changed
    }

    fn later(&self) -> Self {
        Self { now: self.now + LATER_MS, ..self.clone() }
    }

    fn drafts(&self, connector: &Connector, channel: &str) -> Outcome {
        let walked = self.go_in(connector, channel);
        match walked.end {
            End::Done => Ok(walked.events()),
            End::Failed(failure) => Err(failure),
            // What it would find with more answers nobody knows; nothing is lost by asking.
            End::Unanswered => {
                let message = "it asks for more than it did".into();
                Err(Failure::Fault(Fault::Retry(Problem { message, at: None })))
            }
        }
    }

    fn together(_: &[&Self], _: &Connector) -> Option<Vec<Outcome>> {
        None
    }
}

impl Input for Original {
    const LOSS: Loss = Loss::Wanted;

    fn config(&self) -> &[u8] {
        &self.config
    }

    fn bodies(&self) -> Vec<&[u8]> {
        vec![&self.event.data]
    }

    fn with_body(&self, _: usize, body: Vec<u8>) -> Self {
        let mut changed = self.clone();
        changed.event.data = body;
        changed
    }

    fn later(&self) -> Self {
        Self { now: self.now + LATER_MS, ..self.clone() }
    }

    fn drafts(&self, connector: &Connector, channel: &str) -> Outcome {
        self.apply_in(connector, channel)
    }

    fn together(inputs: &[&Self], connector: &Connector) -> Option<Vec<Outcome>> {
        let first = inputs.first()?;
        let events: Vec<_> = inputs.iter().map(|input| input.event.event()).collect();
        let ctx: Context<'_> = first.context();
        Some(connector.apply(&ctx, &events))
    }
}
