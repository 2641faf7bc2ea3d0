//! Events are found by what they are, and by the beginning of their ids.

use std::time::Duration;

use snodo_core::Fate;
use snodo_core::identity::Identifier;
use snodo_store::{
    AsOf, Cursor, Decoding, EventSeq, Filter, Found, MessageSeq, NewEvent, NewVerdict, Order, Recorded,
    StoreError,
};

use crate::bench::Bench;
use crate::services::wait;
use crate::values::*;

crate::both!(
    a_filter_narrows,
    the_beginning_of_an_id_is_enough_if_it_is_one,
    a_trail_shows_the_whole_way,
    a_cursor_is_saved_with_what_it_brought,
    what_is_in_quarantine_is_listed_the_newest_first,
    pending_messages_come_in_order_and_within_limits,
    what_is_closed_says_so,
);

fn fill(bench: &Bench) {
    bench.bring(vec![event("1", "a")]);
    bench.pass(Duration::from_secs(10));
    let mut cart = event("2", "b");
    cart.event.kind = "commerce.cart.updated".into();
    cart.verdict = NewVerdict::Routed(vec![suppressed("crm")]);
    bench.bring(vec![of_customer(customer(1), "a@x.it", cart)]);
    bench.pass(Duration::from_secs(10));
    bench.bring(vec![NewEvent { filtered: 1, verdict: NewVerdict::Routed(vec![]), ..event("3", "c") }]);
    bench.bring(vec![event("1", "a")]);
    bench.bring(vec![broken("5", "e")]);
    let due = bench.home.fresh(&name("crm"), 1, MANY).unwrap().remove(0);
    bench.settle(&due, finally(Fate::Delivered));
    bench.bring(vec![event("6", "f")]);
}

