//! A connector that does its worst: the hub lives, and the events of its neighbours flow.

use crate::company::Company;
use crate::line::{client, order, post};
use crate::receiver::Receiver;

/// What the hostile component does when a message's body says so.
const BEHAVIOURS: [&str; 6] = ["spin", "allocate", "recurse", "panic", "huge", "few"];

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_connector_keeps_nobody_else_waiting() {
    let receiver = Receiver::start().await;
    let company = Company::new();
    let folder = company.path("connectors/hostile");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("hostile.wasm"), snodo_test_components::HOSTILE).unwrap();
    std::fs::write(
        folder.join("connector.toml"),
        "name = \"hostile\"\nversion = \"1.0.0\"\ntitle = \"Hostile\"\ntouchpoint = \"generic\"\nsummary = \"Does its worst.\"\ncontract = \"1.0\"\n\
         [source]\nemits = [\"*\"]\ntransports = [\"http\"]\n",
    )
    .unwrap();
    company.channel(
        "bad",
        "connector = \"hostile\"\n[receive]\ntransport = \"http\"\nverify = { scheme = \"none\" }\n",
    );
    company.canonical_in("shop");
    company.webhook_out("crm", receiver.address);
    company.route("orders", "shop\", \"bad", "crm", "");
    let hub = company.start();
    let client = client();

    for (id, behaviour) in (1..).zip(BEHAVIOURS) {
        let url = format!("http://{}/in/bad", company.address);
        let answer =
            client.post(url).header("content-type", "text/plain").body(behaviour).send().await.unwrap();
        assert_eq!(answer.status(), 202, "{behaviour}");
        assert_eq!(post(&client, &company, "shop", &order(id, "a@example.com")).await, Ok(202));
    }
    let balance = company.settled();
    assert_eq!(balance["messages"]["quarantined"], BEHAVIOURS.len());
    assert_eq!(balance["fates"]["delivered"], BEHAVIOURS.len());
    assert_eq!(receiver.taken().len(), BEHAVIOURS.len());
    let why: Vec<String> =
        company.json(&["quarantine", "list"]).iter().map(|entry| entry["why"].to_string()).collect();
    assert_eq!(why.len(), BEHAVIOURS.len(), "{why:?}");
    hub.stop();
}
