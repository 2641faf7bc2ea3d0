//! `snodo demo`: a small company's hub at work. Everything is as in earnest: the hub, its store, its declarations, HTTP and files;
//! only the company, its shop's messages and the systems that it tells are made up.

mod company;
mod stand_in;
mod touchpoints;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use snodo_core::vocabulary::Vocabulary;
use snodo_store::home::Reading;
use tokio_util::sync::CancellationToken;

use crate::cli::{Exit, Invocation, balance, events, run, screen};
use crate::configuration::Configuration;
use crate::hub::{Hub, Options};
use crate::telemetry;
use company::Company;
use stand_in::StandIn;

/// The slowest step is the stand-in's being busy for a second; a machine under load may be much slower than that.
const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(clap::Args)]
pub struct Args {
    /// Keep the company in this folder, and the hub running until Ctrl-C
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = "snodo-demo")]
    keep: Option<PathBuf>,
}

pub fn demo(invocation: &Invocation, args: &Args) -> anyhow::Result<Exit> {
    let temporary = tempfile::tempdir().context("failed to make a folder for the demo")?;
    let folder = args.keep.clone().unwrap_or_else(|| temporary.path().to_owned());
    if let Some(kept) = &args.keep {
        anyhow::ensure!(
            !kept.join("hub.toml").exists(),
            "{0} has a hub already: `snodo -c {0} run` starts it; remove the folder, or name another, for a new demo",
            kept.display()
        );
    }
    run::runtime()?.block_on(play(invocation, &folder, args.keep.is_some()))
}

async fn play(invocation: &Invocation, folder: &Path, keep: bool) -> anyhow::Result<Exit> {
    let stop = CancellationToken::new();
    let (stand_in, address) = StandIn::start(stop.clone()).await?;
    let company = company::write(folder, address)?;
    stand_in.expect(&company)?;

    say(&format!(
        "Aurora sells clothes on the web and in Milan. Its hub is declared in {}.",
        folder.display()
    ))?;
    let configuration = Configuration::read(folder)?;
    let declarations = configuration.declarations(&Vocabulary::load()).map_err(|mistakes| {
        anyhow::anyhow!(
            "the demo's own files have mistakes: {}",
            mistakes.iter().map(ToString::to_string).collect::<String>()
        )
    })?;
    telemetry::start_logs(&snodo_core::declare::hub::Log {
        level: snodo_core::declare::LogLevel::Warn,
        ..declarations.hub.log
    });
    let counts = (declarations.channels.len(), declarations.routes.len());
    let hub = Hub::start(&configuration, declarations, Options::of_binary()?).await?;
    say(&format!(
        "The hub listens on {}, with {} channels and {} routes.\n",
        hub.address, counts.0, counts.1
    ))?;

    tell(&company, folder, hub.store.reading()).await?;
    report(&stand_in)?;
    let exit = account(invocation, hub.store.reading())?;

    if keep {
        let stop = run::StopSignals::listen()?;
        go_on(folder)?;
        stop.told().await;
    }
    hub.stop().await;
    stop.cancel();
    if !keep {
        say(
            "Next: `snodo demo --keep` leaves this hub running for you to look into; `snodo init my-hub` begins your own.",
        )?;
    }
    Ok(exit)
}

/// The touchpoints tell their stories.
async fn tell(company: &Company, folder: &Path, store: &dyn Reading) -> anyhow::Result<()> {
    crate::transport::http_out::install_tls();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut told = 0;
    for post in touchpoints::WEB_SHOP.iter().chain(&touchpoints::VISITS) {
        send(&client, company, post).await?;
        told += 1;
    }
    let stranger = Some("not the shop's secret");
    let status = touchpoints::send(&client, company, &touchpoints::ORDER, stranger).await?;
    line("a stranger", "sends an order that the shop did not sign", status)?;
    anyhow::ensure!(status == reqwest::StatusCode::UNAUTHORIZED, "the hub believed a stranger: {status}");
    // What is used by consent waits for what Anna and Bruno have just said.
    settled(store, told).await?;
    for post in &touchpoints::OTHERS {
        send(&client, company, post).await?;
        told += 1;
    }
    for file in &touchpoints::FILES {
        file.drop_into(folder)?;
        line(file.who, file.story, "file")?;
        told += 1;
    }
    // Consent is judged when something is sent: what Anna agreed to until now is to reach her before she thinks otherwise.
    settled(store, told).await?;
    send(&client, company, &touchpoints::WITHDRAWAL).await?;
    settled(store, told + 1).await
}

