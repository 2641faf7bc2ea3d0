//! What must become of messages, events and deliveries, by the rules as they are told to people. Knows nothing of how they are kept.

use std::collections::{BTreeMap, BTreeSet};

use snodo_core::Fate;
use snodo_store::{
    DeliverySeq, EventSeq, Item, MessageSeq, NewEvent, NewVerdict, Outcome, RecordedEvent, Tally,
};

use crate::bench::WINDOW;

/// An event as a connector tells it.
pub struct Told {
    /// What its id is made of.
    pub key: String,
    pub body: String,
    pub new: NewEvent,
}

#[derive(Clone, Copy, PartialEq)]
enum Kept {
    Routed,
    Duplicate { of: i64 },
    Quarantined,
}

struct Event {
    key: String,
    body: String,
    message: i64,
    place: u32,
    at: i64,
    kept: Kept,
    routes: i64,
    filtered: i64,
}

#[derive(Default)]
pub struct Oracle {
    pending: Vec<i64>,
    decoded: Vec<i64>,
    in_quarantine: Vec<i64>,
    /// Messages that had an answer once: what comes of them is compared with what is there.
    answered: BTreeSet<i64>,
    events: BTreeMap<i64, Event>,
    last_event: i64,
    /// Of every delivery: its event, and its fate once it has one.
    deliveries: BTreeMap<i64, (i64, Option<Fate>)>,
}

impl Oracle {
    pub fn accept(&mut self, message: MessageSeq) {
        self.pending.push(message.0);
    }

    pub fn decoded(&self) -> usize {
        self.decoded.len()
    }

    /// Keys and bodies of what a message was decoded to.
    pub fn told(&self, message: MessageSeq) -> Vec<(String, String)> {
        let mine = self.events.values().filter(|one| one.message == message.0);
        mine.map(|one| (one.key.clone(), one.body.clone())).collect()
    }

    /// Whether the last place was given to an event that is gone: then a start may give it once more.
    pub fn has_lost_its_last(&self) -> bool {
        self.last_event != self.events.keys().next_back().copied().unwrap_or(0)
    }

    /// The connector cannot decode it.
    pub fn refuse(&mut self, message: MessageSeq) {
        self.pending.retain(|one| *one != message.0);
        self.in_quarantine.push(message.0);
        self.answered.insert(message.0);
    }

    pub fn decode(&mut self, message: MessageSeq, told: &[Told], now: i64) -> Vec<RecordedEvent> {
        self.pending.retain(|one| *one != message.0);
        self.decoded.push(message.0);
        let is_again = !self.answered.insert(message.0);
        let mut quarantined = self.quarantined_of(message.0);
        let record = |one: &Told| {
            let there = is_again.then(|| self.taken_before(message.0, &quarantined, one)).flatten();
            let (seq, outcome) = match there {
                Some(there) => (there, Outcome::Unchanged),
                None => self.record(message.0, one, &mut quarantined, now),
            };
            RecordedEvent { seq: EventSeq(seq), message, place: one.new.place, outcome }
        };
        let done = told.iter().map(record).collect();
        // The message is not decoded to these any more.
        for gone in quarantined {
            self.events.remove(&gone);
        }
        done
    }

    /// Those in quarantine, in their places.
    fn quarantined_of(&self, message: i64) -> Vec<i64> {
        let is_mine = |one: &Event| one.message == message && one.kept == Kept::Quarantined;
        let mut mine: Vec<_> = self.events.iter().filter(|(_, one)| is_mine(one)).collect();
        mine.sort_by_key(|(_, one)| one.place);
        mine.into_iter().map(|(seq, _)| *seq).collect()
    }

    /// What is told again, is out of quarantine with what it repeats, and stays as it is: at the same place, or with the same body.
    fn taken_before(&self, message: i64, quarantined: &[i64], told: &Told) -> Option<i64> {
        let is_out = |kept| match kept {
            Kept::Routed => true,
            Kept::Duplicate { of } => !quarantined.contains(&of),
            Kept::Quarantined => false,
        };
        let mine = || {
            let mine = self.events.iter().filter(|(_, one)| one.message == message && one.key == told.key);
            mine.filter(|(_, one)| is_out(one.kept))
        };
        let same_place = mine().find(|(_, one)| one.place == told.new.place);
        same_place.or_else(|| mine().find(|(_, one)| one.body == told.body)).map(|(seq, _)| *seq)
    }

    fn record(&mut self, message: i64, told: &Told, quarantined: &mut Vec<i64>, now: i64) -> (i64, Outcome) {
        self.last_event += 1;
        let seq = self.last_event;
        // It takes the place of the one in quarantine that it is now, which does not count against it.
        let same_id = |one: &&i64| self.events[*one].key == told.key;
        let same = quarantined.iter().filter(same_id).find(|one| self.events[*one].body == told.body);
        let replaced = same.or_else(|| quarantined.iter().find(same_id));
        if let Some(at) = replaced.and_then(|replaced| quarantined.iter().position(|one| one == replaced)) {
            let replaced = quarantined.remove(at);
            self.events.remove(&replaced);
            for one in self.events.values_mut().filter(|one| one.kept == Kept::Duplicate { of: replaced }) {
                one.kept = Kept::Duplicate { of: seq };
            }
        }
        let kept = self.judge(told, now);
        let outcome = match kept {
            Kept::Routed => self.route(seq, &told.new),
            Kept::Duplicate { of } => Outcome::Duplicate { of: EventSeq(of) },
            Kept::Quarantined => Outcome::Quarantined,
        };
        let Told { key, body, new } = told;
        let (key, body) = (key.clone(), body.clone());
        let (routes, filtered) = (i64::from(new.routes), i64::from(new.filtered));
        let event = Event { key, body, message, place: new.place, at: now, kept, routes, filtered };
        self.events.insert(seq, event);
        (seq, outcome)
    }

