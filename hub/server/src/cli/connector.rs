//! `snodo connector`: the connectors at hand, embedded and from the configuration's folder.

use serde_json::json;

use super::{Exit, Invocation, dev, kit, screen};
use crate::configuration::{self, Available, Configuration, Origin};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List them: what each joins, which way, and where it comes from
    List,
    /// Show one: what it says of itself, and what a channel can configure
    Show {
        /// Its name, as `snodo connector list` shows it
        name: String,
    },
    /// Make the folder of a new one, which builds and is certified before a line of it is changed
    New(kit::NewArgs),
    /// Build, test, compare and put to work in the running hub whenever a file changes; show what comes and what becomes of it
    Dev(dev::Args),
    /// Let the running hub work with a connector as it is on disk now, without a restart
    Reload(dev::ReloadArgs),
    /// Build a connector's folder to a component
    Build(kit::Where),
    /// Run its golden cases in the sandbox
    Test(kit::TestArgs),
    /// Try one payload: which events or requests come out, in which time and memory
    Try(kit::TryArgs),
    /// Try it on its samples, whole and spoilt, and on what vendors answer on bad days; say which level it has
    Certify(kit::CertifyArgs),
}

pub fn connector(invocation: &Invocation, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::List => list(invocation, &available(invocation)?),
        Command::Show { name } => show(invocation, &available(invocation)?, &name),
        Command::New(args) => kit::new(&args),
        Command::Dev(args) => dev::dev(invocation, &args),
        Command::Reload(args) => dev::reload(invocation, &args),
        Command::Build(at) => kit::build(&at),
        Command::Test(args) => kit::test(&args),
        Command::Try(args) => kit::attempt(&args),
        Command::Certify(args) => kit::certification(invocation, &args),
    }
}

/// Without a configuration there still are the connectors of the binary.
fn available(invocation: &Invocation) -> anyhow::Result<Vec<Available>> {
    match invocation.config.join("hub.toml").is_file() {
        true => Ok(Configuration::read(&invocation.config)?.connectors),
        false => configuration::embedded(),
    }
}

fn list(invocation: &Invocation, available: &[Available]) -> anyhow::Result<Exit> {
    let mut table = screen::Table::new(&["connector", "version", "touchpoint", "roles", "from", "what for"]);
    for one in available {
        let manifest = &one.manifest;
        let roles = manifest.roles();
        if invocation.json {
            screen::json(&json!({
                "name": manifest.name, "version": manifest.version, "title": manifest.title,
                "touchpoint": manifest.touchpoint, "roles": roles, "origin": origin(one), "summary": manifest.summary,
            }))?;
        } else {
            table.row([
                manifest.name.clone(),
                manifest.version.clone(),
                manifest.touchpoint.as_str().to_owned(),
                roles.join(", "),
                origin(one),
                manifest.summary.clone(),
            ]);
        }
    }
    if !invocation.json {
        table.print()?;
    }
    Ok(Exit::Fine)
}

fn show(invocation: &Invocation, available: &[Available], name: &str) -> anyhow::Result<Exit> {
    let Some(one) = available.iter().find(|one| one.manifest.name == name) else {
        let names: Vec<&str> = available.iter().map(|one| one.manifest.name.as_str()).collect();
        eprintln!("snodo: there is no connector {name:?}; there are {}", names.join(", "));
        return Ok(Exit::Wrong);
    };
    let digest = blake3::hash(&one.component()?).to_hex();
    if invocation.json {
        let mut value = serde_json::to_value(&one.manifest)?;
        value["digest"] = json!(digest.as_str());
        value["origin"] = json!(origin(one));
        screen::json(&value)?;
        return Ok(Exit::Fine);
    }
    screen::line(format!("# {} ({}), component blake3:{digest}\n", one.manifest.title, origin(one)))?;
    screen::line(one.manifest_text.trim_end())?;
    Ok(Exit::Fine)
}

fn origin(one: &Available) -> String {
    match &one.origin {
        Origin::Embedded(_) => "the hub".to_owned(),
        Origin::Folder(path) => path.display().to_string(),
    }
}
