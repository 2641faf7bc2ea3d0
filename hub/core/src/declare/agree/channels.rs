//! What a channel says against its connector's manifest and against the other channels.

mod mail;
mod sql;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{brokers, is_junction, manifest};
use crate::ChannelName;
use crate::declare::document::{Document, Spot};
use crate::declare::load::Loaded;
use crate::declare::manifest::{INLETS, OUTLETS, POLL};
use crate::declare::{Known, Level, Manifest, Mistake, Standing, settings, wording};

pub fn check(loaded: &Loaded<'_>, known: Known<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let (mut folders, mut write_keys) = (BTreeMap::new(), BTreeMap::new());
    let mut mailboxes = mail::Mailboxes::new(loaded);
    let required = required_level(loaded);
    for (name, found) in &loaded.channels {
        let Some(document) = &found.document else { continue };
        let manifest = manifest(known, document.text("/connector"));
        if let Some(manifest) = manifest {
            check_against(manifest, document, &mut mistakes);
            check_level(manifest, known, required, document, &mut mistakes);
        }
        let whole = !loaded.mistakes.iter().any(|one| one.file == document.file.path);
        let junction = manifest.is_some_and(|manifest| is_junction(document, manifest));
        if whole && !junction && !document.has("/receive") && !document.has("/send") {
            let message = "nothing comes in through this channel, and nothing goes out";
            let remedy = "add [receive] or [send] with a transport, or both";
            mistakes.push(document.mistake(&Spot::Key(""), message, remedy));
        }
        sql::check(document, &mut mistakes);
        mailboxes.check(name, document, &mut mistakes);
        check_folders(name, document, &mut folders, &mut mistakes);
        check_write_keys(name, document, &mut write_keys, &mut mistakes);
        brokers::check(document, &mut mistakes);
    }
    mistakes
}

fn check_against(manifest: &Manifest, document: &Document<'_>, mistakes: &mut Vec<Mistake>) {
    let inlets = manifest.inlets();
    let outlets = manifest.destination.iter().flat_map(|destination| &destination.transports);
    let outlets: Vec<&str> = outlets.map(String::as_str).collect();
    let ways_in: Vec<&str> = INLETS.into_iter().chain([POLL]).collect();
    for (section, transports, known, way) in [
        ("/receive", inlets, ways_in.as_slice(), "nothing comes in"),
        ("/send", outlets, OUTLETS.as_slice(), "nothing goes out"),
    ] {
        if !document.has(section) {
            continue;
        }
        if transports.is_empty() {
            let message = format!("{way} through the connector {:?}", manifest.name);
            let remedy = format!("leave {} out, or choose another connector", wording::section(section));
            mistakes.push(document.mistake(&Spot::Key(section), message, remedy));
            continue;
        }
        let at = format!("{section}/transport");
        // One that no connector has was spoken of with the shape.
        let Some(transport) = document.text(&at).filter(|one| known.contains(one)) else { continue };
        if !transports.contains(&transport) {
            let message = format!("the connector {:?} does not work by {transport:?}", manifest.name);
            let remedy = wording::choose(transport, &transports);
            mistakes.push(document.mistake(&Spot::Value(&at), message, remedy));
        }
    }
    if document.text("/receive/transport") == Some(POLL) && has_no_entries(document, "/receive/hosts") {
        let message = "[receive] does not say which hosts may be asked";
        let remedy = "add hosts = [\"api.example.com\"], the names of the system's own hosts";
        mistakes.push(document.mistake(&Spot::Key("/receive/hosts"), message, remedy));
    }
    if document.text("/send/transport") == Some("http") && has_no_entries(document, "/send/hosts") {
        let message = "[send] does not say which hosts requests may go to";
        let remedy = "add hosts = [\"api.example.com\"], the names of the system's own hosts";
        mistakes.push(document.mistake(&Spot::Key("/send/hosts"), message, remedy));
    }
    if document.has("/queue") && !document.has("/send") {
        let message = "[queue] says how what is to be sent waits, and nothing goes out through this channel";
        mistakes.push(document.mistake(&Spot::Key("/queue"), message, "leave [queue] out, or add [send]"));
    }
    check_classes(manifest, document, mistakes);
    settings::check(document, manifest, mistakes);
}

/// What hub.toml asks of every connector, if that much of it can be read.
fn required_level(loaded: &Loaded<'_>) -> Level {
    let document = loaded.hub.as_ref().and_then(|hub| hub.document.as_ref());
    let named = document.and_then(|document| document.text("/trust/level"));
    Level::ALL.into_iter().find(|level| Some(level.as_str()) == named).unwrap_or_default()
}