async fn send(client: &reqwest::Client, company: &Company, post: &touchpoints::Post) -> anyhow::Result<()> {
    let status = touchpoints::send(client, company, post, None).await?;
    line(post.who, post.story, status)?;
    anyhow::ensure!(status.is_success(), "the hub did not take it: {status}");
    Ok(())
}

fn line(who: &str, story: &str, what_came_of_it: impl std::fmt::Display) -> anyhow::Result<()> {
    say(&format!("  {who:<10} {story:<58} {what_came_of_it}"))
}

/// Waits until so many messages are there and everything has a fate, and shows how it comes to it.
async fn settled(store: &dyn Reading, messages: usize) -> anyhow::Result<()> {
    let expected = i64::try_from(messages).expect("a handful");
    let mut shown = None;
    let look = async {
        loop {
            let tally = store.tally()?;
            let (messages, in_flight) = (&tally.messages, tally.in_flight);
            let now = (messages.accepted, messages.pending, in_flight);
            if shown != Some(now) {
                shown = Some(now);
                say(&format!(
                    "  … {} messages accepted, {} to be decoded, {} deliveries in flight",
                    now.0, now.1, now.2
                ))?;
            }
            if messages.accepted >= expected && messages.pending == 0 && in_flight == 0 {
                return anyhow::Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.context("not everything had its fate in time")?
}

fn report(stand_in: &StandIn) -> anyhow::Result<()> {
    let lines = stand_in.told(|told| {
        let count = |object: &str| told.records.get(object).map_or(0, std::collections::BTreeMap::len);
        [
            format!(
                "The CRM has {} contacts, {} deals and {} links between them; it was busy once, and was asked again.",
                count("contacts"),
                count("deals"),
                told.links
            ),
            format!("The newsletter was told of {} events, all of people who agreed to it.", told.mails.len()),
            format!(
                "The service desk has {} tickets more, and the staff chat {} messages.",
                told.tickets.len(),
                told.chat.len()
            ),
            format!("Looks at products that Meta was told of, with hashes in place of names: {}.", told.ads.len()),
            format!("{} requests were refused.", told.refused),
        ]
    });
    say(&format!("\n{}\n", lines.join("\n")))
}

/// The customer's timeline and the ledger.
fn account(invocation: &Invocation, store: &dyn Reading) -> anyhow::Result<Exit> {
    let anna =
        events::customer(store, "email:anna.rossi@example.com")?.context("the hub does not know Anna")?;
    say("Anna's timeline, over all channels:\n")?;
    events::print_timeline(&Invocation { config: invocation.config.clone(), json: false }, store, anna)?;
    say("\nThe ledger: what was accepted, and what became of it.\n")?;
    let counted = store.balance(None)?;
    balance::print(&counted)?;
    let difference = counted.difference();
    Ok(if difference == 0 { Exit::Fine } else { Exit::Wrong })
}

fn go_on(folder: &Path) -> anyhow::Result<()> {
    let folder = folder.display();
    say("The hub goes on until you press Ctrl-C. In another terminal, try:")?;
    for (command, what) in [
        ("events", "what came in"),
        ("timeline email:anna.rossi@example.com", "one customer, all channels"),
        ("explain EVENT", "an event's whole way; take an id from the timeline"),
        ("quarantine list", "what could not be processed"),
        ("balance", "the ledger"),
    ] {
        say(&format!("  snodo -c {folder} {command:<40} {what}"))?;
    }
    say(&format!("Afterwards `snodo -c {folder} run` starts it again."))
}

fn say(text: &str) -> anyhow::Result<()> {
    screen::line(text)?;
    Ok(())
}
