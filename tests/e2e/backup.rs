//! A copy of the store, made while the hub works, from which another hub goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::company::Company;
use crate::line::{client, order, post};
use crate::receiver::Receiver;
use crate::sql::balanced;

fn company(receiver: &Receiver) -> Company {
    let company = Company::new();
    company.canonical_in("shop");
    company.webhook_out("crm", receiver.address);
    company.route("orders", "shop", "crm", "");
    company
}

#[tokio::test(flavor = "multi_thread")]
async fn another_hub_goes_on_from_a_copy_that_was_made_at_work() {
    let receiver = Receiver::start().await;
    let first = Arc::new(company(&receiver));
    let hub = first.start();
    for number in 1..=20 {
        assert_eq!(post(&client(), &first, "shop", &order(number, "rosa@example.com")).await, Ok(202));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let sending = tokio::spawn({
        let (first, stop) = (first.clone(), stop.clone());
        async move {
            let client = client();
            for number in 1000.. {
                assert_eq!(post(&client, &first, "shop", &order(number, "nina@example.com")).await, Ok(202));
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        }
    });
    let file = first.path("copy.db");
    let file = file.to_str().unwrap();
    let made = first.json(&["backup", file]);
    assert!(made[0]["messages"].as_i64() >= Some(20), "{made:?}");
    // Not over what is there.
    let again = first.run(&["backup", file]);
    assert_eq!(again.status.code(), Some(3), "{again:?}");
    assert!(String::from_utf8_lossy(&again.stderr).contains("it is there already"), "{again:?}");
    stop.store(true, Ordering::Relaxed);
    sending.await.unwrap();
    first.settled();
    // Nor into a directory that has a store, with a hub or without.
    assert_eq!(first.run(&["restore", file]).status.code(), Some(3));
    hub.stop();
    let refused = first.run(&["restore", file]);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("a hub has stored something there"),
        "{refused:?}"
    );

    let second = company(&receiver);
    let restored = second.run(&["restore", file]);
    assert!(restored.status.success(), "{restored:?}");
    let before = second.balance();
    balanced(&before);
    assert_eq!(before["messages"]["accepted"], made[0]["messages"], "{before}");
    assert_eq!(before["in_flight"], made[0]["in_flight"], "{before}");
    let hub = second.start();
    // What the copy knows is a duplicate, what it does not is taken.
    for number in [1, 20, 21] {
        assert_eq!(post(&client(), &second, "shop", &order(number, "rosa@example.com")).await, Ok(202));
    }
    let after = second.settled();
    balanced(&after);
    let (messages, duplicates) = (before["messages"]["accepted"].as_i64().unwrap() + 3, 2);
    assert_eq!(after["messages"]["accepted"], messages, "{after}");
    assert_eq!(after["fates"]["delivered"], messages - duplicates, "{after}");
    assert_eq!(after["fates"]["duplicate"], duplicates, "{after}");
    hub.stop();
}