    fn judge(&self, told: &Told, now: i64) -> Kept {
        let window = i64::try_from(WINDOW.as_millis()).unwrap();
        let recent = |kept| {
            let same_id = self.events.iter().rev().filter(|(_, one)| one.key == told.key);
            same_id.filter(move |(_, one)| one.kept == kept && one.at >= now - window)
        };
        let is_valid = matches!(told.new.verdict, NewVerdict::Routed(_));
        let accepted = recent(Kept::Routed).next();
        let beside = recent(Kept::Quarantined).find(|(_, one)| one.body == told.body);
        match (accepted, beside) {
            (Some((of, one)), _) if one.body == told.body => Kept::Duplicate { of: *of },
            (None, _) if is_valid => Kept::Routed,
            (_, Some((of, _))) => Kept::Duplicate { of: *of },
            _ => Kept::Quarantined,
        }
    }

    fn route(&mut self, event: i64, new: &NewEvent) -> Outcome {
        let NewVerdict::Routed(deliveries) = &new.verdict else { panic!("only what is valid is routed") };
        let first = self.deliveries.keys().next_back().map_or(1, |last| last + 1);
        let mut end = first;
        for delivery in deliveries {
            let fate = delivery.fate.as_ref().map(|(fate, _)| *fate);
            self.deliveries.insert(end, (event, fate));
            end += 1;
        }
        Outcome::Routed(DeliverySeq(first)..DeliverySeq(end))
    }

    pub fn settle(&mut self, delivery: DeliverySeq, fate: Fate) {
        let known = self.deliveries.get_mut(&delivery.0).map(|(_, known)| known.replace(fate));
        assert_eq!(known, Some(None), "delivery {delivery} was not in flight");
    }

    /// How many messages and deliveries are on their way again.
    pub fn requeue(&mut self, items: &[Item]) -> (u64, u64) {
        let (mut messages, mut deliveries) = (0, 0);
        for item in items {
            match *item {
                Item::Message(seq) if self.in_quarantine.contains(&seq.0) => {
                    messages += self.decode_again(seq.0);
                }
                Item::Message(_) => {}
                Item::Event(seq) => match self.events.get(&seq.0).map(|one| (one.kept, one.message)) {
                    Some((Kept::Quarantined, message)) => messages += self.decode_again(message),
                    Some((Kept::Routed, _)) => deliveries += self.try_again(|_, event| event == seq.0),
                    _ => {}
                },
                Item::Delivery(seq) => deliveries += self.try_again(|delivery, _| delivery == seq.0),
            }
        }
        (messages, deliveries)
    }

    fn decode_again(&mut self, message: i64) -> u64 {
        if self.pending.contains(&message) {
            return 0;
        }
        self.decoded.retain(|one| *one != message);
        self.in_quarantine.retain(|one| *one != message);
        self.pending.push(message);
        1
    }

    fn try_again(&mut self, is_meant: impl Fn(i64, i64) -> bool) -> u64 {
        let meant = self.deliveries.iter_mut().filter(|(seq, (event, _))| is_meant(**seq, *event));
        let failed = meant.filter(|(_, (_, fate))| matches!(fate, Some(Fate::Quarantined | Fate::Dead)));
        failed.map(|(_, (_, fate))| *fate = None).count() as u64
    }

    /// The messages, events and deliveries that wait for a person, the newest first.
    pub fn quarantine(&self) -> [Vec<i64>; 3] {
        let is_failed = |fate: &Option<Fate>| matches!(fate, Some(Fate::Quarantined | Fate::Dead));
        let mut messages = self.in_quarantine.clone();
        messages.sort_by_key(|seq| -seq);
        let events = self.events.iter().rev().filter(|(_, one)| one.kept == Kept::Quarantined);
        let deliveries = self.deliveries.iter().rev().filter(|(_, (_, fate))| is_failed(fate));
        [messages, events.map(|(seq, _)| *seq).collect(), deliveries.map(|(seq, _)| *seq).collect()]
    }

    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        tally.messages.pending = self.pending.len() as i64;
        tally.messages.decoded = self.decoded.len() as i64;
        tally.messages.quarantined = self.in_quarantine.len() as i64;
        tally.messages.accepted = (self.pending.len() + self.decoded.len() + self.in_quarantine.len()) as i64;
        for event in self.events.values() {
            tally.expected += event.routes;
            tally.events.decoded += 1;
            match event.kept {
                Kept::Routed => {
                    tally.events.routed += 1;
                    tally.fates[Fate::Filtered] += event.filtered;
                }
                Kept::Duplicate { .. } => {
                    tally.events.duplicate += 1;
                    tally.fates[Fate::Duplicate] += event.routes;
                }
                Kept::Quarantined => {
                    tally.events.quarantined += 1;
                    tally.fates[Fate::Quarantined] += event.routes;
                }
            }
        }
        for (_, fate) in self.deliveries.values() {
            match fate {
                Some(fate) => tally.fates[*fate] += 1,
                None => tally.in_flight += 1,
            }
        }
        tally
    }
}
