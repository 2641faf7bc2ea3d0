//! A loaded connector and its calls. Every call brings a batch; every item has its own result.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wasmtime::PoolConcurrencyLimitError;
use wasmtime::component::{ComponentNamedList, Lift, Lower};

use crate::batch;
use crate::code::{Code, Function};
use crate::inspect::Inspected;
use crate::instance::Instance;
use crate::limits::{EVENTS_PER_MESSAGE_MAX, STATE_BYTES_MAX};
use crate::sandbox::Inner;
use crate::values::Plan;
use crate::warm::Warm;
use crate::{
    Context, Delivery, Draft, Event, Exchange, Failure, Fault, Field, Message, Planned, Reply, Role, Step,
};

/// Cheap to clone. Any thread may call it; a call holds its thread until the guest is back or its time is up.
#[derive(Clone)]
pub struct Connector(Arc<Loaded>);

struct Loaded {
    sandbox: Arc<Inner>,
    digest: blake3::Hash,
    inspected: Inspected,
    code: Code,
    /// Made when the pool is full for the first time.
    spare: OnceLock<Result<Code, String>>,
    warm: Warm,
}

/// What the functions take and return, as the contract has it.
type Batch<'a, T> = (Context<'a>, &'a [T]);
type Each = (Vec<Result<Vec<Draft>, Fault>>,);
type Asked<'a> = (Context<'a>, Option<&'a [u8]>, Option<Reply<'a>>);

impl Connector {
    pub(crate) fn new(sandbox: Arc<Inner>, digest: blake3::Hash, inspected: Inspected, code: Code) -> Self {
        let (spare, warm) = (OnceLock::new(), Warm::default());
        Self(Arc::new(Loaded { sandbox, digest, inspected, code, spare, warm }))
    }

    /// Compares every function's type with the contract's; all calls rely on it.
    pub(crate) fn check(&self) -> wasmtime::Result<()> {
        let mut instance = Instance::start(&self.0.code, "".into(), &self.0.sandbox.limits)?;
        for function in self.0.code.functions() {
            match function {
                Function::Decode => instance.check::<Batch<'_, Message<'_>>, Each>(function)?,
                Function::Next => instance.check::<Asked<'_>, (Result<Step, Fault>,)>(function)?,
                Function::Encode => instance.check::<Batch<'_, Delivery<'_>>, (Plan,)>(function)?,
                Function::Interpret => instance.check::<Batch<'_, Exchange<'_>>, (Vec<Plan>,)>(function)?,
                Function::Apply => instance.check::<Batch<'_, Event<'_>>, Each>(function)?,
            }
        }
        Ok(())
    }

    /// What it is called by wherever it must be this very one: the BLAKE3 digest of the component, in hexadecimal.
    pub fn digest(&self) -> String {
        self.0.digest.to_hex().to_string()
    }

    pub fn roles(&self) -> impl Iterator<Item = Role> {
        self.0.inspected.roles.iter().map(|(role, _)| *role)
    }

    pub fn has(&self, role: Role) -> bool {
        self.roles().any(|has| has == role)
    }

