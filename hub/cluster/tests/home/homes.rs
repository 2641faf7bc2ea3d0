//! The two homes behind one trait: what the checks call.

use std::collections::HashMap;
use std::time::Duration;

use snodo_cluster::Cluster;
use snodo_core::consent::Consents;
use snodo_core::identity::IdentifierKey;
use snodo_core::{ChannelName, CustomerId, Message, MessageId, Timestamp};
use snodo_store::{
    AsOf, Audit, Balance, Claim, Cursor, Due, EventRow, EventSeq, Facts, Filter, Found, Item, MessageRow,
    MessageSeq, Quarantine, Recorded, RecordedEvent, Requeued, Settled, Store, StoreError, Tally, Trail,
};

use crate::services::{until, wait};
use crate::values::MANY;

type Outcome<T> = Result<T, StoreError>;

pub trait Home {
    /// Resolves when the message can be decoded.
    fn accept(&self, message: Message) -> MessageSeq;
    fn accept_all(&self, messages: Vec<Message>, cursor: Option<Cursor>) -> Outcome<()>;
    fn record(&self, batch: Vec<Recorded>, as_of: AsOf) -> Outcome<Vec<RecordedEvent>>;
    fn settle(&self, batch: Vec<Settled>) -> Outcome<()>;
    fn settle_with(&self, batch: Vec<Settled>, made: Vec<Message>) -> Outcome<()>;
    fn requeue(&self, items: Vec<Item>) -> Outcome<Requeued>;
    fn free_lanes(&self, destination: ChannelName) -> Outcome<()>;
    fn pending_channels(&self) -> Outcome<Vec<ChannelName>>;
    fn pending(
        &self,
        channel: &ChannelName,
        limit: usize,
        bytes: usize,
    ) -> Outcome<Vec<(MessageSeq, Message)>>;
    fn cursor(&self, channel: &ChannelName, name: &str) -> Outcome<Option<Vec<u8>>>;
    fn facts(&self, identifiers: &[IdentifierKey]) -> Outcome<Facts>;
    fn consents(&self, customers: &[CustomerId]) -> Outcome<HashMap<CustomerId, Consents>>;
    fn customer_of(&self, identifier: IdentifierKey) -> Outcome<Option<CustomerId>>;
    fn identifiers_of(&self, customer: CustomerId) -> Outcome<Vec<(String, Timestamp)>>;
    fn claim(&self, claim: &Claim<'_>) -> Outcome<Vec<Due>>;
    fn fresh(&self, destination: &ChannelName, limit: usize, bytes: usize) -> Outcome<Vec<Due>>;
    fn head(
        &self,
        destination: &ChannelName,
        limit: usize,
        bytes: usize,
    ) -> Outcome<Option<(Timestamp, Vec<Due>)>>;
    fn next_due(&self, destination: &ChannelName) -> Outcome<Option<Timestamp>>;
    fn destinations_in_flight(&self) -> Outcome<Vec<(ChannelName, u64)>>;
    fn tally(&self) -> Outcome<Tally>;
    fn balance(&self, since: Option<Timestamp>) -> Outcome<Balance>;
    fn audit(&self) -> Outcome<Audit>;
    fn find(&self, text: &str) -> Outcome<Found>;
    fn event(&self, seq: EventSeq) -> Outcome<Option<EventRow>>;
    fn events(&self, filter: &Filter) -> Outcome<Vec<EventRow>>;
    fn timeline(&self, customer: CustomerId, after: EventSeq, limit: usize) -> Outcome<Vec<EventRow>>;
    fn trail(&self, seq: EventSeq) -> Outcome<Option<Trail>>;
    fn quarantine(&self, limit: usize) -> Outcome<Quarantine>;
    fn quarantined_message(&self, id: MessageId) -> Outcome<Option<MessageRow>>;
    fn message(&self, seq: MessageSeq) -> Outcome<Option<MessageRow>>;
    fn close(&self);
}

/// What both have by the same names.
macro_rules! alike {
    ($home:ident) => {
        fn record(&self, batch: Vec<Recorded>, as_of: AsOf) -> Outcome<Vec<RecordedEvent>> {
            self.record_blocking(batch, as_of)
        }
        fn settle(&self, batch: Vec<Settled>) -> Outcome<()> {
            self.settle_blocking(batch)
        }
        fn settle_with(&self, batch: Vec<Settled>, made: Vec<Message>) -> Outcome<()> {
            wait($home::settle_with(self, batch, made))
        }
        fn requeue(&self, items: Vec<Item>) -> Outcome<Requeued> {
            wait($home::requeue(self, items))
        }
        fn free_lanes(&self, destination: ChannelName) -> Outcome<()> {
            wait($home::free_lanes(self, destination))
        }
        fn pending_channels(&self) -> Outcome<Vec<ChannelName>> {
            (**self).pending_channels()
        }
        fn pending(
            &self,
            channel: &ChannelName,
            limit: usize,
            bytes: usize,
        ) -> Outcome<Vec<(MessageSeq, Message)>> {
            (**self).pending_messages(channel, MessageSeq(0), limit, bytes)
        }
        fn cursor(&self, channel: &ChannelName, name: &str) -> Outcome<Option<Vec<u8>>> {
            (**self).cursor(channel, name)
        }
        fn facts(&self, identifiers: &[IdentifierKey]) -> Outcome<Facts> {
            (**self).facts(identifiers)
        }
        fn consents(&self, customers: &[CustomerId]) -> Outcome<HashMap<CustomerId, Consents>> {
            (**self).consents(customers)
        }
        fn customer_of(&self, identifier: IdentifierKey) -> Outcome<Option<CustomerId>> {
            (**self).customer_of(identifier)
        }
        fn identifiers_of(&self, customer: CustomerId) -> Outcome<Vec<(String, Timestamp)>> {
            (**self).identifiers_of(customer)
        }
        fn claim(&self, claim: &Claim<'_>) -> Outcome<Vec<Due>> {
            (**self).claim(claim)
        }
        fn fresh(&self, destination: &ChannelName, limit: usize, bytes: usize) -> Outcome<Vec<Due>> {
            (**self).fresh(destination, limit, bytes)
        }
        fn head(
            &self,
            destination: &ChannelName,
            limit: usize,
            bytes: usize,
        ) -> Outcome<Option<(Timestamp, Vec<Due>)>> {
            (**self).head(destination, limit, bytes)
        }
        fn next_due(&self, destination: &ChannelName) -> Outcome<Option<Timestamp>> {
            (**self).next_due(destination)
        }
        fn destinations_in_flight(&self) -> Outcome<Vec<(ChannelName, u64)>> {
            (**self).destinations_in_flight()
        }
        fn tally(&self) -> Outcome<Tally> {
            (**self).tally()
        }
        fn balance(&self, since: Option<Timestamp>) -> Outcome<Balance> {
            (**self).balance(since)
        }
        fn audit(&self) -> Outcome<Audit> {
            (**self).audit()
        }
        fn find(&self, text: &str) -> Outcome<Found> {
            (**self).find(text)
        }
        fn event(&self, seq: EventSeq) -> Outcome<Option<EventRow>> {
            (**self).event(seq)
        }
        fn events(&self, filter: &Filter) -> Outcome<Vec<EventRow>> {
            (**self).events(filter)
        }
        fn timeline(&self, customer: CustomerId, after: EventSeq, limit: usize) -> Outcome<Vec<EventRow>> {
            (**self).timeline(customer, after, limit)
        }
        fn trail(&self, seq: EventSeq) -> Outcome<Option<Trail>> {
            (**self).trail(seq)
        }
        fn quarantine(&self, limit: usize) -> Outcome<Quarantine> {
            (**self).quarantine(limit)
        }
        fn quarantined_message(&self, id: MessageId) -> Outcome<Option<MessageRow>> {
            (**self).quarantined_message(id)
        }
        fn message(&self, seq: MessageSeq) -> Outcome<Option<MessageRow>> {
            (**self).message(seq)
        }
        fn close(&self) {
            wait($home::close(self));
        }
    };
}

impl Home for Store {
    alike!(Store);

    fn accept(&self, message: Message) -> MessageSeq {
        wait(Store::accept(self, message)).unwrap()
    }

    fn accept_all(&self, messages: Vec<Message>, cursor: Option<Cursor>) -> Outcome<()> {
        wait(Store::accept_all(self, messages, cursor)).map(drop)
    }
}

impl Home for Cluster {
    alike!(Cluster);

    fn accept(&self, message: Message) -> MessageSeq {
        let (id, channel) = (message.id, message.channel.clone());
        wait(Cluster::accept(self, message)).unwrap();
        let mut seq = None;
        until("an accepted message can be decoded", Duration::from_secs(15), || {
            let waiting = self.pending_messages(&channel, MessageSeq(0), MANY, MANY).unwrap();
            seq = waiting.iter().find(|(_, message)| message.id == id).map(|(seq, _)| *seq);
            seq.is_some()
        });
        seq.expect("it was waited for")
    }

    fn accept_all(&self, messages: Vec<Message>, cursor: Option<Cursor>) -> Outcome<()> {
        wait(Cluster::accept_all(self, messages, cursor))
    }
}
