//! What a connector is written with: the contract's types, one trait per role, and `export!` to make it a component.
//!
//! A connector is a set of pure functions. It has no clock, no network, no files and no state between calls; see
//! `wit/v1/connector.wit` for the contract itself.
//!
//! | role | trait | what it does |
//! |---|---|---|
//! | `source` | [`Source`] | foreign messages in, events out |
//! | `poll` | [`Poll`] | what to ask the other side, and what its answer says |
//! | `destination` | [`Destination`] | events in, requests out; answers in, outcomes out |
//! | `transform` | [`Transform`] | events in, events out |
//!
//! What vendors write in many ways is read in one: [`time`], [`money`], [`contact`], [`name`], [`locale`], [`url`], [`text`] and
//! [`binary`]. Pure text in, canonical text out, `None` for what cannot be read as such: nothing is guessed. The SDKs in JavaScript and
//! Python have the same, and one file of examples tests all three. [`fields`] takes a vendor's object apart; [`canonical`] has types for
//! what events say of customers.
//!
//! ```
//! use snodo_connector::{Context, Draft, Fault, Message, Source};
//!
//! pub struct Bell;
//!
//! impl Source for Bell {
//!     fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
//!         let rung: serde_json::Value = message.json()?;
//!         Ok(vec![Draft::new("iot.alert.raised", &rung)])
//!     }
//! }
//!
//! snodo_connector::export!(Bell: source);
//! ```

pub mod binary;
#[doc(hidden)]
pub mod bindings;
#[cfg(any(test, all(target_family = "wasm", target_feature = "simd128", feature = "allocator")))]
mod block;
pub mod canonical;
pub mod contact;
pub mod fields;
pub mod locale;
mod log;
#[cfg(any(test, all(target_family = "wasm", feature = "allocator")))]
mod memory;
pub mod money;
pub mod name;
mod plan;
mod roles;
pub mod text;
pub mod time;
pub mod url;
mod values;

#[cfg(all(target_family = "wasm", feature = "allocator"))]
#[global_allocator]
static MEMORY: memory::Memory = memory::Memory::new();

pub use bindings::destination::exports::snodo::connector::destination::{Call, Exchange, Plan, Settlement};
pub use bindings::poll::exports::snodo::connector::poll::{Page, Question, Reply, Step};
pub use bindings::snodo::connector::types::{
    Answer, Context, Delivery, Draft, Event, Fault, Message, Outcome, Problem, Request, Wait,
};
#[doc(hidden)]
pub use bindings::{destination, poll, source, transform};
#[doc(hidden)]
pub use log::tell_where_it_panics;
pub use log::{Level, log};
pub use plan::Next;
pub use roles::{Destination, Poll, Source, Transform};

/// The page on how to write a connector: its examples are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../docs/connectors.md")]
pub struct HowToWriteOne;
