//! The hub's durable storage: messages, events, deliveries with their fates, customers, consent and cursors, in one SQLite
//! file under the data directory. What a call has answered survives a power cut. Decides nothing about an event but whether
//! it is already there.

mod accept;
mod backup;
mod checkpoint;
mod destination;
mod directory;
mod due;
mod error;
pub mod export;
mod facts;
mod find;
mod format;
pub mod home;
mod lanes;
mod ledger;
mod left;
mod pending;
mod quarantine;
mod reader;
mod record;
mod replay;
mod requeue;
pub mod retain;
mod row;
mod secure;
mod seq;
mod settle;
mod store;
mod trail;
mod writer;

pub use accept::Cursor;
pub use backup::{BackedUp, restore};
pub use destination::{Draw, Failing};
pub use directory::Lock;
pub use due::{Claim, Due, Marks, Room};
pub use error::{Internal, StoreError};
pub use facts::{AsOf, Facts};
pub use find::{Filter, Found, Order, ids_from};
pub use format::FORMAT;
pub use ledger::{Audit, Balance, Events, Fates, Messages, Tally};
pub use left::{Left, Undecoded};
pub use quarantine::Quarantine;
pub use reader::Reader;
pub use record::{Decoding, NewDelivery, NewEvent, NewVerdict, Outcome, Recorded, RecordedEvent};
pub use replay::{
    Again, Earlier, LeftOut, NEW, NEW_SUPPRESSED, Page, Replay, Replayed, Selected, Selector, Untaken, Which,
};
pub use requeue::{Item, Requeued};
pub use retain::{Overdue, Patience, Progress, Removal, Removed};
pub use row::{DeliveryRow, EventRow, MessageRow, Standing, Verdict};
pub use seq::{DeliverySeq, EventSeq, MessageSeq};
pub use settle::{Settled, Settlement};
pub use store::{Clock, Options, Store};
pub use trail::{Attempts, Trail};
pub use writer::ROUND;
