//! A copy of the store, made while the hub works, from which another hub goes on.

use std::sync::Arc;

use crate::company::{Company, balanced};
use crate::line::{order, placed};
use crate::receiver::Receiver;
use crate::senders::Senders;

#[tokio::test(flavor = "multi_thread")]
async fn another_hub_goes_on_from_a_copy_that_was_made_at_work() {
    let receiver = Receiver::start().await;
    let first = Arc::new(Company::with_orders_to(receiver.address));
    let hub = first.start();
    placed(&first, (1..=20).map(|number| order(number, "rosa@example.com"))).await;
    let senders = Senders::start(&first, 1, "shop", |number| order(1000 + number, "nina@example.com"));
    let file = first.path("copy.db");
    let file = file.to_str().unwrap();
    let made = first.json(&["backup", file]);
    assert!(made[0]["messages"].as_i64() >= Some(20), "{made:?}");
    // Not over what is there.
    let again = first.run(&["backup", file]);
    assert_eq!(again.status.code(), Some(3), "{again:?}");
    assert!(String::from_utf8_lossy(&again.stderr).contains("it is there already"), "{again:?}");
    senders.stop().await;
    first.settled();
    // Nor into a directory that has a store, with a hub or without.
    assert_eq!(first.run(&["restore", file]).status.code(), Some(3));
    hub.stop();
    let refused = first.run(&["restore", file]);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("a hub has stored something there"),
        "{refused:?}"
    );

    let second = Company::with_orders_to(receiver.address);
    let restored = second.run(&["restore", file]);
    assert!(restored.status.success(), "{restored:?}");
    let before = second.balance();
    balanced(&before);
    assert_eq!(before["messages"]["accepted"], made[0]["messages"], "{before}");
    assert_eq!(before["in_flight"], made[0]["in_flight"], "{before}");
    let hub = second.start();
    // What the copy knows is a duplicate, what it does not is taken.
    placed(&second, [1, 20, 21].map(|number| order(number, "rosa@example.com"))).await;
    let after = second.settled();
    balanced(&after);
    let (messages, duplicates) = (before["messages"]["accepted"].as_i64().unwrap() + 3, 2);
    assert_eq!(after["messages"]["accepted"], messages, "{after}");
    assert_eq!(after["fates"]["delivered"], messages - duplicates, "{after}");
    assert_eq!(after["fates"]["duplicate"], duplicates, "{after}");
    hub.stop();
}
