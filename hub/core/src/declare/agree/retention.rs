//! What is removed is not recognised when it is told again: it has to be kept as long as repetitions are looked for.

use crate::declare::document::Spot;
use crate::declare::load::Loaded;
use crate::declare::{Hub, Mistake};

pub fn check(loaded: &Loaded<'_>) -> Option<Mistake> {
    let found = loaded.hub.as_ref()?;
    let (document, Hub { dedup, retention, .. }) = (found.document.as_ref()?, found.declared.as_ref()?);
    let settled = retention.settled.filter(|settled| *settled < dedup.window)?;
    let window = dedup.window;
    let message = format!(
        "events are removed after {settled}, and for {window} the hub looks for repetitions of them (dedup.window): one that \
         came after that would be taken for a new event"
    );
    let remedy = format!("write settled = \"{window}\" or more, or a shorter window in [dedup]");
    Some(document.mistake(&Spot::Value("/retention/settled"), message, remedy))
}
