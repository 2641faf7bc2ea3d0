//! What the hub asks of the place where it keeps everything. There are two: the store on one machine, and the one that several nodes
//! share. Says nothing of how either keeps its promises.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use snodo_core::consent::Consents;
use snodo_core::identity::IdentifierKey;
use snodo_core::{ChannelName, CustomerId, Fate, Message, MessageId, RouteName, Timestamp};

mod forward;
mod local;

#[doc(hidden)]
pub use forward::names;

use crate::{
    AsOf, Audit, Balance, Claim, Cursor, DeliverySeq, Draw, Due, EventRow, EventSeq, Facts, Failing, Filter,
    Found, Item, Left, MessageRow, MessageSeq, Overdue, Patience, Progress, Quarantine, Recorded,
    RecordedEvent, Removal, Replay, Replayed, Requeued, Selector, Settled, StoreError, Tally, Trail,
    Undecoded,
};

/// What is read. The calls wait for the disk or for a database: they are for threads that run no tasks.
pub trait Reading: Send + Sync {
    /// The channels whose messages wait to be decoded here.
    fn pending_channels(&self) -> Result<Vec<ChannelName>, StoreError>;
    /// The oldest messages of a channel that wait to be decoded here, after `after`.
    fn pending_messages(
        &self,
        channel: &ChannelName,
        after: MessageSeq,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<(MessageSeq, Message)>, StoreError>;
    /// How far the poll or the file of that name has come.
    fn cursor(&self, channel: &ChannelName, name: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// What is known of the owners of these identifiers, all at one moment.
    fn facts(&self, identifiers: &[IdentifierKey]) -> Result<Facts, StoreError>;
    /// What each of these customers has said. One who has said nothing is absent.
    fn consents(&self, customers: &[CustomerId]) -> Result<HashMap<CustomerId, Consents>, StoreError>;
    fn customer_of(&self, identifier: IdentifierKey) -> Result<Option<CustomerId>, StoreError>;
    /// The namespaces of a customer's identifiers, and since when each is known.
    fn identifiers_of(&self, customer: CustomerId) -> Result<Vec<(String, Timestamp)>, StoreError>;
    /// Deliveries that may go now from here.
    fn claim(&self, claim: &Claim<'_>) -> Result<Vec<Due>, StoreError>;
    /// Deliveries that were never tried, in the order in which they were accepted.
    fn fresh(
        &self,
        destination: &ChannelName,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<Due>, StoreError>;
    /// Of the deliveries that were tried those at the head, in their order; and when the first is due.
    fn head(
        &self,
        destination: &ChannelName,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Option<(Timestamp, Vec<Due>)>, StoreError>;
    /// When the next of the deliveries that were tried is due again.
    fn next_due(&self, destination: &ChannelName) -> Result<Option<Timestamp>, StoreError>;
    /// Every destination that something is on its way to from here, and how much.
    fn destinations_in_flight(&self) -> Result<Vec<(ChannelName, u64)>, StoreError>;
    /// Whether a destination fails as a whole.
    fn failing(&self, destination: &ChannelName) -> Result<Option<Failing>, StoreError>;
    fn all_failing(&self) -> Result<Vec<(ChannelName, Failing)>, StoreError>;
    /// How much was taken of each quota in the period that began then.
    fn all_drawn(&self, began: Timestamp) -> Result<Vec<(ChannelName, u64)>, StoreError>;
    /// What of a channel waits to be decoded, wherever.
    fn undecoded(&self, channel: &ChannelName) -> Result<Undecoded, StoreError>;
    /// Every route that something is on its way by, and how much.
    fn routes_in_flight(&self) -> Result<Vec<(RouteName, u64)>, StoreError>;
    /// How many of them are in flight.
    fn left(&self, left: &Left) -> Result<u64, StoreError>;
    /// The event whose id is `text`, or begins with it.
    fn find(&self, text: &str) -> Result<Found, StoreError>;
    fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError>;
    fn events(&self, filter: &Filter) -> Result<Vec<EventRow>, StoreError>;
    /// Everything that happened to a customer, without repetitions.
    fn timeline(
        &self,
        customer: CustomerId,
        after: EventSeq,
        limit: usize,
    ) -> Result<Vec<EventRow>, StoreError>;
    /// An event's whole way.
    fn trail(&self, seq: EventSeq) -> Result<Option<Trail>, StoreError>;
    fn message(&self, seq: MessageSeq) -> Result<Option<MessageRow>, StoreError>;
    /// What is in quarantine or dead, the newest first.
    fn quarantine(&self, limit: usize) -> Result<Quarantine, StoreError>;
    fn quarantined_message(&self, id: MessageId) -> Result<Option<MessageRow>, StoreError>;
    /// Counts all rows; with `since`, those from then on.
    fn balance(&self, since: Option<Timestamp>) -> Result<Balance, StoreError>;
    /// The rows counted, beside the numbers that are kept.
    fn audit(&self) -> Result<Audit, StoreError>;
    /// What retention has removed.
    fn removed(&self) -> Result<Tally, StoreError>;
    /// The numbers that are kept: cheap.
    fn tally(&self) -> Result<Tally, StoreError>;
    /// The place of the last event that there is.
    fn last_event(&self) -> Result<EventSeq, StoreError>;
    /// The next page of events after `after`, up to `last`, that the selector may mean. None: there are no more.
    fn replayable_events(
        &self,
        selector: &Selector,
        after: EventSeq,
        last: EventSeq,
    ) -> Result<Vec<EventSeq>, StoreError>;
    /// The same for messages that lie in quarantine as a whole.
    fn replayable_messages(
        &self,
        selector: &Selector,
        after: MessageSeq,
    ) -> Result<Vec<MessageSeq>, StoreError>;
    /// Deliveries in flight that have waited long enough and that nobody has in hand, some at a time.
    fn overdue(&self, patience: &Patience, now: Timestamp) -> Result<Overdue, StoreError>;
    /// Deliveries that have failed until then, some at a time.
    fn failed_until(&self, until: Timestamp, after: DeliverySeq) -> Result<Vec<DeliverySeq>, StoreError>;
    /// Events that have been in quarantine since then or longer, some at a time.
    fn quarantined_until(&self, until: Timestamp, after: EventSeq) -> Result<Vec<EventSeq>, StoreError>;
    /// The same for messages that are in quarantine whole.
    fn undecoded_until(&self, until: Timestamp, after: MessageSeq) -> Result<Vec<MessageSeq>, StoreError>;
    /// The place of the last message that was received until then; 0 if there is none.
    fn received_until(&self, until: Timestamp) -> Result<MessageSeq, StoreError>;
    /// Messages after `after`, up to `last`, of which something may be removed that was accepted until then. Oldest first, some at a time.
    fn removable(
        &self,
        until: Timestamp,
        after: MessageSeq,
        last: MessageSeq,
    ) -> Result<Vec<MessageSeq>, StoreError>;
    /// What the rows take, in bytes. Room that removed ones have left does not count: it is used again.
    fn used_bytes(&self) -> Result<u64, StoreError>;
}

/// What is written, and what else only a hub asks for. Cheap to hand around behind an `Arc`; reads like a `Reading`.
#[async_trait]
pub trait Home: Send + Sync {
    fn reading(&self) -> &(dyn Reading + 'static);

    /// What the home needs of others. Nothing on one machine.
    fn needs(&self) -> Vec<Need>;

    /// Waits until it is this hub's turn to do what only one may do at a time. `name` is the same for all that share the home.
    async fn turn(&self, name: &str) -> Box<dyn Turn>;

    /// Resolves when the message will survive a power cut.
    async fn accept(&self, message: Message) -> Result<(), StoreError>;

    /// All of them, with how far that brings the poll or the file, or nothing.
    async fn accept_all(&self, messages: Vec<Message>, cursor: Option<Cursor>) -> Result<(), StoreError>;

    /// Records what became of messages, all or nothing, in order. `Stale`: look the facts up and decide again.
    async fn record(&self, batch: Vec<Recorded>, as_of: AsOf) -> Result<Vec<RecordedEvent>, StoreError>;

    /// Settles deliveries, all or nothing.
    async fn settle(&self, batch: Arc<[Settled]>) -> Result<(), StoreError>;

    /// Settles deliveries together with the messages that were made of them, all or nothing.
    async fn settle_with(&self, settled: Vec<Settled>, made: Vec<Message>) -> Result<(), StoreError>;

    /// Takes messages, events and deliveries out of quarantine to try them again.
    async fn requeue(&self, items: Vec<Item>) -> Result<Requeued, StoreError>;

    /// Puts what is selected on its way again, all or nothing; or, as a trial, says what that would be. `Stale`: a customer has spoken
    /// since the decisions were made, decide again.
    async fn replay(&self, replay: Replay) -> Result<Replayed, StoreError>;

    /// Gives up those that have failed, with this reason; how many of them it has looked at.
    async fn expire_failed(
        &self,
        deliveries: Vec<DeliverySeq>,
        why: &'static str,
    ) -> Result<usize, StoreError>;

    /// The same for those in flight that nobody has in hand.
    async fn expire_waiting(
        &self,
        deliveries: Vec<DeliverySeq>,
        patience: Patience,
        why: &'static str,
    ) -> Result<usize, StoreError>;

    /// Removes what may be removed of that, as much as a moment allows.
    async fn remove(&self, removal: Removal) -> Result<Progress, StoreError>;

    /// Gives deliveries in flight that fate, at most `limit` of them, and says how many. Nobody may be at work on them.
    async fn settle_left(
        &self,
        left: Left,
        fate: Fate,
        reason: &'static str,
        limit: u32,
    ) -> Result<usize, StoreError>;

    /// The destination's deliveries in flight keep no order among each other any more.
    async fn free_lanes(&self, destination: ChannelName) -> Result<(), StoreError>;

    /// That a destination fails as a whole; `None`: it works.
    async fn set_failing(&self, destination: ChannelName, failing: Option<Failing>)
    -> Result<(), StoreError>;

    /// Takes of a destination's quota; how much there was.
    async fn draw(&self, draw: Draw) -> Result<u64, StoreError>;

    /// Writes what was handed over, and lets go. Calls that come later fail.
    async fn close(&self);
}

/// A server that the home works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub name: &'static str,
    /// `Err` says why it is not, and shows no secret.
    pub there: Result<(), String>,
    /// Without it no message can be accepted.
    pub to_accept: bool,
}

/// It is this hub's turn until this is dropped or lost.
#[async_trait]
pub trait Turn: Send + Sync {
    /// Resolves when it is over: what is under way has to end.
    async fn lost(&self);
}

impl<'h> std::ops::Deref for dyn Home + 'h {
    type Target = dyn Reading;

    fn deref(&self) -> &Self::Target {
        self.reading()
    }
}
