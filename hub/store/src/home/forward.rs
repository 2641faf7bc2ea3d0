//! What a handle's own calls make of it: a home, or something to read from. Both homes have calls of the same names, so that the way from
//! the traits to them stands here once.

/// The names in what is written below.
#[doc(hidden)]
pub mod names {
    pub use std::collections::HashMap;
    pub use std::sync::Arc;

    pub use async_trait::async_trait;
    pub use snodo_core::consent::Consents;
    pub use snodo_core::identity::IdentifierKey;
    pub use snodo_core::{ChannelName, CustomerId, Fate, Message, MessageId, RouteName, Timestamp};

    pub use crate::home::{Home, Reading};
    pub use crate::{
        AsOf, Audit, Balance, Claim, Cursor, DeliverySeq, Draw, Due, EventRow, EventSeq, Facts, Failing,
        Filter, Found, Item, Left, MessageRow, MessageSeq, Overdue, Patience, Progress, Quarantine, Recorded,
        RecordedEvent, Removal, Replay, Replayed, Requeued, Selector, Settled, StoreError, Tally, Trail,
        Undecoded,
    };
}

/// `Reading` for a reader that has its calls.
#[doc(hidden)]
#[macro_export]
macro_rules! reading {
    ($reader:ident) => {
        const _: () = {
            use $crate::home::names::*;

            impl Reading for $reader {
                fn pending_channels(&self) -> Result<Vec<ChannelName>, StoreError> {
                    Self::pending_channels(self)
                }

                fn pending_messages(
                    &self,
                    channel: &ChannelName,
                    after: MessageSeq,
                    limit: usize,
                    bytes_max: usize,
                ) -> Result<Vec<(MessageSeq, Message)>, StoreError> {
                    Self::pending_messages(self, channel, after, limit, bytes_max)
                }

                fn cursor(&self, channel: &ChannelName, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
                    Self::cursor(self, channel, name)
                }

                fn facts(&self, identifiers: &[IdentifierKey]) -> Result<Facts, StoreError> {
                    Self::facts(self, identifiers)
                }

                fn consents(
                    &self,
                    customers: &[CustomerId],
                ) -> Result<HashMap<CustomerId, Consents>, StoreError> {
                    Self::consents(self, customers)
                }

                fn customer_of(&self, identifier: IdentifierKey) -> Result<Option<CustomerId>, StoreError> {
                    Self::customer_of(self, identifier)
                }

                fn identifiers_of(
                    &self,
                    customer: CustomerId,
                ) -> Result<Vec<(String, Timestamp)>, StoreError> {
                    Self::identifiers_of(self, customer)
                }

                fn claim(&self, claim: &Claim<'_>) -> Result<Vec<Due>, StoreError> {
                    Self::claim(self, claim)
                }

                fn fresh(
                    &self,
                    destination: &ChannelName,
                    limit: usize,
                    bytes_max: usize,
                ) -> Result<Vec<Due>, StoreError> {
                    Self::fresh(self, destination, limit, bytes_max)
                }

                fn head(
                    &self,
                    destination: &ChannelName,
                    limit: usize,
                    bytes_max: usize,
                ) -> Result<Option<(Timestamp, Vec<Due>)>, StoreError> {
                    Self::head(self, destination, limit, bytes_max)
                }

                fn next_due(&self, destination: &ChannelName) -> Result<Option<Timestamp>, StoreError> {
                    Self::next_due(self, destination)
                }

                fn destinations_in_flight(&self) -> Result<Vec<(ChannelName, u64)>, StoreError> {
                    Self::destinations_in_flight(self)
                }

                fn failing(&self, destination: &ChannelName) -> Result<Option<Failing>, StoreError> {
                    Self::failing(self, destination)
                }

                fn all_failing(&self) -> Result<Vec<(ChannelName, Failing)>, StoreError> {
                    Self::all_failing(self)
                }

                fn all_drawn(&self, began: Timestamp) -> Result<Vec<(ChannelName, u64)>, StoreError> {
                    Self::all_drawn(self, began)
                }

                fn undecoded(&self, channel: &ChannelName) -> Result<Undecoded, StoreError> {
                    Self::undecoded(self, channel)
                }

                fn routes_in_flight(&self) -> Result<Vec<(RouteName, u64)>, StoreError> {
                    Self::routes_in_flight(self)
                }

                fn left(&self, left: &Left) -> Result<u64, StoreError> {
                    Self::left(self, left)
                }

                fn find(&self, text: &str) -> Result<Found, StoreError> {
                    Self::find(self, text)
                }

                fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError> {
                    Self::event(self, seq)
                }

                fn events(&self, filter: &Filter) -> Result<Vec<EventRow>, StoreError> {
                    Self::events(self, filter)
                }

                fn timeline(
                    &self,
                    customer: CustomerId,
                    after: EventSeq,
                    limit: usize,
                ) -> Result<Vec<EventRow>, StoreError> {
                    Self::timeline(self, customer, after, limit)
                }

                fn trail(&self, seq: EventSeq) -> Result<Option<Trail>, StoreError> {
                    Self::trail(self, seq)
                }

                fn message(&self, seq: MessageSeq) -> Result<Option<MessageRow>, StoreError> {
                    Self::message(self, seq)
                }

                fn quarantine(&self, limit: usize) -> Result<Quarantine, StoreError> {
                    Self::quarantine(self, limit)
                }

                fn quarantined_message(&self, id: MessageId) -> Result<Option<MessageRow>, StoreError> {
                    Self::quarantined_message(self, id)
                }

                fn balance(&self, since: Option<Timestamp>) -> Result<Balance, StoreError> {
                    Self::balance(self, since)
                }

                fn audit(&self) -> Result<Audit, StoreError> {
                    Self::audit(self)
                }

                fn removed(&self) -> Result<Tally, StoreError> {
                    Self::removed(self)
                }

                fn tally(&self) -> Result<Tally, StoreError> {
                    Self::tally(self)
                }

                fn last_event(&self) -> Result<EventSeq, StoreError> {
                    Self::last_event(self)
                }

                fn replayable_events(
                    &self,
                    selector: &Selector,
                    after: EventSeq,
                    last: EventSeq,
                ) -> Result<Vec<EventSeq>, StoreError> {
                    Self::replayable_events(self, selector, after, last)
                }

                fn replayable_messages(
                    &self,
                    selector: &Selector,
                    after: MessageSeq,
                ) -> Result<Vec<MessageSeq>, StoreError> {
                    Self::replayable_messages(self, selector, after)
                }

                fn overdue(&self, patience: &Patience, now: Timestamp) -> Result<Overdue, StoreError> {
                    Self::overdue(self, patience, now)
                }

                fn failed_until(
                    &self,
                    until: Timestamp,
                    after: DeliverySeq,
                ) -> Result<Vec<DeliverySeq>, StoreError> {
                    Self::failed_until(self, until, after)
                }

                fn quarantined_until(
                    &self,
                    until: Timestamp,
                    after: EventSeq,
                ) -> Result<Vec<EventSeq>, StoreError> {
                    Self::quarantined_until(self, until, after)
                }

                fn undecoded_until(
                    &self,
                    until: Timestamp,
                    after: MessageSeq,
                ) -> Result<Vec<MessageSeq>, StoreError> {
                    Self::undecoded_until(self, until, after)
                }

                fn received_until(&self, until: Timestamp) -> Result<MessageSeq, StoreError> {
                    Self::received_until(self, until)
                }

                fn removable(
                    &self,
                    until: Timestamp,
                    after: MessageSeq,
                    last: MessageSeq,
                ) -> Result<Vec<MessageSeq>, StoreError> {
                    Self::removable(self, until, after, last)
                }

                fn used_bytes(&self) -> Result<u64, StoreError> {
                    Self::used_bytes(self)
                }
            }
        };
    };
}

