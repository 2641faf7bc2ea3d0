//! What channels that are mail say against hub.toml, and against each other.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ChannelName;
use crate::declare::Mistake;
use crate::declare::document::{Document, Spot};
use crate::declare::load::Loaded;

/// Whose mail is whose.
pub struct Mailboxes {
    is_listened_for: bool,
    taken: BTreeMap<String, ChannelName>,
}

impl Mailboxes {
    pub fn new(loaded: &Loaded<'_>) -> Self {
        let hub = loaded.hub.as_ref().and_then(|hub| hub.document.as_ref());
        Self { is_listened_for: hub.is_none_or(|hub| hub.has("/mail")), taken: BTreeMap::new() }
    }

    pub fn check(&mut self, name: &ChannelName, document: &Document<'_>, mistakes: &mut Vec<Mistake>) {
        if document.text("/send/transport") == Some("mail")
            && document.has("/send/user") != document.has("/send/password")
        {
            let message = "[send] has one of `user` and `password`, and logging in takes both";
            let remedy = "write both, or neither: password = { env = \"MAIL_PASSWORD\" }";
            mistakes.push(document.mistake(&Spot::Key("/send"), message, remedy));
        }
        if document.text("/receive/transport") != Some("mail") {
            return;
        }
        if !self.is_listened_for {
            let message = "mail is to come in here, and the hub takes none";
            let remedy = "add to hub.toml: [mail] and below it listen = \"127.0.0.1:2525\"";
            mistakes.push(document.mistake(&Spot::Value("/receive/transport"), message, remedy));
        }
        let recipients = document.value.pointer("/receive/recipients").and_then(Value::as_array);
        for (place, recipient) in recipients.into_iter().flatten().enumerate() {
            let Some(recipient) = recipient.as_str() else { continue };
            let other = self.taken.entry(recipient.to_lowercase()).or_insert_with(|| name.clone());
            if other != name {
                let message = format!("mail to {recipient:?} is the channel {other}'s already");
                let spot = format!("/receive/recipients/{place}");
                let remedy = "name it in one channel only: its events can go to many";
                mistakes.push(document.mistake(&Spot::Value(&spot), message, remedy));
            }
        }
    }
}
