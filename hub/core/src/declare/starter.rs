//! What `snodo init` writes: a hub that runs at once, without an account anywhere, and shows where to go on.

use super::SourceFile;

/// A whole configuration, which `read` takes without a mistake or note.
pub fn starter() -> Vec<SourceFile> {
    let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
    vec![
        file("hub.toml", include_str!("starter/hub.toml")),
        file("channels/inbox.toml", include_str!("starter/inbox.toml")),
        file("channels/outbox.toml", include_str!("starter/outbox.toml")),
        file("routes/inbox-to-outbox.toml", include_str!("starter/inbox-to-outbox.toml")),
    ]
}
