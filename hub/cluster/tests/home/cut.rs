//! The broker or the database is away for a while: senders are told, nothing that was accepted is lost, and the work goes on by itself.

use std::time::{Duration, Instant};

use snodo_core::Timestamp;
use snodo_store::{AsOf, Cursor, Decoding, MessageSeq, Recorded, StoreError};

use crate::nodes::{Wired, holds};
use crate::services::{Name, until, wait};
use crate::values::*;
use crate::wire::State;
use crate::work::{Log, Worker, by_lane};

const SOON: Duration = Duration::from_secs(30);

fn raw(number: u32) -> snodo_core::Message {
    message("shop", &number.to_string(), Timestamp::from_millis(START))
}

#[test]
fn while_the_broker_is_away_nothing_is_accepted_and_nothing_lost() {
    for state in [State::Cut, State::Frozen] {
        let name = Name::new(2);
        let home = Wired::open(&name, "a");
        holds(&home.node, 2);
        let log = Log::default();
        let worker = Worker::start("a", home.node.clone(), log.clone());
        (0..10).for_each(|number| wait(home.node.accept(raw(number))).unwrap());

        home.amqp.set(state);
        let asked = Instant::now();
        let refused = wait(home.node.accept(raw(10)));
        assert!(matches!(refused, Err(StoreError::Away(_))), "{state:?}: {refused:?}");
        assert!(asked.elapsed() < Duration::from_secs(10), "{state:?}: senders do not wait longer");
        until("it is known", SOON, || !home.node.condition().broker.is_up());
        // From now on senders are told at once.
        let asked = Instant::now();
        assert!(matches!(wait(home.node.accept(raw(10))), Err(StoreError::Away(_))));
        assert!(asked.elapsed() < Duration::from_secs(1), "{state:?}: {:?}", asked.elapsed());

        home.amqp.set(State::Whole);
        // Nothing after the tenth is accepted before the tenth is: it stands first in the line.
        until("it is accepted again", SOON, || wait(home.node.accept(raw(10))).is_ok());
        (11..20).for_each(|number| wait(home.node.accept(raw(number))).unwrap());
        until("all is delivered", SOON, || by_lane(&log).get("shop").is_some_and(|sent| sent.len() >= 20));
        // What was refused may be there all the same, and is known by its event's id.
        assert_eq!(by_lane(&log)["shop"], (0..20).collect::<Vec<_>>(), "{state:?}");
        assert!(home.node.condition().broker.is_up());
        drop(worker);
        wait(home.node.close());
    }
}

#[test]
fn while_the_database_is_away_messages_wait_at_the_broker() {
    for state in [State::Cut, State::Frozen] {
        let name = Name::new(2);
        let home = Wired::open(&name, "a");
        holds(&home.node, 2);
        let log = Log::default();
        let worker = Worker::start("a", home.node.clone(), log.clone());
        (0..10).for_each(|number| wait(home.node.accept(raw(number))).unwrap());
        until("they are delivered", SOON, || by_lane(&log).get("shop").is_some_and(|sent| sent.len() == 10));
        drop(worker);

        home.postgres.set(state);
        (10..20).for_each(|number| wait(home.node.accept(raw(number))).unwrap());
        let cursor = Cursor { channel: name_of("shop"), name: "orders".into(), value: b"1".to_vec() };
        let refused = wait(home.node.accept_all(vec![raw(99)], Some(cursor)));
        assert!(matches!(refused, Err(StoreError::Away(_))), "{state:?}: {refused:?}");
        let nothing = vec![Recorded { message: MessageSeq(1), result: Decoding::Decoded(vec![]) }];
        let refused = home.node.record_blocking(nothing, AsOf(0));
        assert!(matches!(refused, Err(StoreError::Away(_))), "{state:?}: {refused:?}");
        assert!(!home.node.condition().database.is_up());
        until("nothing is claimed without a lease", SOON, || home.node.partitions().is_empty());

        home.postgres.set(State::Whole);
        let worker = Worker::start("a", home.node.clone(), log.clone());
        until("all is delivered", SOON, || by_lane(&log)["shop"].len() >= 20);
        assert_eq!(by_lane(&log)["shop"], (0..20).collect::<Vec<_>>(), "{state:?}");
        assert_eq!(
            home.node.cursor(&name_of("shop"), "orders").unwrap(),
            None,
            "what was refused is not there"
        );
        let audit = home.node.audit().unwrap();
        assert!(audit.agrees(), "{audit:?}");
        drop(worker);
        wait(home.node.close());
    }
}

fn name_of(channel: &str) -> snodo_core::ChannelName {
    name(channel)
}
