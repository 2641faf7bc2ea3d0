//! A connector that does its worst: the hub lives, and the events of its neighbours flow.

use crate::company::Company;
use crate::line::{client, order, post};
use crate::receiver::Receiver;

/// What the hostile component does when a message's body says so.
const BEHAVIOURS: [&str; 6] = ["spin", "allocate", "recurse", "panic", "huge", "few"];

/// The hostile component as a connector of the company.
fn install(company: &Company) {
    let folder = company.path("connectors/hostile");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("hostile.wasm"), snodo_test_components::HOSTILE).unwrap();
    std::fs::write(
        folder.join("connector.toml"),
        "name = \"hostile\"\nversion = \"1.0.0\"\ntitle = \"Hostile\"\ntouchpoint = \"generic\"\nsummary = \"Does its worst.\"\ncontract = \"1.0\"\n\
         [source]\nemits = [\"*\"]\ntransports = [\"http\"]\n[destination]\naccepts = [\"*\"]\ntransports = [\"http\"]\nhosts = []\nbatch_max = 100\npersonal_data = [\"*\"]\n\
         [config]\ntype = \"object\"\n",
    )
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_connector_keeps_nobody_else_waiting() {
    let receiver = Receiver::start().await;
    let company = Company::new();
    install(&company);
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

#[tokio::test(flavor = "multi_thread")]
async fn hostile_destinations_lose_nothing_and_hold_up_nobody() {
    const ORDERS: u32 = 5;
    const FAILURES: [(&str, &str); 5] = [
        ("spin", "did not answer"),
        ("allocate", "bytes of memory"),
        ("recurse", "too deeply"),
        ("panic", "the connector failed"),
        ("few", "the connector broke the contract"),
    ];
    let (receiver, bad) = (Receiver::start().await, Receiver::start().await);
    let company = Company::new();
    install(&company);
    company.canonical_in("shop");
    company.webhook_out("crm", receiver.address);
    company.route("orders", "shop", "crm", "");
    for function in ["encode", "interpret"] {
        for (behaviour, _) in FAILURES {
            let name = format!("{function}-{behaviour}");
            company.channel(
                &name,
                &format!(
                    "connector = \"hostile\"\n[send]\ntransport = \"http\"\nhosts = [\"127.0.0.1\"]\nprivate_networks = true\n\
                     sign.scheme = \"none\"\n[config]\n{function} = \"{behaviour}\"\nurl = \"http://{}/\"\n",
                    bad.address
                ),
            );
            company.route(&name, "shop", &name, "");
        }
    }
    let hub = company.start();
    let client = client();
    for id in 1..=ORDERS {
        assert_eq!(post(&client, &company, "shop", &order(id, "a@example.com")).await, Ok(202));
    }
    let balance = company.settled();
    assert_eq!(balance["difference"], 0);
    assert_eq!(balance["fates"]["delivered"], ORDERS);
    assert_eq!(receiver.taken().len(), ORDERS as usize);
    let failed = company.json(&["quarantine", "list"]);
    for (behaviour, why) in FAILURES {
        for function in ["encode", "interpret"] {
            let destination = format!("{function}-{behaviour}");
            let of_this = failed.iter().filter(|entry| entry["channel"] == destination);
            let found: Vec<String> = of_this.map(|entry| entry["why"].to_string()).collect();
            assert!(
                found.len() == ORDERS as usize && found.iter().all(|said| said.contains(why)),
                "{destination}: {found:?}"
            );
        }
    }
    // Nothing came of what failed to be encoded; the rest was sent once, alone or with others.
    let sent = bad.taken().len();
    assert!((FAILURES.len()..=FAILURES.len() * ORDERS as usize).contains(&sent), "{sent} requests");
    hub.stop();
}
