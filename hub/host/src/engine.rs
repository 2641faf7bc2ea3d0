//! The engines that run compiled connectors, and the clock that interrupts them. Which wasm there is, is decided here.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
};

use crate::Limits;
use crate::limits::{
    CORE_INSTANCES_MAX, KEEP_RESIDENT_BYTES, MEMORIES_MAX, POOLED_INSTANCES, STACK_BYTES_MAX, TABLES_MAX,
    TICK, WARM_SLOTS,
};

/// Whether the work of guests is counted in fuel: the same number for the same work on every machine. Counting makes guests
/// slower, so only the kit does it; a running hub is content with its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fuel {
    Counted,
    Uncounted,
}

/// What decides how code is compiled: the same for every engine of a sandbox, so that one artefact fits them all.
fn config(fuel: Fuel) -> Config {
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .consume_fuel(fuel == Fuel::Counted)
        // Guests are pure functions: nothing in them waits for anything.
        .concurrency_support(false)
        .max_wasm_stack(STACK_BYTES_MAX)
        // With the whole 32-bit range reserved, a load needs no check of its bounds: a stray one meets a guard page.
        .memory_reservation(4 << 30)
        .memory_guard_size(32 << 20)
        .guard_before_linear_memory(false)
        // Names are stripped from guests and their frames say nothing; where a guest panicked it says itself.
        .wasm_backtrace_max_frames(None)
        // Not needed by Rust, JavaScript or Python guests: less to attack. Relaxed SIMD also differs between processors.
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false);
    config
}

/// For compiling only: reserves nothing, so that it works under a limit on addresses.
pub fn on_demand(fuel: Fuel) -> wasmtime::Result<Engine> {
    Engine::new(&config(fuel))
}

/// Memory slots made once and used again. Fails where the system does not give out that many addresses.
pub fn pooled(limits: &Limits) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(POOLED_INSTANCES)
        .total_core_instances(POOLED_INSTANCES * 8)
        .total_memories(POOLED_INSTANCES)
        .total_tables(POOLED_INSTANCES * 8)
        .max_core_instances_per_component(CORE_INSTANCES_MAX)
        .max_memories_per_component(MEMORIES_MAX)
        .max_tables_per_component(TABLES_MAX)
        .table_elements(limits.table_elements)
        .max_memory_size(limits.memory_bytes)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .max_unused_warm_slots(WARM_SLOTS)
        .pagemap_scan(Enabled::Auto);
    let mut config = config(Fuel::Uncounted);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// Advances the engines' epoch until it is dropped.
pub struct Clock {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    pub fn start(engines: Vec<Engine>) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("sandbox-clock".into()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                engines.iter().for_each(Engine::increment_epoch);
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It can only have ended early by a panic, which it has already reported.
            let _ = thread.join();
        }
    }
}
