//! `snodo schema`: the vocabulary of canonical events, and the schemas of the configuration files.

use std::io::Read;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;
use snodo_core::declare;
use snodo_core::vocabulary::Vocabulary;

use super::{Exit, Invocation, screen};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the types of event: `snodo schema list commerce`
    List {
        /// Only types that begin with this
        #[arg(default_value = "")]
        prefix: String,
    },
    /// Show the schema of a type: `snodo schema show commerce.order.placed`
    Show {
        /// The type, or the name of a shared definition: `shared/money`
        kind: String,
    },
    /// Check events in a file: CloudEvents, one, an array or JSON Lines, or the body of a type
    Check {
        /// The file; `-` is standard input
        file: PathBuf,
        /// The type, if the file holds a body without its envelope
        #[arg(long = "type")]
        kind: Option<String>,
    },
    /// Print the JSON Schema of a configuration file, for editors: `snodo schema config channel > channel.schema.json`
    Config {
        #[arg(value_enum)]
        file: File,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum File {
    Hub,
    Channel,
    Route,
    Connector,
}

pub fn schema(invocation: &Invocation, command: Command) -> anyhow::Result<Exit> {
    let vocabulary = Vocabulary::load();
    match command {
        Command::List { prefix } => list(invocation, &vocabulary, &prefix),
        Command::Show { kind } => show(&vocabulary, &kind),
        Command::Check { file, kind } => check(invocation, &vocabulary, &file, kind.as_deref()),
        Command::Config { file } => {
            let schema = match file {
                File::Hub => declare::schema::hub(),
                File::Channel => declare::schema::channel(),
                File::Route => declare::schema::route(),
                File::Connector => declare::schema::manifest(),
            };
            screen::line(serde_json::to_string_pretty(&schema)?)?;
            Ok(Exit::Fine)
        }
    }
}

fn list(invocation: &Invocation, vocabulary: &Vocabulary, prefix: &str) -> anyhow::Result<Exit> {
    let mut table = screen::Table::new(&["type", "version", "what happened"]);
    for one in vocabulary.types().filter(|one| one.kind.starts_with(prefix)) {
        match invocation.json {
            true => screen::json(&json!({
                "type": &*one.kind, "version": one.version, "dataschema": &*one.dataschema, "title": one.title,
                "description": one.description,
            }))?,
            false => table.row([&*one.kind, one.version, &one.description]),
        }
    }
    if !invocation.json {
        table.print()?;
    }
    Ok(Exit::Fine)
}

fn show(vocabulary: &Vocabulary, name: &str) -> anyhow::Result<Exit> {
    let schema = match name.strip_prefix("shared/") {
        Some(noun) => vocabulary.shared().find(|(name, _)| *name == noun).map(|(_, schema)| schema),
        None => vocabulary.get(name).map(|kind| kind.schema()),
    };
    match schema {
        Some(schema) => {
            screen::line(serde_json::to_string_pretty(schema)?)?;
            Ok(Exit::Fine)
        }
        None => {
            eprintln!("snodo: there is no type {name:?}: `snodo schema list` shows those there are");
            Ok(Exit::Wrong)
        }
    }
}

fn check(
    invocation: &Invocation,
    vocabulary: &Vocabulary,
    file: &PathBuf,
    kind: Option<&str>,
) -> anyhow::Result<Exit> {
    let mut text = String::new();
    match file.as_os_str() == "-" {
        true => std::io::stdin().read_to_string(&mut text).context("failed to read standard input")?,
        false => {
            text = std::fs::read_to_string(file)
                .with_context(|| format!("failed to read {}", file.display()))?;
            0
        }
    };
    let mut events = Vec::new();
    // One value, or one a line; an array of events counts as its events.
    for value in serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>() {
        match value.with_context(|| format!("{} is not JSON", file.display()))? {
            serde_json::Value::Array(some) => events.extend(some),
            one => events.push(one),
        }
    }
    let mut exit = Exit::Fine;
    for (place, event) in events.iter().enumerate() {
        let violations = match vocabulary.check_document(event, kind) {
            Ok(checked) => checked.violations,
            Err(error) => {
                eprintln!("snodo: event {place}: {error}");
                exit = Exit::Wrong;
                continue;
            }
        };
        if !violations.is_empty() {
            exit = Exit::Wrong;
        }
        for violation in &violations {
            match invocation.json {
                true => screen::json(&json!({"event": place, "violation": violation}))?,
                false => screen::line(format!(
                    "event {place}: {}: {} ({}, {})",
                    violation.pointer, violation.message, violation.rule, violation.schema
                ))?,
            }
        }
    }
    if exit == Exit::Fine && !invocation.json {
        screen::line(format!("Valid: {}.", super::check::count(events.len(), "event")))?;
    }
    Ok(exit)
}
