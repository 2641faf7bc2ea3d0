//! The sandbox in which connectors run. A connector is a component that knows one system's language and can do nothing else:
//! it is refused if it imports anything but the contract's own log, and bounded in memory, time, stack and output.
//!
//! Nothing here sends, stores or decides: bytes and values go in, values or a [`Failure`] come out, item by item.
//! Calls are synchronous; make them on OS threads with at least 2 MiB of stack.

mod batch;
mod cache;
mod code;
mod compile;
mod connector;
mod engine;
mod failure;
mod inspect;
mod instance;
mod limits;
mod log;
mod plan;
mod sandbox;
mod values;
mod warm;

#[cfg(test)]
mod tests;

pub use compile::{Compile, CompileError, compile_main};
pub use connector::Connector;
pub use engine::Fuel;
pub use failure::Failure;
pub use inspect::{CONTRACT, Refusal, Role};
pub use limits::Limits;
pub use plan::Planned;
pub use sandbox::{LoadError, Options, Sandbox, StartError};
pub use values::{
    Answer, Call, Context, Delivery, Draft, Event, Exchange, Fault, Field, Message, Outcome, Page, Problem,
    Question, Reply, Request, Settlement, Step, Wait,
};
