//! The hub's asynchronous shell: transports, the tasks that carry events from stage to stage, and the command line.

pub mod admin;
pub mod assemble;
pub mod cli;
pub mod clock;
pub mod configuration;
pub mod demo;
pub mod doors;
pub mod home;
pub mod hub;
pub mod intake;
pub mod junction;
pub mod live;
pub mod looks;
pub mod operate;
pub mod outbox;
pub mod parts;
pub mod pipeline;
pub mod poll;
pub mod query;
pub mod replay;
pub mod retention;
pub mod sender;
pub mod telemetry;
pub mod transport;
pub mod turn;

/// Batches are made on one thread and let go on another, all the time: with glibc's allocator that took a third of the
/// processor, most of it waiting for the allocator's locks. Here, so that everything made of this library has the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
