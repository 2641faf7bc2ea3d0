//! A thousand channels in one hub, and what each of them costs while nothing comes.

use serde_json::json;

use crate::company::Company;
use crate::doors::with_tools;
use crate::line::{client, order, post};
use crate::receiver::Receiver;
use crate::{kit, swap};

const CHANNELS: u32 = 1_000;

/// What an instance that waits for its next message may take, with all that the hub keeps for its channel.
const IDLE_BYTES_MAX: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_channels_run_in_one_hub_and_an_idle_one_costs_less_than_a_mebibyte() {
    let receiver = Receiver::start().await;
    let company = Company::new();
    let names: Vec<String> = (0..CHANNELS).map(|number| format!("shop-{number}")).collect();
    names.iter().for_each(|name| company.canonical_in(name));
    company.webhook_out("crm", receiver.address);
    let from: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    company.write(
        "routes/orders.toml",
        &format!(
            "title = \"Orders\"\nfrom = [{}]\nto = \"crm\"\npurpose = \"orders\"\nevents = [\"*\"]\n",
            from.join(", ")
        ),
    );
    let hub = company.start();
    let client = client();
    // One channel first, so that what is there only once has been made.
    for id in 0..100 {
        assert_eq!(
            post(&client, &company, "shop-0", &order(CHANNELS + id, "rosa@example.com")).await,
            Ok(202)
        );
    }
    company.settled();
    let before = hub.memory_bytes();
    for (id, name) in (0..).zip(&names) {
        assert_eq!(post(&client, &company, name, &order(id, "rosa@example.com")).await, Ok(202), "{name}");
    }
    let balance = company.settled();
    let each = hub.memory_bytes().saturating_sub(before) / u64::from(CHANNELS);
    println!(
        "{CHANNELS} channels, {} KiB for each idle instance, {} MiB in all",
        each >> 10,
        hub.memory_bytes() >> 20
    );
    assert!(each < IDLE_BYTES_MAX, "{each} bytes for each");
    assert_eq!(
        (&balance["fates"]["delivered"], &balance["difference"]),
        (&json!(CHANNELS + 100), &json!(0)),
        "{balance}"
    );
    assert_eq!(receiver.taken().len(), CHANNELS as usize + 100);
    hub.stop();
}

/// What the README states for connectors that bring an interpreter, by language.
const INTERPRETED: [(&str, u64); 2] = [("javascript", 6 << 20), ("python", 16 << 20)];

const INTERPRETED_CHANNELS: u32 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn connectors_with_an_interpreter_run_within_what_the_readme_states() {
    for (language, bytes_max) in INTERPRETED {
        let company = Company::new();
        let folder = swap::bells(&company, language);
        let mut build = with_tools(env!("CARGO_BIN_EXE_snodo"));
        build.args(["connector", "build"]).arg(&folder).env("SNODO_TOOLS", kit::TOOLS);
        assert!(build.output().unwrap().status.success());
        for number in 0..INTERPRETED_CHANNELS {
            let receive =
                "connector = \"bells\"\n[receive]\ntransport = \"http\"\nverify = { scheme = \"none\" }\n";
            company.channel(&format!("doors-{number}"), receive);
        }
        let hub = company.start();
        let client = client();
        let ring = async |channel: u32, number: u32| {
            let channel = format!("doors-{channel}");
            assert_eq!(post(&client, &company, &channel, &swap::alert(number)).await, Ok(202));
        };
        ring(0, 0).await;
        company.settled();
        let before = hub.memory_bytes();
        for number in 1..INTERPRETED_CHANNELS {
            ring(number, number).await;
        }
        let balance = company.settled();
        let each = hub.memory_bytes().saturating_sub(before) / u64::from(INTERPRETED_CHANNELS - 1);
        println!("{language}: {} KiB for each idle instance", each >> 10);
        assert!(each < bytes_max, "{language}: {each} bytes for each");
        assert_eq!(
            (&balance["messages"]["decoded"], &balance["difference"]),
            (&json!(INTERPRETED_CHANNELS), &json!(0))
        );
        hub.stop();
    }
}
