//! Every bound of the sandbox, each with its reason.

use std::time::Duration;

/// What a guest may take before it is stopped. The defaults fit connectors in Rust, JavaScript and Python.
#[derive(Clone, Debug)]
pub struct Limits {
    /// All linear memories of an instance together. A batch of 4 MiB of JSON, parsed, mapped and printed, stays below half of
    /// it in Rust; a JavaScript or Python engine begins with 5 to 20 MiB.
    pub memory_bytes: usize,
    /// All tables of an instance together. Tables hold function pointers: the largest guest seen, CPython, has 12,000.
    pub table_elements: usize,
    /// One call with one item. Such a call takes 10 µs in Rust, 2 ms in Python: this is a guest that does not come back, even
    /// on a machine that is busy.
    pub single_time: Duration,
    /// One call with a whole batch, for the same reason.
    pub batch_time: Duration,
    /// After a batch has failed, its items run alone to find the one at fault. This is all that these runs may take together:
    /// a batch of nothing but items that never come back must not hold its thread for minutes.
    pub alone_time: Duration,
    /// What one call may give back. The largest real message (300 KiB) makes less than 1 MiB of events; a batch is bounded by
    /// `BATCH_BYTES_MAX`.
    pub output_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            table_elements: 100_000,
            single_time: Duration::from_millis(500),
            batch_time: Duration::from_secs(2),
            alone_time: Duration::from_secs(5),
            output_bytes: 16 << 20,
        }
    }
}

/// One tick of the clock that interrupts guests. Time limits are kept to within one of these; the thread that ticks costs
/// nothing that can be measured at this rate.
pub const TICK: Duration = Duration::from_millis(10);

/// Wasm frames on the calling thread's own stack. Threads have 2 MiB; what the host needs around a call fits in the other half.
pub const STACK_BYTES_MAX: usize = 1 << 20;

/// Items of one call. Beyond a hundred or so a larger batch is not faster, but costs more to repeat when one item fails.
pub const BATCH_ITEMS_MAX: usize = 256;

/// Deliveries of one call that plans requests: what a manifest may say at most as `batch_max`. How many go into one request is the
/// vendor's matter, and a plan of fewer is more requests.
pub const PLAN_ITEMS_MAX: usize = 1000;

/// Bytes of the items of one call: an eighth of the memory to parse them in.
pub const BATCH_BYTES_MAX: usize = 4 << 20;

/// Events out of one message. A nightly export as one file is to be sent as JSON Lines or in parts.
pub const EVENTS_PER_MESSAGE_MAX: usize = 10_000;

/// What a call may remember until its answer comes; the contract names this number.
pub const STATE_BYTES_MAX: usize = 16 << 10;

/// Lines of log per call: a connector that says more says the same again.
pub const LOG_LINES_MAX: u32 = 32;

/// One line of log, longer ones are cut: a line is a sentence, not a payload.
pub const LOG_LINE_BYTES_MAX: usize = 1 << 10;

/// Core instances, memories and tables in one component. Python components link 16 to 20 modules, and a table for each.
pub const CORE_INSTANCES_MAX: u32 = 64;
pub const MEMORIES_MAX: u32 = 4;
pub const TABLES_MAX: u32 = 64;

/// Instances that the pool holds room for; each reserves 4 GiB of addresses, of which there are 128 TiB, and no memory.
/// Beyond them instances are made without the pool.
pub const POOLED_INSTANCES: u32 = 192;

/// Memory that a freed slot of the pool keeps, so that the next instance need not fault it in again.
pub const KEEP_RESIDENT_BYTES: usize = 2 << 20;

/// Freed slots that keep theirs.
pub const WARM_SLOTS: u32 = 16;

/// Idle instances kept for one channel: as many as threads are likely to work for it at once.
pub const IDLE_PER_CHANNEL_MAX: usize = 4;

/// Calls after which an instance makes room for a new one, so that what a guest leaks or keeps is soon forgotten. At 20 µs for
/// a new one this costs nothing.
pub const CALLS_PER_INSTANCE_MAX: u32 = 10_000;

/// Growth after which an instance makes room: one large message must not hold its memory for ever.
pub const GROWTH_BYTES_MAX: usize = 8 << 20;

/// A component as it is installed. Python brings its interpreter: 18 MB.
pub const COMPONENT_BYTES_MAX: usize = 64 << 20;

/// A compiled component is 3 to 5 times as large as the component.
pub const ARTEFACT_BYTES_MAX: usize = 512 << 20;

/// Compiled code that is kept on disk: that of fifty connectors with an interpreter, or of thousands without one. Builds that
/// have not been used for longest go first.
pub const KEPT_BYTES_MAX: u64 = 2 << 30;

/// What compiling may take: the largest guest seen needs 15 s of CPU and 1 GiB.
pub const COMPILE_CPU_SECONDS_MAX: u64 = 180;
pub const COMPILE_ADDRESS_BYTES_MAX: u64 = 6 << 30;
