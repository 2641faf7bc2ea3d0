//! Reads each file by itself: which file it is, its syntax, its shape, and what its connector's manifest adds to it.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::channel::websocket;
use super::document::{Document, Spot};
use super::{Channel, Hub, Known, Manifest, Mistake, Route, SourceFile, schema, shape, wording};
use crate::{ChannelName, RouteName};

/// A file that is there. What of it could be read is `None` where its mistakes forbid it.
pub struct Found<'a, T> {
    pub document: Option<Document<'a>>,
    pub declared: Option<T>,
}

pub struct Loaded<'a> {
    pub hub: Option<Found<'a, Hub>>,
    pub channels: BTreeMap<ChannelName, Found<'a, Channel>>,
    pub routes: BTreeMap<RouteName, Found<'a, Route>>,
    pub mistakes: Vec<Mistake>,
}

pub fn load<'a>(files: &'a [SourceFile], known: Known<'_>) -> Loaded<'a> {
    let mut loaded =
        Loaded { hub: None, channels: BTreeMap::new(), routes: BTreeMap::new(), mistakes: Vec::new() };
    let mistakes = &mut loaded.mistakes;
    for file in files {
        match file.path.split('/').collect::<Vec<_>>().as_slice() {
            ["hub.toml"] => {
                loaded.hub = Some(read(file, mistakes, |document, mistakes| {
                    mistakes.extend(shape::check(document, schema::hub(), &document.value));
                }));
            }
            ["channels", name] => {
                let Some(name) = name_of::<ChannelName>(name, file, mistakes) else { continue };
                let found =
                    read(file, mistakes, |document, mistakes| check_channel(document, known, mistakes));
                loaded.channels.insert(name, found);
            }
            ["routes", name] => {
                let Some(name) = name_of::<RouteName>(name, file, mistakes) else { continue };
                let found = read(file, mistakes, |document, mistakes| {
                    document.flatten("/map");
                    mistakes.extend(shape::check(document, schema::route(), &document.value));
                });
                loaded.routes.insert(name, found);
            }
            _ => mistakes.push(stray(file)),
        }
    }
    if loaded.hub.is_none() {
        let remedy = "`snodo init` writes one; it needs at least company = \"…\"";
        loaded.mistakes.push(Mistake::of_file("hub.toml", "there is no hub.toml", remedy));
    }
    loaded
}

/// A file whose name is no name of a channel or route is a mistake.
fn name_of<N: std::str::FromStr>(
    file_name: &str,
    file: &SourceFile,
    mistakes: &mut Vec<Mistake>,
) -> Option<N> {
    let Some(stem) = file_name.strip_suffix(".toml") else {
        mistakes.push(stray(file));
        return None;
    };
    let name = stem.parse().ok();
    if name.is_none() {
        let folder = file.path.trim_end_matches(file_name);
        let good = shape::as_name(stem);
        mistakes.push(Mistake::of_file(
            &file.path,
            format!("the file's name is a name in the hub, and {stem:?} cannot be one"),
            format!(
                "rename it to {folder}{good}.toml: lower-case letters, digits and hyphens, beginning with a letter"
            ),
        ));
    }
    name
}

fn stray(file: &SourceFile) -> Mistake {
    let message = "this file is no part of a configuration, and nothing in it is read";
    let remedy = "there are hub.toml, channels/NAME.toml and routes/NAME.toml; move or rename it";
    let mistake = Mistake::of_file(&file.path, message, remedy);
    // A remark beside the declarations does no harm; a declaration that nobody reads does.
    if file.path.contains(".t") { mistake } else { mistake.noted() }
}

fn read<'a, T: DeserializeOwned>(
    file: &'a SourceFile,
    mistakes: &mut Vec<Mistake>,
    check: impl FnOnce(&mut Document<'a>, &mut Vec<Mistake>),
) -> Found<'a, T> {
    let mut document = match Document::parse(file) {
        Ok(document) => document,
        Err(found) => {
            mistakes.extend(found);
            return Found { document: None, declared: None };
        }
    };
    let before = mistakes.len();
    check(&mut document, mistakes);
    let declared = (mistakes.len() == before).then(|| serde_json::from_value(document.value.clone()));
    let declared =
        declared.and_then(|read| read.map_err(|error| mistakes.push(document.unread(&error))).ok());
    Found { document: Some(document), declared }
}

