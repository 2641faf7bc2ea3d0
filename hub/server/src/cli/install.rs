//! `snodo connector install|remove`: what may come into a hub, and what it may do there. Nothing that a pack says of its own
//! level is believed: it is tried here.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use snodo_core::declare::lock::{Findings, LOCK};
use snodo_core::declare::{Hub, Lock, Locked};
use snodo_core::vocabulary::Vocabulary;
use snodo_host::Role;
use snodo_kit::{Pack, Report, certify, sign};

use super::{Exit, Invocation, check, kit, pack, screen};
use crate::configuration::{self, Configuration, installed};

#[derive(clap::Args)]
pub struct InstallArgs {
    /// The packed connector, with its signature beside it; or a connector's folder, which is packed on the way
    path: PathBuf,
    /// Let it do more than the version before: what that is stands in the refusal without this
    #[arg(long)]
    accept: bool,
}

#[derive(clap::Args)]
pub struct RemoveArgs {
    /// Its name
    name: String,
}

/// Where a hub keeps its connectors, and what it asks of them.
struct Place {
    folder: PathBuf,
    connectors: PathBuf,
    hub: Hub,
    lock: Lock,
}

pub fn install(invocation: &Invocation, args: &InstallArgs) -> anyhow::Result<Exit> {
    let Some(place) = open(invocation)? else { return Ok(Exit::Wrong) };
    let (packed, signature) = match args.path.is_dir() {
        true => (pack::of_folder(&args.path)?.0, None),
        false => (installed::read(&args.path)?, pack::signature_of(&args.path)?),
    };
    let pack = Pack::read(&packed).with_context(|| format!("failed to install {}", args.path.display()))?;
    let name = &pack.manifest.name;
    let folder = place.connectors.join(name);
    if folder.join("connector.toml").is_file() {
        return refuse(&format!(
            "{} is a connector of that name under development: move the folder away first, then install it",
            folder.display()
        ));
    }
    let keys = &place.hub.trust.keys;
    let signed_by = match (&signature, keys.as_slice()) {
        (_, []) => None,
        (None, _) => {
            return refuse(&format!(
                "{name} is not signed, and hub.toml has keys under [trust]: pack it, sign it with `snodo connector sign`, \
                 and install the file"
            ));
        }
        (Some(signature), keys) => match sign::signer(&packed, signature, keys)? {
            Some(key) => Some(key.to_owned()),
            None => {
                return refuse(&format!(
                    "{name} is signed by none of the keys under [trust] in hub.toml, or was changed since it was signed"
                ));
            }
        },
    };
    let (report, roles) = tried(&pack, &packed)?;
    let required = place.hub.trust.level;
    if report.level < required {
        kit::show(&report)?;
        return refuse(&format!(
            "{name} holds the level {}, and [trust] in hub.toml requires {}",
            report.level.as_str(),
            required.as_str()
        ));
    }
    let findings = Findings { digest: installed::digest(&packed), level: report.level, signed_by, roles };
    let locked = Locked::new(&pack.manifest, findings);
    let wider = place.lock.get(name).map(|before| locked.wider_than(before)).unwrap_or_default();
    if !wider.is_empty() && !args.accept && !agreed(&locked, &wider)? {
        return refuse(&format!("{name} was not installed; `--accept` lets it"));
    }
    place.put(&locked, &packed)?;
    tell(invocation, &locked)?;
    Ok(Exit::Fine)
}

/// Certifies it from the cases inside; with the roles that its component has.
fn tried(pack: &Pack, packed: &[u8]) -> anyhow::Result<(Report, Vec<String>)> {
    let connector = kit::load(packed)?;
    let unpacked = pack.unpack()?;
    let report = certify(&unpacked.folder, &connector, &Vocabulary::load());
    let roles = Role::ALL.into_iter().filter(|role| connector.has(*role));
    Ok((report, roles.map(|role| role.as_str().to_owned()).collect()))
}

