//! `snodo connector`: the connectors at hand, embedded, installed and from the configuration's folder.

use serde_json::json;
use snodo_core::declare::Standing;

use super::{Exit, Invocation, dev, install, kit, pack, screen};
use crate::configuration::{self, Available, Configuration, Origin, installed};

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
    /// Make one file of a connector's folder: its component with its manifest, its cases and its certification inside
    Pack(pack::PackArgs),
    /// Make a pair of keys to sign with
    Key(pack::KeyArgs),
    /// Sign a packed connector
    Sign(pack::SignArgs),
    /// Say whether a packed connector was signed by a key
    Verify(pack::VerifyArgs),
    /// Take a packed connector into the hub: its signature is checked, it is certified, and what it may do is written down
    Install(install::InstallArgs),
    /// Take an installed connector out of the hub
    Remove(install::RemoveArgs),
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
        Command::Pack(args) => pack::pack(invocation, &args),
        Command::Key(args) => pack::key(invocation, &args),
        Command::Sign(args) => pack::sign(invocation, &args),
        Command::Verify(args) => pack::verify(invocation, &args),
        Command::Install(args) => install::install(invocation, &args),
        Command::Remove(args) => install::remove(invocation, &args),
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
    let mut table =
        screen::Table::new(&["connector", "version", "touchpoint", "roles", "level", "from", "what for"]);
    for one in available {
        let manifest = &one.manifest;
        let roles = manifest.roles();
        if invocation.json {
            screen::json(&json!({
                "name": manifest.name, "version": manifest.version, "title": manifest.title,
                "touchpoint": manifest.touchpoint, "roles": roles, "level": level(one), "signed_by": signed_by(one),
                "origin": origin(one), "summary": manifest.summary,
            }))?;
        } else {
            table.row([
                manifest.name.clone(),
                manifest.version.clone(),
                manifest.touchpoint.as_str().to_owned(),
                roles.join(", "),
                level(one).to_owned(),
                from(one),
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
    let manifest = &one.manifest;
    // A folder under development need not be built yet.
    let digest = one.component().map(|component| installed::digest(&component)).ok();
    let hosts = hosts(one);
    if invocation.json {
        let mut value = serde_json::to_value(manifest)?;
        for (key, known) in [
            ("digest", json!(digest)),
            ("level", json!(level(one))),
            ("signed_by", json!(signed_by(one))),
            ("origin", json!(origin(one))),
            ("roles", json!(manifest.roles())),
            ("hosts", json!(hosts)),
        ] {
            value[key] = known;
        }
        screen::json(&value)?;
        return Ok(Exit::Fine);
    }
    let or_none = |list: String| if list.is_empty() { "none".to_owned() } else { list };
    for (what, known) in [
        ("connector", format!("{} {}", manifest.name, manifest.version)),
        ("from", origin(one)),
        ("digest", digest.unwrap_or_else(|| "none: it is not built".to_owned())),
        ("level", level(one).to_owned()),
        ("signed by", signed_by(one).unwrap_or_else(|| "nobody".to_owned())),
        ("contract", manifest.contract.clone()),
        ("roles", manifest.roles().join(", ")),
        ("hosts", or_none(hosts.join(", "))),
    ] {
        screen::line(format!("# {what}: {known}"))?;
    }
    screen::line(format!("\n{}", one.manifest_text.trim_end()))?;
    Ok(Exit::Fine)
}

/// The level as far as it is known; finding it is certification's business.
fn level(one: &Available) -> &'static str {
    match one.standing() {
        Standing::UnderDevelopment => "unknown",
        standing => standing.level().as_str(),
    }
}

/// The signer's public key.
fn signed_by(one: &Available) -> Option<String> {
    match &one.origin {
        Origin::Installed { locked, .. } => locked.signed_by.clone(),
        Origin::Embedded(_) | Origin::Folder(_) => None,
    }
}

fn hosts(one: &Available) -> Vec<String> {
    let poll = one.manifest.poll.iter().flat_map(|poll| &poll.hosts);
    let destination = one.manifest.destination.iter().flat_map(|destination| &destination.hosts);
    let mut hosts: Vec<String> = poll.chain(destination).cloned().collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// Where it comes from and who vouches for it, for a column.
fn from(one: &Available) -> String {
    match &one.origin {
        Origin::Installed { locked, .. } => match &locked.signed_by {
            // All keys begin with RW; a few letters more tell them apart.
            Some(key) => format!("signed by {}…", key.chars().take(10).collect::<String>()),
            None => "installed, unsigned".to_owned(),
        },
        Origin::Embedded(_) | Origin::Folder(_) => origin(one),
    }
}

fn origin(one: &Available) -> String {
    match &one.origin {
        Origin::Embedded(_) => "the hub".to_owned(),
        Origin::Folder(path) | Origin::Installed { path, .. } => path.display().to_string(),
    }
}
