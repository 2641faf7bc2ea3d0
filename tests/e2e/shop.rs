//! A shop that loses its line: its hub keeps what happens there, and hands it to the hub at headquarters when the line is back, all
//! of it and in order.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::company::{Company, balanced};
use crate::line::client;
use crate::live::until;

/// A day of a shop: a receipt every minute and a half.
const RECEIPTS: usize = 960;

fn receipt(number: usize) -> Value {
    let minute = number * 3 / 2;
    json!({
        "specversion": "1.0", "id": format!("r{number}"), "type": "pos.sale.completed", "source": "tills",
        "time": format!("2026-03-01T{:02}:{:02}:00+01:00", minute / 60, minute % 60),
        "data": {"receipt": {"id": format!("r{number}"), "number": number.to_string()}},
    })
}

async fn sell(shop: &Company, numbers: std::ops::Range<usize>) {
    let client = client();
    for number in numbers {
        let url = format!("http://{}/in/tills", shop.address);
        let answer = client
            .post(url)
            .header("content-type", "application/cloudevents+json")
            .body(receipt(number).to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 202);
    }
}

/// The receipts' numbers, in the order in which headquarters has them. A line whose fate was not yet kept at a kill is written once
/// more after it, so only the first of each counts.
fn arrived(headquarters: &Company) -> Vec<usize> {
    let Ok(lines) = std::fs::read_to_string(headquarters.path("archive/events.jsonl")) else {
        return Vec::new();
    };
    let number = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["data"]["receipt"]["number"].as_str().unwrap().parse().unwrap()
    };
    let mut seen = HashSet::new();
    lines.lines().map(number).filter(|number| seen.insert(*number)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_was_cut_off_for_a_day_delivers_everything_in_order() {
    let headquarters = Company::new();
    headquarters.canonical_in("shop-milan");
    headquarters.channel(
        "archive",
        "connector = \"canonical\"\n[send]\ntransport = \"file\"\nfolder = \"archive\"\n[queue]\norder = \"strict\"\n",
    );
    headquarters.route("all", "shop-milan", "archive", "");
    let shop = Company::new();
    shop.canonical_in("tills");
    shop.channel(
        "headquarters",
        &format!(
            "connector = \"canonical\"\n[send]\ntransport = \"http\"\nhosts = [\"127.0.0.1\"]\nprivate_networks = true\n\
             [queue]\norder = \"strict\"\nkeep_trying = \"30 days\"\n\
             [config]\nurl = \"http://{}/in/shop-milan\"\nbatch = true\n",
            headquarters.address
        ),
    );
    shop.route("all", "tills", "headquarters", "");

    // The line is there, and then it is not; the shop's own power fails twice.
    let there = headquarters.start();
    let mut here = shop.start();
    sell(&shop, 0..40).await;
    shop.settled();
    there.kill();
    for sold in [40..RECEIPTS / 2, RECEIPTS / 2..RECEIPTS - 40] {
        sell(&shop, sold).await;
        here.kill();
        here = shop.start();
    }
    until("everything waits for the line", || shop.balance()["in_flight"] == RECEIPTS - 80);
    assert_eq!(shop.balance()["difference"], 0);

    // It is back, breaks once more under way, and what is sold meanwhile comes after all the rest.
    let there = headquarters.start();
    until("a part of it", || arrived(&headquarters).len() >= RECEIPTS / 4);
    there.kill();
    let there = headquarters.start();
    sell(&shop, RECEIPTS - 40..RECEIPTS).await;
    for company in [&shop, &headquarters] {
        balanced(&company.settled());
    }
    for company in [&shop, &headquarters] {
        assert_eq!(company.balance()["fates"]["delivered"], RECEIPTS);
    }
    assert!(arrived(&headquarters).into_iter().eq(0..RECEIPTS), "{:?}", arrived(&headquarters));
    here.stop();
    there.stop();
}