fn check_level(
    manifest: &Manifest,
    known: Known<'_>,
    required: Level,
    document: &Document<'_>,
    mistakes: &mut Vec<Mistake>,
) {
    let standing = known.standings.get(&manifest.name).copied().unwrap_or(Standing::UnderDevelopment);
    if standing.level() >= required {
        return;
    }
    let (name, required) = (&manifest.name, required.as_str());
    let (message, remedy) = match standing {
        Standing::UnderDevelopment => (
            format!(
                "the connector {name:?} is a folder under development, and [trust] in hub.toml requires {required}"
            ),
            "move its folder out of the connectors' folder and install it: `snodo connector install FOLDER`"
                .to_owned(),
        ),
        Standing::BuiltIn | Standing::Installed(_) => (
            format!(
                "the connector {name:?} holds the level {}, and [trust] in hub.toml requires {required}",
                standing.level().as_str()
            ),
            "install a version that holds it; `snodo connector certify` says what is missing".to_owned(),
        ),
    };
    mistakes.push(document.mistake(&Spot::Value("/connector"), message, remedy));
}

fn has_no_entries(document: &Document<'_>, at: &str) -> bool {
    document.value.pointer(at).is_none_or(|list| list.as_array().is_some_and(Vec::is_empty))
}

/// The personal data that a channel says it carries is some of what its connector can.
fn check_classes(manifest: &Manifest, document: &Document<'_>, mistakes: &mut Vec<Mistake>) {
    let classes = manifest.personal_data();
    if classes.contains(&"*") {
        return;
    }
    let carried = document.value.get("carries").and_then(Value::as_array);
    for (place, class) in carried.into_iter().flatten().enumerate() {
        let Some(class) = class.as_str().filter(|class| !classes.contains(class)) else { continue };
        let message =
            format!("the connector {:?} carries no personal data of class {class:?}", manifest.name);
        let spot = format!("/carries/{place}");
        mistakes.push(document.mistake(&Spot::Value(&spot), message, wording::choose(class, &classes)));
    }
}

/// A channel that no route uses is probably not meant.
pub fn check_use(loaded: &Loaded<'_>) -> Vec<Mistake> {
    let routes = || loaded.routes.values().filter_map(|route| route.declared.as_ref());
    let mut notes = Vec::new();
    for (name, found) in &loaded.channels {
        let Some(document) = &found.document else { continue };
        // Where there are no mistakes, a channel that has neither makes events of events.
        let junction = !document.has("/receive") && !document.has("/send");
        if (document.has("/receive") || junction) && !routes().any(|route| route.from.contains(name)) {
            let message = "what comes in here goes nowhere: no route is from this channel";
            let remedy = format!("add from = [\"{name}\"] to a route; until then its events are only kept");
            notes.push(document.mistake(&Spot::Key("/receive"), message, remedy).noted());
        }
        if (document.has("/send") || junction) && !routes().any(|route| route.to == *name) {
            let message = "nothing is sent here: no route goes to this channel";
            let remedy = format!("add a route with to = \"{name}\"");
            notes.push(document.mistake(&Spot::Key("/send"), message, remedy).noted());
        }
    }
    notes
}

/// Two users of one folder would take each other's files.
fn check_folders(
    name: &ChannelName,
    document: &Document<'_>,
    folders: &mut BTreeMap<String, ChannelName>,
    mistakes: &mut Vec<Mistake>,
) {
    for at in ["/receive/folder", "/send/folder"] {
        let Some(folder) = document.text(at) else { continue };
        if folder.trim().is_empty() {
            let remedy =
                "write the path of a folder, from the folder of hub.toml or from the root: \"inbox\"";
            mistakes.push(document.mistake(&Spot::Value(at), "`folder` is empty", remedy));
            continue;
        }
        if let Some(other) = folders.insert(same(folder), name.clone()) {
            let message = match other == *name {
                true => format!("the folder {folder:?} is the other way's of this channel too"),
                false => format!("the folder {folder:?} is used by the channel {other:?} too"),
            };
            mistakes.push(document.mistake(&Spot::Value(at), message, "give each its own folder"));
        }
    }
}

/// A write key stands for its channel, so no two can have one from the same place. That two places hold the same key is only
/// known where the secrets are, when the hub starts.
fn check_write_keys(
    name: &ChannelName,
    document: &Document<'_>,
    write_keys: &mut BTreeMap<String, ChannelName>,
    mistakes: &mut Vec<Mistake>,
) {
    if document.text("/receive/verify/scheme") != Some("write-key") {
        return;
    }
    let previous = document.value.pointer("/receive/verify/previous").and_then(Value::as_array);
    let previous = (0..previous.map_or(0, Vec::len)).map(|place| format!("/receive/verify/previous/{place}"));
    for at in std::iter::once("/receive/verify/key".to_owned()).chain(previous) {
        let Some(key) = document.value.pointer(&at) else { continue };
        let other = write_keys.entry(key.to_string()).or_insert_with(|| name.clone());
        if other != name {
            let message = format!("this write key is that of the channel {other} too");
            let remedy = "give each channel a key of its own: calls to /v1 find their channel by it";
            mistakes.push(document.mistake(&Spot::Value(&at), message, remedy));
        }
    }
}

/// Two ways to write one path come out the same.
fn same(folder: &str) -> String {
    let parts = folder.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".");
    let root = if folder.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.collect::<Vec<_>>().join("/"))
}