/// `Home` for a handle that has its calls. What is the home's own is given with it.
#[doc(hidden)]
#[macro_export]
macro_rules! home {
    ($home:ident { $($own:tt)* }) => {
        const _: () = {
            use $crate::home::names::*;

            #[async_trait]
            impl Home for $home {
                $($own)*

                async fn accept(&self, message: Message) -> Result<(), StoreError> {
                    Self::accept(self, message).await.map(drop)
                }

                async fn accept_all(&self, messages: Vec<Message>, cursor: Option<Cursor>) -> Result<(), StoreError> {
                    Self::accept_all(self, messages, cursor).await.map(drop)
                }

                async fn record(&self, batch: Vec<Recorded>, as_of: AsOf) -> Result<Vec<RecordedEvent>, StoreError> {
                    Self::record(self, batch, as_of).await
                }

                async fn settle(&self, batch: Arc<[Settled]>) -> Result<(), StoreError> {
                    Self::settle(self, batch).await
                }

                async fn settle_with(&self, settled: Vec<Settled>, made: Vec<Message>) -> Result<(), StoreError> {
                    Self::settle_with(self, settled, made).await
                }

                async fn requeue(&self, items: Vec<Item>) -> Result<Requeued, StoreError> {
                    Self::requeue(self, items).await
                }

                async fn replay(&self, replay: Replay) -> Result<Replayed, StoreError> {
                    Self::replay(self, replay).await
                }

                async fn expire_failed(
                    &self,
                    deliveries: Vec<DeliverySeq>,
                    why: &'static str,
                ) -> Result<usize, StoreError> {
                    Self::expire_failed(self, deliveries, why).await
                }

                async fn expire_waiting(
                    &self,
                    deliveries: Vec<DeliverySeq>,
                    patience: Patience,
                    why: &'static str,
                ) -> Result<usize, StoreError> {
                    Self::expire_waiting(self, deliveries, patience, why).await
                }

                async fn remove(&self, removal: Removal) -> Result<Progress, StoreError> {
                    Self::remove(self, removal).await
                }

                async fn settle_left(
                    &self,
                    left: Left,
                    fate: Fate,
                    reason: &'static str,
                    limit: u32,
                ) -> Result<usize, StoreError> {
                    Self::settle_left(self, left, fate, reason, limit).await
                }

                async fn free_lanes(&self, destination: ChannelName) -> Result<(), StoreError> {
                    Self::free_lanes(self, destination).await
                }

                async fn set_failing(
                    &self,
                    destination: ChannelName,
                    failing: Option<Failing>,
                ) -> Result<(), StoreError> {
                    Self::set_failing(self, destination, failing).await
                }

                async fn draw(&self, draw: Draw) -> Result<u64, StoreError> {
                    Self::draw(self, draw).await
                }

                async fn close(&self) {
                    Self::close(self).await;
                }
            }
        };
    };
}