    /// Foreign messages in, events out: one result per message, in order.
    pub fn decode(&self, ctx: &Context<'_>, messages: &[Message<'_>]) -> Vec<Result<Vec<Draft>, Failure>> {
        let bytes =
            |message: &Message<'_>| message.body.len() + message.name.len() + fields_bytes(message.headers);
        let results = batch::each(&self.0.sandbox.limits, messages, bytes, |messages, time| {
            let (results,): Each = self.call(Function::Decode, ctx.channel, (*ctx, messages), time)?;
            Ok(results)
        });
        results.into_iter().map(drafts).collect()
    }

    /// Events in, events out: one result per event, in order.
    pub fn apply(&self, ctx: &Context<'_>, events: &[Event<'_>]) -> Vec<Result<Vec<Draft>, Failure>> {
        let results = batch::each(&self.0.sandbox.limits, events, event_bytes, |events, time| {
            let (results,): Each = self.call(Function::Apply, ctx.channel, (*ctx, events), time)?;
            Ok(results)
        });
        results.into_iter().map(drafts).collect()
    }

    /// Plans the deliveries of a batch: each is in exactly one call, settlement or failure of the result.
    pub fn encode(&self, ctx: &Context<'_>, deliveries: &[Delivery<'_>]) -> Planned {
        let bytes = |delivery: &Delivery<'_>| event_bytes(&delivery.event);
        batch::planned(&self.0.sandbox.limits, deliveries, bytes, |deliveries, time| {
            let (plan,): (Plan,) = self.call(Function::Encode, ctx.channel, (*ctx, deliveries), time)?;
            Ok(plan)
        })
    }

    /// What answers mean: one plan per exchange, whose places count within the exchange. A call in it is a follow-up.
    pub fn interpret(&self, ctx: &Context<'_>, exchanges: &[Exchange<'_>]) -> Vec<Planned> {
        let bytes = |exchange: &Exchange<'_>| {
            let deliveries =
                exchange.deliveries.iter().map(|delivery| event_bytes(&delivery.event)).sum::<usize>();
            deliveries
                + exchange.state.len()
                + exchange.answer.body.len()
                + fields_bytes(exchange.answer.headers)
        };
        let plans = batch::each(&self.0.sandbox.limits, exchanges, bytes, |exchanges, time| {
            let (plans,): (Vec<Plan>,) =
                self.call(Function::Interpret, ctx.channel, (*ctx, exchanges), time)?;
            Ok(plans)
        });
        let check = |(plan, exchange): (Result<Plan, Failure>, &Exchange<'_>)| match plan {
            Ok(plan) => Planned::check(plan, exchange.deliveries.len()),
            Err(failure) => Planned::all_failed(exchange.deliveries.len(), &failure),
        };
        plans.into_iter().zip(exchanges).map(check).collect()
    }

    /// Without a reply: what to ask. With one: what it says, or what else to ask.
    pub fn next(
        &self,
        ctx: &Context<'_>,
        cursor: Option<&[u8]>,
        reply: Option<Reply<'_>>,
    ) -> Result<Step, Failure> {
        let time = self.0.sandbox.limits.single_time;
        let (step,): (Result<Step, Fault>,) =
            self.call(Function::Next, ctx.channel, (*ctx, cursor, reply), time)?;
        match step.map_err(Failure::Fault)? {
            Step::Page(page) if page.events.len() > EVENTS_PER_MESSAGE_MAX => {
                Err(too_many(page.events.len()))
            }
            Step::Page(page) if page.cursor.len() > STATE_BYTES_MAX => {
                Err(too_much("cursor", page.cursor.len()))
            }
            Step::Ask(question) if question.state.len() > STATE_BYTES_MAX => {
                Err(too_much("state", question.state.len()))
            }
            step => Ok(step),
        }
    }

    /// The linear memory of an instance that waits for the channel's next call; `None` where none does, because none has
    /// been called or because it had grown too much to be kept.
    pub fn memory_bytes(&self, channel: &str) -> Option<usize> {
        self.0.warm.memory_bytes(channel)
    }

    /// The fuel that such an instance has used for its start and its calls; `None` too where the sandbox does not count it.
    pub fn fuel(&self, channel: &str) -> Option<u64> {
        self.0.warm.fuel(channel)
    }

    /// Lets go of what is kept warm for a channel that is no more.
    pub fn forget(&self, channel: &str) {
        self.0.warm.forget(channel);
    }

    /// Whether the pool was once full.
    #[cfg(test)]
    pub(crate) fn went_without_pool(&self) -> bool {
        self.0.spare.get().is_some_and(Result::is_ok)
    }

    /// One call of an instance of the channel's. It only goes back to the others if it came back at all.
    fn call<P, R>(&self, function: Function, channel: &str, params: P, time: Duration) -> Result<R, Failure>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let (channel, idle) = self.0.warm.take(channel);
        let mut instance = match idle {
            Some(instance) => instance,
            None => {
                self.start(Arc::clone(&channel)).map_err(|error| Failure::NotStarted(format!("{error:#}")))?
            }
        };
        let result = instance.call(function, params, time)?;
        self.0.warm.give_back(channel, instance);
        Ok(result)
    }

    fn start(&self, channel: Arc<str>) -> wasmtime::Result<Instance> {
        let Loaded { sandbox, code, spare, inspected, .. } = &*self.0;
        match Instance::start(code, Arc::clone(&channel), &sandbox.limits) {
            Err(error) if error.is::<PoolConcurrencyLimitError>() => {
                let spare = spare.get_or_init(|| {
                    tracing::info!("the pool of instances is full; further ones are made without it");
                    sandbox.link_spare(code, inspected).map_err(|error| format!("{error:#}"))
                });
                let spare = spare.as_ref().map_err(|error| wasmtime::Error::msg(error.clone()))?;
                Instance::start(spare, channel, &sandbox.limits)
            }
            started => started,
        }
    }
}

fn drafts(result: Result<Result<Vec<Draft>, Fault>, Failure>) -> Result<Vec<Draft>, Failure> {
    let drafts = result?.map_err(Failure::Fault)?;
    if drafts.len() > EVENTS_PER_MESSAGE_MAX { Err(too_many(drafts.len())) } else { Ok(drafts) }
}

fn too_many(events: usize) -> Failure {
    Failure::Output(format!("{events} events at once, {EVENTS_PER_MESSAGE_MAX} are allowed"))
}

fn too_much(what: &str, bytes: usize) -> Failure {
    Failure::Broken(format!("the {what} of a poll has {bytes} bytes, it may have {STATE_BYTES_MAX}"))
}

fn event_bytes(event: &Event<'_>) -> usize {
    event.data.len() + fields_bytes(event.attributes)
}

fn fields_bytes(fields: &[Field]) -> usize {
    fields.iter().map(|(name, value)| name.len() + value.len()).sum()
}
