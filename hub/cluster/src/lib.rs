//! The hub's durable storage on several nodes: PostgreSQL keeps what is known, RabbitMQ takes what comes in and says which node works
//! on what. The same calls and the same promises as the store on one machine. Decides nothing about an event but whether it is
//! already there.

mod accept;
mod broker;
mod cluster;
mod condition;
mod database;
mod destination;
mod due;
mod facts;
mod find;
mod home;
mod keeper;
mod lanes;
mod ledger;
mod left;
mod open;
mod partition;
mod pending;
mod promote;
mod quarantine;
mod reader;
mod record;
mod replay;
mod requeue;
mod retain;
mod row;
mod schema;
mod settle;
mod text;
mod trail;
mod turn;
mod writer;

pub use cluster::{Bells, Clock, Cluster, Options, Role};
pub use condition::{Condition, Standing};
pub use open::OpenError;
pub use promote::{PromoteError, Promoted, promote};
pub use reader::Reader;
pub use schema::FORMAT;
pub use turn::Turn;