fn check_channel(document: &mut Document<'_>, known: Known<'_>, mistakes: &mut Vec<Mistake>) {
    let connector = document.text("/connector");
    let Some(manifest) = known.manifests.iter().find(|manifest| Some(manifest.name.as_str()) == connector)
    else {
        if let Some(name) = connector {
            let connectors: Vec<&str> =
                known.manifests.iter().map(|manifest| manifest.name.as_str()).collect();
            let message = format!("there is no connector {name:?}");
            mistakes.push(document.mistake(
                &Spot::Value("/connector"),
                message,
                wording::choose(name, &connectors),
            ));
        }
        // What an unknown connector would have filled in is not missed.
        let mut value = document.value.clone();
        for (section, key, tag) in DEFAULTED {
            let Some(object) = value.pointer_mut(section).and_then(Value::as_object_mut) else { continue };
            if object.get(key).is_some_and(|inner| inner.is_object() && inner.get(tag).is_none()) {
                object.remove(key);
            }
        }
        return mistakes.extend(shape::check(document, schema::partial_channel(), &value));
    };
    fill(document, manifest);
    mistakes.extend(shape::check(document, schema::whole_channel(), &document.value));
}

/// What a manifest may bring, and the key that says which kind it is.
const DEFAULTED: [(&str, &str, &str); 7] = [
    ("/receive", "verify", "scheme"),
    ("/receive", "auth", "scheme"),
    ("/receive", "challenge", "scheme"),
    ("/send", "auth", "scheme"),
    ("/send", "sign", "scheme"),
    ("", "receive", "transport"),
    ("", "send", "transport"),
];

/// Adds to a channel what its connector's manifest says, wherever the channel says nothing.
fn fill(document: &mut Document<'_>, manifest: &Manifest) {
    fill_transport(document, "/receive", &manifest.inlets());
    match (document.text("/receive/transport"), &manifest.source, &manifest.poll) {
        (Some("http"), Some(source), _) => {
            fill_scheme(document, "/receive", "verify", source.verify.as_ref());
            fill_scheme(document, "/receive", "challenge", source.challenge.as_ref());
        }
        (Some("websocket"), Some(source), _) if !document.has("/receive/url") => {
            let scheme = source.verify.as_ref().filter(|scheme| websocket::fits(scheme));
            fill_scheme(document, "/receive", "verify", scheme);
        }
        (Some("poll"), _, Some(poll)) => {
            document.fill("/receive", "every", poll.every.to_string());
            fill_access(document, "/receive", &poll.hosts, poll.auth.as_ref());
        }
        _ => {}
    }
    if let Some(destination) = &manifest.destination {
        let transports: Vec<&str> = destination.transports.iter().map(String::as_str).collect();
        fill_transport(document, "/send", &transports);
        if document.text("/send/transport") == Some("http") {
            fill_access(document, "/send", &destination.hosts, destination.auth.as_ref());
            fill_scheme(document, "/send", "sign", destination.sign.as_ref());
        }
    }
}

/// Where there is one way only, it need not be named.
fn fill_transport(document: &mut Document<'_>, section: &str, transports: &[&str]) {
    if let [only] = transports {
        document.fill(section, "transport", *only);
    }
}

/// The vendor's hosts, and how it lets callers in.
fn fill_access(
    document: &mut Document<'_>,
    section: &str,
    hosts: &[String],
    auth: Option<&Map<String, Value>>,
) {
    if !hosts.is_empty() {
        document.fill(section, "hosts", json!(hosts));
    }
    fill_scheme(document, section, "auth", auth);
}

/// A channel that names another scheme than its vendor's means that one whole.
fn fill_scheme(document: &mut Document<'_>, section: &str, key: &str, default: Option<&Map<String, Value>>) {
    let Some(default) = default else { return };
    let at = format!("{section}/{key}");
    let scheme = document.text(&format!("{at}/scheme"));
    if scheme.is_some() && scheme != default.get("scheme").and_then(Value::as_str) {
        return;
    }
    document.fill(section, key, json!({}));
    for (name, value) in default {
        document.fill(&at, name, value.clone());
    }
}
