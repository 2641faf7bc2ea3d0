//! What the parts of a lasting connection say against each other: to an MQTT or AMQP broker, or over WebSocket.

use crate::declare::Mistake;
use crate::declare::channel::websocket;
use crate::declare::document::{Document, Spot};
use crate::declare::wording;

pub fn check(document: &Document<'_>, mistakes: &mut Vec<Mistake>) {
    for section in ["/receive", "/send"] {
        if document.text(&format!("{section}/transport")) == Some("mqtt") {
            check_login(document, section, mistakes);
        }
    }
    let client_id = |section: &str| document.text(&format!("{section}/client_id"));
    if client_id("/receive").is_some() && client_id("/receive") == client_id("/send") {
        let message =
            "both ways of the channel have the same `client_id`, and a broker knows one of them at a time";
        let remedy = "write another for [send], or leave both out";
        mistakes.push(document.mistake(&Spot::Value("/send/client_id"), message, remedy));
    }
    if document.text("/receive/transport") == Some("websocket") {
        match document.has("/receive/url") {
            true => check_feed(document, mistakes),
            false => check_clients(document, mistakes),
        }
    }
}

/// A password without a user goes nowhere, and a user without a password is rarely meant.
fn check_login(document: &Document<'_>, section: &str, mistakes: &mut Vec<Mistake>) {
    let [user, password] = ["user", "password"].map(|key| format!("{section}/{key}"));
    let (has, lacks) = match (document.has(&user), document.has(&password)) {
        (true, false) => ("user", "password"),
        (false, true) => ("password", "user"),
        _ => return,
    };
    let message = format!("{} has a `{has}` and no `{lacks}`", wording::section(section));
    let spot = format!("{section}/{has}");
    mistakes.push(document.mistake(&Spot::Key(&spot), message, format!("add {lacks}, or leave {has} out")));
}

/// The hub dials out: who may come in is no question.
fn check_feed(document: &Document<'_>, mistakes: &mut Vec<Mistake>) {
    for key in ["verify", "origins", "clients_max"] {
        let at = format!("/receive/{key}");
        if document.has(&at) {
            let message = format!(
                "`{key}` does not go with `url`: the hub connects to the feed, and nobody to the hub"
            );
            mistakes.push(document.mistake(&Spot::Key(&at), message, format!("leave {key} out, or url")));
        }
    }
}

fn check_clients(document: &Document<'_>, mistakes: &mut Vec<Mistake>) {
    for key in ["auth", "hello"] {
        let at = format!("/receive/{key}");
        if document.has(&at) {
            let message = format!("`{key}` is for a feed that the hub connects to, and there is no `url`");
            mistakes.push(document.mistake(&Spot::Key(&at), message, format!("add url, or leave {key} out")));
        }
    }
    let schemes = websocket::SCHEMES;
    match document.text("/receive/verify/scheme") {
        None => {
            let message = "[receive] does not say how a client proves who it is";
            let remedy = format!("add [receive.verify] with scheme = …, one of: {}", wording::list(&schemes));
            mistakes.push(document.mistake(&Spot::Key("/receive"), message, remedy));
        }
        Some(scheme) if !schemes.contains(&scheme) => {
            let message = format!("the scheme {scheme:?} needs a body, and a client that connects has none");
            let remedy = wording::choose(scheme, &schemes);
            mistakes.push(document.mistake(&Spot::Value("/receive/verify/scheme"), message, remedy));
        }
        Some(_) => {}
    }
}
