//! One instance of a connector: a store, its limits, and a call that either returns or is the instance's last.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{ComponentNamedList, Func, Lift, Lower, TypedFunc};
use wasmtime::{ResourceLimiter, Store, Trap};

use crate::code::{Code, Function};
use crate::limits::{
    CALLS_PER_INSTANCE_MAX, CORE_INSTANCES_MAX, GROWTH_BYTES_MAX, MEMORIES_MAX, TABLES_MAX, TICK,
};
use crate::log::Said;
use crate::{Failure, Limits};

/// What the host keeps beside a guest.
pub struct State {
    pub channel: Arc<str>,
    pub said: Said,
    memory_bytes: usize,
    memory_bytes_max: usize,
    table_elements: usize,
    table_elements_max: usize,
    /// It has asked for more memory than it may have; what it then fails of is this.
    denied: bool,
}

pub struct Instance {
    store: Store<State>,
    functions: [Option<Func>; Function::COUNT],
    calls: u32,
    newborn_bytes: usize,
}

impl Instance {
    /// A guest's own start counts as a call: it is interrupted like one.
    pub fn start(code: &Code, channel: Arc<str>, limits: &Limits) -> wasmtime::Result<Self> {
        let state = State {
            channel,
            said: Said::default(),
            memory_bytes: 0,
            memory_bytes_max: limits.memory_bytes,
            table_elements: 0,
            table_elements_max: limits.table_elements,
            denied: false,
        };
        let mut store = Store::new(code.pre.engine(), state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(limits.output_bytes);
        store.set_epoch_deadline(ticks(limits.batch_time));
        // An engine that does not count says so by an error; one that does never runs dry.
        let _ = store.set_fuel(u64::MAX);
        let guest = code.pre.instantiate(&mut store)?;
        let functions = code.exports.map(|export| guest.get_func(&mut store, export?));
        let newborn_bytes = store.data().memory_bytes;
        Ok(Self { store, functions, calls: 0, newborn_bytes })
    }

    /// Whether the guest's function has the type the contract gives it.
    pub fn check<P, R>(&mut self, function: Function) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let function = self.functions[function as usize].expect("a function that is asked for is there");
        function.typed::<P, R>(&self.store).map(|_| ())
    }

    /// Calls a function that was checked for `P` and `R` when the connector was loaded. After an error the instance is dead.
    pub fn call<P, R>(&mut self, function: Function, params: P, time: Duration) -> Result<R, Failure>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        let Some(function) = self.functions[function as usize] else {
            return Err(Failure::Broken("the connector does not have the role that is asked of it".into()));
        };
        self.calls += 1;
        let state = self.store.data_mut();
        state.said = Said::default();
        state.denied = false;
        self.store.set_epoch_deadline(ticks(time));
        // SAFETY: `check` has compared P and R with the function's own type when the connector was loaded; the type belongs to
        // the component, so it is the same for every instance. Lifetimes in P are not part of it.
        let function = unsafe { TypedFunc::<P, R>::new_unchecked(function) };
        let result = function.call(&mut self.store, params);
        let state = self.store.data_mut();
        state.said.finish(&state.channel);
        result.map_err(|error| self.failure(&error, time))
    }

    /// Whether another call may have it, or a new one is better.
    pub fn is_fresh(&self) -> bool {
        let grown = self.store.data().memory_bytes.saturating_sub(self.newborn_bytes);
        self.calls < CALLS_PER_INSTANCE_MAX && grown <= GROWTH_BYTES_MAX
    }

    pub fn memory_bytes(&self) -> usize {
        self.store.data().memory_bytes
    }

    /// What its start and all its calls have used, where the sandbox counts it.
    pub fn fuel(&self) -> Option<u64> {
        self.store.get_fuel().ok().map(|left| u64::MAX - left)
    }

    fn failure(&mut self, error: &wasmtime::Error, time: Duration) -> Failure {
        let state = self.store.data_mut();
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => Failure::TimedOut(time),
            Some(Trap::StackOverflow) => Failure::StackOverflow,
            Some(_) if state.denied => Failure::OutOfMemory(state.memory_bytes_max),
            Some(trap) => Failure::Trapped { why: trap.to_string(), said: state.said.last_error.take() },
            // The guest came back, but with something that cannot be read: too much, or outside of its memory.
            None => Failure::Output(error.root_cause().to_string()),
        }
    }
}

/// One more than fit, because the first is already running.
fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX - 1) + 1
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory_bytes + desired.saturating_sub(current);
        self.denied |= total > self.memory_bytes_max;
        if !self.denied {
            self.memory_bytes = total;
        }
        Ok(!self.denied)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table_elements + desired.saturating_sub(current);
        let fits = total <= self.table_elements_max;
        if fits {
            self.table_elements = total;
        }
        Ok(fits)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX as usize
    }
}