fn a_filter_narrows(bench: &mut Bench) {
    fill(bench);
    let start = snodo_core::Timestamp::from_millis(START);
    let all = Filter { order: Order::OldestFirst, ..Filter::default() };
    let kind = |kind: &str| Filter { kind: Some(kind.into()), ..all.clone() };
    let fate = |fate| Filter { fate: Some(fate), ..all.clone() };
    for (filter, expected) in [
        (all.clone(), vec![1, 2, 3, 4, 5, 6]),
        (Filter::default(), vec![6, 5, 4, 3, 2, 1]),
        (Filter { limit: 2, ..Filter::default() }, vec![6, 5]),
        (Filter { limit: 2, after: Some(EventSeq(2)), ..all.clone() }, vec![3, 4]),
        (Filter { channel: Some(name("till")), ..all.clone() }, vec![]),
        (kind("commerce.cart.updated"), vec![2]),
        (kind("commerce.cart.*"), vec![2]),
        (kind("*"), vec![1, 2, 3, 4, 5, 6]),
        (kind("commerce.cart"), vec![]),
        (Filter { customer: Some(customer(1)), ..all.clone() }, vec![2]),
        (Filter { since: Some(start + Duration::from_secs(1)), ..all.clone() }, vec![2, 3, 4, 5, 6]),
        (Filter { until: Some(start + Duration::from_secs(11)), ..all.clone() }, vec![1, 2]),
        (Filter { since: Some(start + Duration::from_secs(99)), ..all.clone() }, vec![]),
        (fate(Some(Fate::Delivered)), vec![1]),
        (fate(Some(Fate::Suppressed)), vec![2]),
        (fate(Some(Fate::Filtered)), vec![3]),
        (fate(Some(Fate::Duplicate)), vec![4]),
        (fate(Some(Fate::Quarantined)), vec![5]),
        (fate(Some(Fate::Dead)), vec![]),
        (fate(None), vec![6]),
    ] {
        let found: Vec<i64> = bench.home.events(&filter).unwrap().iter().map(|row| row.seq.0).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

fn the_beginning_of_an_id_is_enough_if_it_is_one(bench: &mut Bench) {
    fill(bench);
    let whole = id("6").to_string();
    // Ids of one time begin alike: they differ after the time, 12 digits and a version.
    for (text, expected) in [
        (whole.as_str(), Found::One(EventSeq(6))),
        (&whole[..23], Found::One(EventSeq(6))),
        (&whole.replace('-', "")[..20], Found::One(EventSeq(6))),
        (&id("1").to_string(), Found::One(EventSeq(1))),
        ("ffff", Found::Nothing),
        ("", Found::Nothing),
        ("order", Found::Nothing),
    ] {
        assert_eq!(bench.home.find(text).unwrap(), expected, "{text}");
    }
    let found = bench.home.find(&whole[..8]).unwrap();
    assert!(
        matches!(&found, Found::Many(several) if several.len() == 5),
        "ids of one time begin alike: {found:?}"
    );
}

fn a_trail_shows_the_whole_way(bench: &mut Bench) {
    fill(bench);
    let trail = bench.home.trail(EventSeq(1)).unwrap().unwrap();
    assert_eq!(&trail.message.message.body[..], b"raw");
    assert_eq!(trail.deliveries[0].delivery.fate, Some(Fate::Delivered));
    assert_eq!(trail.others.iter().map(|other| other.seq.0).collect::<Vec<_>>(), [4]);
    let cart = bench.home.trail(EventSeq(2)).unwrap().unwrap();
    assert_eq!(cart.deliveries[0].delivery.reason.as_deref(), Some("no consent"));
    assert_eq!(cart.identifiers.len(), 1);
    let key = Identifier::new("email", "A@x.it").unwrap().key;
    assert_eq!(bench.home.customer_of(key).unwrap(), Some(customer(1)));
    assert_eq!(bench.home.trail(EventSeq(99)).unwrap(), None);
}

fn a_cursor_is_saved_with_what_it_brought(bench: &mut Bench) {
    let shop = name("shop");
    assert_eq!(bench.home.cursor(&shop, "orders.csv").unwrap(), None);
    for value in ["1", "2"] {
        let cursor = Cursor { channel: shop.clone(), name: "orders.csv".into(), value: value.into() };
        let messages = (0..3).map(|_| message("shop", value, bench.now())).collect();
        wait(bench.home.accept_all(messages, Some(cursor))).unwrap();
    }
    bench.reopen();
    assert_eq!(bench.home.cursor(&shop, "orders.csv").unwrap(), Some(b"2".to_vec()));
    assert_eq!(bench.home.pending_channels().unwrap(), std::slice::from_ref(&shop));
    assert_eq!(bench.pending(&shop).len(), 6);
    bench.assert_balanced();
}

fn what_is_in_quarantine_is_listed_the_newest_first(bench: &mut Bench) {
    for key in ["1", "2", "3"] {
        let problem =
            Recorded { message: bench.accept("shop", key), result: Decoding::Quarantined(key.into()) };
        bench.record(vec![problem], bench.as_of()).unwrap();
        bench.bring(vec![broken(key, key), at_place(1, event(&format!("good-{key}"), key))]);
    }
    for due in bench.home.fresh(&name("crm"), MANY, MANY).unwrap() {
        bench.settle(&due, finally(Fate::Dead));
    }
    for (limit, messages, events, deliveries) in
        [(MANY, vec![5, 3, 1], vec![5, 3, 1], vec![3, 2, 1]), (2, vec![5, 3], vec![5, 3], vec![3, 2])]
    {
        let found = bench.home.quarantine(limit).unwrap();
        assert_eq!(found.messages.iter().map(|row| row.seq.0).collect::<Vec<_>>(), messages);
        assert_eq!(found.events.iter().map(|row| row.seq.0).collect::<Vec<_>>(), events);
        assert_eq!(found.deliveries.iter().map(|row| row.seq.0).collect::<Vec<_>>(), deliveries);
    }
}

fn pending_messages_come_in_order_and_within_limits(bench: &mut Bench) {
    let bodies = ["aaaa", "bbbb", "cccc"];
    let messages = bodies.map(|body| message("shop", body, bench.now()));
    wait(bench.home.accept_all(messages.to_vec(), None)).unwrap();
    bench.accept("till", "dddd");
    for (limit, bytes, expected) in [(MANY, MANY, 3), (2, MANY, 2), (MANY, 8, 2), (MANY, 9, 2), (MANY, 0, 1)]
    {
        let waiting = bench.home.pending_messages(&name("shop"), MessageSeq(0), limit, bytes).unwrap();
        let found: Vec<_> = waiting.into_iter().map(|(_, message)| message).collect();
        assert_eq!(found, messages[..expected], "{limit} messages or {bytes} bytes");
    }
}

fn what_is_closed_says_so(bench: &mut Bench) {
    let seq = bench.accept("shop", "raw");
    wait(bench.home.close());
    let recorded = Recorded { message: seq, result: Decoding::Decoded(vec![]) };
    let recorded = bench.record(vec![recorded], AsOf(0));
    assert!(matches!(recorded, Err(StoreError::Closed)), "{recorded:?}");
    let late = wait(bench.home.accept(message("shop", "late", bench.now())));
    assert!(matches!(late, Err(StoreError::Closed)), "{late:?}");
    let made = wait(bench.home.settle_with(vec![], vec![message("shop", "late", bench.now())]));
    assert!(matches!(made, Err(StoreError::Closed)), "{made:?}");
}