/// Asks the person at the terminal, if there is one.
fn agreed(locked: &Locked, wider: &[String]) -> anyhow::Result<bool> {
    eprintln!("{} {} wants more than the version that is installed:", locked.name, locked.version);
    for one in wider {
        eprintln!("  {one}");
    }
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    eprint!("Install it? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn tell(invocation: &Invocation, locked: &Locked) -> anyhow::Result<()> {
    if invocation.json {
        return screen::json(locked);
    }
    let Locked { name, version, level, digest, .. } = locked;
    let signer = match &locked.signed_by {
        Some(key) => format!("signed by {key}"),
        None => "unsigned".to_owned(),
    };
    screen::line(format!("{name} {version}: {}, {signer}, {digest}", level.as_str()))?;
    let embedded = configuration::embedded()?;
    if embedded.iter().any(|one| one.manifest.name == *name) {
        screen::line(format!("It takes the place of the {name} that is built in."))?;
    }
    screen::line(format!(
        "{LOCK} tells of it: commit it. A hub that runs takes it within seconds; `snodo connector reload {name}` says when it has."
    ))?;
    Ok(())
}

pub fn remove(invocation: &Invocation, args: &RemoveArgs) -> anyhow::Result<Exit> {
    let Some(mut place) = open(invocation)? else { return Ok(Exit::Wrong) };
    let name = &args.name;
    let path = installed::path(&place.connectors, name);
    let locked = place.lock.remove(name);
    if !locked && !path.is_file() {
        return refuse(&format!("no connector {name:?} is installed; `snodo connector list` says which are"));
    }
    let users = users(&place.folder, name)?;
    if !users.is_empty() {
        return refuse(&format!("{name} is in use: {}", users.join(", ")));
    }
    // The lock last: a file that it does not know is a mistake, a line of it without a file is not.
    if path.is_file() {
        std::fs::remove_file(&path).with_context(|| format!("failed to remove {}", path.display()))?;
    }
    installed::write_lock(&place.folder, &place.lock)?;
    screen::line(format!("{name} is removed"))?;
    Ok(Exit::Fine)
}

/// The files of the channels that use the connector.
fn users(folder: &Path, name: &str) -> anyhow::Result<Vec<String>> {
    let mut users = Vec::new();
    for file in Configuration::read(folder)?.files.iter().filter(|file| file.path.starts_with("channels/")) {
        match file.text.parse::<toml::Table>() {
            Ok(channel) if channel.get("connector").and_then(toml::Value::as_str) != Some(name) => {}
            Ok(_) => users.push(file.path.clone()),
            Err(_) => {
                bail!("{} cannot be read, so it may be in use there: `snodo check` says why", file.path)
            }
        }
    }
    Ok(users)
}

fn open(invocation: &Invocation) -> anyhow::Result<Option<Place>> {
    let folder = invocation.config.clone();
    let (hub, lock) = (configuration::hub(&folder)?, installed::read_lock(&folder)?);
    match (hub, lock) {
        (Ok(hub), Ok(lock)) => {
            Ok(Some(Place { connectors: folder.join(&hub.connectors), folder, hub, lock }))
        }
        (hub, lock) => {
            let mut mistakes = hub.err().unwrap_or_default();
            mistakes.extend(lock.err());
            check::print(invocation, &mistakes)?;
            Ok(None)
        }
    }
}

fn refuse(why: &str) -> anyhow::Result<Exit> {
    eprintln!("snodo: {why}");
    Ok(Exit::Wrong)
}

impl Place {
    /// The file first: between the two it is a mistake that installing again mends.
    fn put(mut self, locked: &Locked, packed: &[u8]) -> anyhow::Result<()> {
        installed::write(&installed::path(&self.connectors, &locked.name), packed)?;
        self.lock.put(locked.clone());
        installed::write_lock(&self.folder, &self.lock)
    }
}
