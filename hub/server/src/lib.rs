//! The hub's asynchronous shell: transports, the tasks that carry events from stage to stage, and the command line.

pub mod admin;
pub mod cli;
pub mod clock;
pub mod configuration;
pub mod demo;
pub mod hub;
pub mod intake;
pub mod operate;
pub mod outbox;
pub mod pipeline;
pub mod sender;
pub mod telemetry;
pub mod transport;
