//! `snodo connector new|build|test|try|certify`: the connector kit, at work on a connector's folder.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use snodo_core::vocabulary::Vocabulary;
use snodo_host::{Connector, Draft, Failure, Options, Role, Sandbox};
use snodo_kit::build::{self, Language};
use snodo_kit::create::{self, New};
use snodo_kit::golden::{self, Mode};
use snodo_kit::{Folder, Level, Report, certify};

use super::{Exit, Invocation, screen};
use crate::hub;

#[derive(clap::Args)]
pub struct NewArgs {
    /// Its name, which is its folder's: lower-case letters, digits and hyphens
    name: String,
    /// What it is: source, poll, destination, transform, or several with commas between
    #[arg(long, value_delimiter = ',', default_value = "source")]
    role: Vec<RoleName>,
    /// The language to write it in
    #[arg(long, value_enum, default_value_t = LanguageName::Rust)]
    lang: LanguageName,
    /// Where its folder is made
    #[arg(long = "in", default_value = ".")]
    parent: PathBuf,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum RoleName {
    Source,
    Poll,
    Destination,
    Transform,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum LanguageName {
    Rust,
    #[value(name = "javascript")]
    JavaScript,
    Python,
}

/// The folder that a command works on.
#[derive(clap::Args)]
pub struct Where {
    /// The connector's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
}

#[derive(clap::Args)]
pub struct TestArgs {
    #[command(flatten)]
    at: Where,
    /// Keep what comes out as what is expected: read it before you commit it
    #[arg(long)]
    update: bool,
}

#[derive(clap::Args)]
pub struct CertifyArgs {
    #[command(flatten)]
    at: Where,
    /// Exit with 1 below this level
    #[arg(long, value_enum, default_value_t = LevelName::Gold)]
    level: LevelName,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum LevelName {
    Bronze,
    Silver,
    Gold,
}

#[derive(clap::Args)]
pub struct TryArgs {
    /// What the vendor sends; for a destination or a transform an event as CloudEvents JSON; for a poll the bodies that the vendor
    /// answers with, in turn: without one, what it asks first
    files: Vec<PathBuf>,
    /// The connector's folder
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// A header of the message: `name: value`; may be repeated
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// The channel's configuration: a TOML file with what stands under [config]
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// Where a poll begins: the cursor of an earlier page
    #[arg(long)]
    cursor: Option<String>,
    /// Which role to try, where the connector has several
    #[arg(long, value_enum)]
    role: Option<RoleName>,
}

pub fn new(args: &NewArgs) -> anyhow::Result<Exit> {
    let roles: Vec<Role> = args.role.iter().map(|role| Role::from(*role)).collect();
    let language = match args.lang {
        LanguageName::Rust => Language::Rust,
        LanguageName::JavaScript => Language::JavaScript,
        LanguageName::Python => Language::Python,
    };
    let folder = create::create(&args.parent, &New { name: &args.name, roles: &roles, language })?;
    screen::line(format!("{} is a connector that builds and is certified. Next:", folder.display()))?;
    let folder = folder.strip_prefix(".").unwrap_or(&folder).display().to_string();
    for (command, why) in
        [("build", "to a component"), ("test", "its golden cases"), ("certify", "as the hub's own are")]
    {
        screen::line(format!("  snodo connector {command} {folder:<30} # {why}"))?;
    }
    Ok(Exit::Fine)
}

pub fn build(at: &Where) -> anyhow::Result<Exit> {
    let folder = Folder::open(&at.folder)?;
    let begun = Instant::now();
    let component = build::build(&folder)?;
    let connector = load(&component)?;
    screen::line(format!(
        "{}: {} bytes in {:.1} s, {}, pure, blake3:{}",
        folder.component_path().display(),
        component.len(),
        begun.elapsed().as_secs_f64(),
        roles(&connector),
        connector.digest()
    ))?;
    Ok(Exit::Fine)
}

pub fn test(args: &TestArgs) -> anyhow::Result<Exit> {
    let folder = Folder::open(&args.at.folder)?;
    let connector = load(&folder.component()?)?;
    let mode = if args.update { Mode::Update } else { Mode::Compare };
    let mut failed = 0;
    for case in &folder.cases {
        match case.check(&connector, mode) {
            Ok(()) => screen::line(format!("ok      {}", case.name))?,
            Err(why) => {
                failed += 1;
                screen::line(format!("FAILED  {}\n{why}", case.name))?;
            }
        }
    }
    let done = if args.update { "written" } else { "passed" };
    screen::line(format!("{} {done}, {failed} failed", folder.cases.len() - failed))?;
    Ok(if failed == 0 && !folder.cases.is_empty() { Exit::Fine } else { Exit::Wrong })
}

pub fn certification(invocation: &Invocation, args: &CertifyArgs) -> anyhow::Result<Exit> {
    let folder = Folder::open(&args.at.folder)?;
    let connector = load(&folder.component()?)?;
    let report = certify(&folder, &connector, &Vocabulary::load());
    if invocation.json {
        screen::json(&serde_json::to_value(&report)?)?;
    } else {
        show(&report)?;
    }
    let wanted = match args.level {
        LevelName::Bronze => Level::Bronze,
        LevelName::Silver => Level::Silver,
        LevelName::Gold => Level::Gold,
    };
    Ok(if report.level >= wanted { Exit::Fine } else { Exit::Wrong })
}

pub fn show(report: &Report) -> anyhow::Result<()> {
    for check in &report.checks {
        let said = match (check.findings.is_empty(), &check.needless) {
            (false, _) => "FAILED".to_owned(),
            (true, Some(why)) => format!("not needed: {why}"),
            (true, None) if check.tried == 0 => "nothing to try: add a golden case".to_owned(),
            (true, None) => format!("{} trials", check.tried),
        };
        let role = check.role.unwrap_or("");
        screen::line(format!("{:<7} {role:<12} {:<20} {said}", check.level.as_str(), check.name))?;
        for found in &check.findings {
            screen::line(format!("        {} · {}\n            {}", found.fault, found.at, found.what))?;
        }
    }
    screen::line(format!(
        "{} {}: {}, blake3:{}",
        report.name,
        report.version,
        report.level.as_str(),
        report.digest
    ))?;
    Ok(())
}

pub fn attempt(args: &TryArgs) -> anyhow::Result<Exit> {
    let folder = Folder::open(&args.folder)?;
    let connector = Sandbox::counting(options()?)?.load(&folder.component()?)?;
    let read =
        |file: &PathBuf| std::fs::read(file).with_context(|| format!("failed to read {}", file.display()));
    let mut bodies: Vec<Vec<u8>> = args.files.iter().map(read).collect::<Result<_, _>>()?;
    let config = match &args.with {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("failed to read {}", file.display()))?;
            golden::config(&text.parse()?)
        }
        None => b"{}".to_vec(),
    };
    let role = args.role.map(Role::from).or_else(|| Role::ALL.into_iter().find(|role| connector.has(*role)));
    let role = role.context("the component has no role")?;
    if !connector.has(role) {
        bail!("the component is no {}: it is {}", role.as_str(), roles(&connector));
    }
    if args.cursor.is_some() && role != Role::Poll {
        bail!("a cursor is a poll's: add --role poll");
    }
    let begun = Instant::now();
    let (out, fine) = match (role, bodies.pop()) {
        (Role::Poll, last) => {
            bodies.extend(last);
            steps(&connector, bodies, config, args.cursor.as_deref())?
        }
        (_, Some(body)) if bodies.is_empty() => match role {
            Role::Destination => requests(&connector, &body, config)?,
            Role::Transform => transformed(&connector, &body, config)?,
            _ => events(&connector, body, config, &args.header)?,
        },
        _ => bail!("a {} is tried with one file", role.as_str()),
    };
    let elapsed = begun.elapsed();
    for one in out {
        screen::json(&one)?;
    }
    let memory = connector.memory_bytes(golden::CHANNEL).unwrap_or_default();
    eprintln!(
        "{:.1} ms with the start of an instance, {} KiB of memory, {:.3} M fuel",
        elapsed.as_secs_f64() * 1e3,
        memory >> 10,
        connector.fuel(golden::CHANNEL).unwrap_or_default() as f64 / 1e6
    );
    Ok(if fine { Exit::Fine } else { Exit::Wrong })
}

type Out = (Vec<Value>, bool);

fn events(connector: &Connector, body: Vec<u8>, config: Vec<u8>, headers: &[String]) -> anyhow::Result<Out> {
    let header = |text: &String| match text.split_once(':') {
        Some((name, value)) => Ok((name.trim().to_lowercase(), value.trim().to_owned())),
        None => bail!("{text:?} is no header: write \"name: value\""),
    };
    let sample = golden::Sample {
        id: "try".into(),
        received_at: golden::RECEIVED_MS,
        headers: headers.iter().map(header).collect::<Result<_, _>>()?,
        name: String::new(),
        body,
        config,
    };
    shown(sample.decode(connector))
}

fn transformed(connector: &Connector, event: &[u8], config: Vec<u8>) -> anyhow::Result<Out> {
    let original = golden::Original { event: of_cloudevents(event)?, config, now: golden::RECEIVED_MS };
    shown(original.apply(connector))
}

fn shown(made: Result<Vec<Draft>, Failure>) -> anyhow::Result<Out> {
    match made {
        Ok(drafts) => {
            let shown: Result<Vec<Value>, String> = drafts.iter().map(golden::draft).collect();
            Ok((shown.map_err(anyhow::Error::msg)?, true))
        }
        Err(failure) => Ok((vec![json!({"failure": failure.to_string()})], false)),
    }
}

/// The questions and pages, as far as the answers go.
fn steps(
    connector: &Connector,
    bodies: Vec<Vec<u8>>,
    config: Vec<u8>,
    cursor: Option<&str>,
) -> anyhow::Result<Out> {
    let answered = |body| golden::Answered { status: 200, headers: Vec::new(), body };
    let walk = golden::Walk {
        cursor: cursor.map(|cursor| cursor.as_bytes().to_vec()),
        config,
        now: golden::RECEIVED_MS,
        answers: bodies.into_iter().map(answered).collect(),
    };
    let walked = walk.go(connector);
    let shown: Result<Vec<Value>, String> =
        walked.steps.iter().map(|stepped| golden::step(&stepped.step)).collect();
    let mut out = shown.map_err(anyhow::Error::msg)?;
    match walked.end {
        golden::End::Failed(failure) => {
            out.push(json!({"failure": failure.to_string()}));
            Ok((out, false))
        }
        golden::End::Done | golden::End::Unanswered => Ok((out, true)),
    }
}

fn of_cloudevents(event: &[u8]) -> anyhow::Result<golden::GivenEvent> {
    let event: Value = serde_json::from_slice(event).context("failed to read the event as JSON")?;
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    Ok(golden::GivenEvent {
        id: text("id"),
        kind: text("type"),
        source: text("source"),
        subject: event["subject"].as_str().map(str::to_owned),
        time: text("time"),
        dataschema: text("dataschema"),
        ordering_key: String::new(),
        attributes: Vec::new(),
        data: event["data"].to_string().into_bytes(),
    })
}

fn requests(connector: &Connector, event: &[u8], config: Vec<u8>) -> anyhow::Result<Out> {
    let delivery = golden::Given {
        idempotency_key: "try".into(),
        attempt: 1,
        customer: None,
        event: of_cloudevents(event)?,
    };
    let batch =
        golden::Batch { deliveries: vec![delivery], config, now: golden::RECEIVED_MS, answers: Vec::new() };
    let plan = batch.encode(connector);
    let fine = plan.failed.is_empty();
    let mut out: Vec<Value> =
        plan.calls.iter().map(|call| golden::request(&call.request, &call.covers)).collect();
    out.extend(plan.settled.iter().map(|settlement| golden::outcome(&settlement.outcome)));
    out.extend(plan.failed.iter().map(|(_, failure)| json!({"failure": failure.to_string()})));
    Ok((out, fine))
}

/// As the hub loads it: refused if it is not pure, compiled in a process of its own.
pub fn load(component: &[u8]) -> anyhow::Result<Connector> {
    Ok(Sandbox::new(options()?)?.load(component)?)
}

/// The same with compiled code kept in that folder: where a hub keeps its own, it need not compile again what was tried here.
pub fn load_beside(component: &[u8], cache_dir: PathBuf) -> anyhow::Result<Connector> {
    Ok(Sandbox::new(Options { cache_dir: Some(cache_dir), ..options()? })?.load(component)?)
}

fn options() -> anyhow::Result<Options> {
    Ok(Options {
        // Whoever builds, tests and certifies has the same component compiled each time: seconds, if it brings an interpreter.
        cache_dir: build::cache().ok().map(|cache| cache.join("compiled")),
        compile: hub::Options::of_binary()?.compile,
        limits: snodo_host::Limits::default(),
    })
}

fn roles(connector: &Connector) -> String {
    // A component has its exports in any order.
    let roles = Role::ALL.into_iter().filter(|role| connector.has(*role));
    roles.map(Role::as_str).collect::<Vec<_>>().join(", ")
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Source => Self::Source,
            RoleName::Poll => Self::Poll,
            RoleName::Destination => Self::Destination,
            RoleName::Transform => Self::Transform,
        }
    }
}
