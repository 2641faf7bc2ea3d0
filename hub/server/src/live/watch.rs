//! Looks at the files of the configuration, and has the hub take them when they have changed. Looks at them one by one: there are few,
//! and on a network share nobody else tells.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Live;
use super::plan::Answers;
use super::print::secret_files;
use crate::configuration;
use crate::looks::{Looks, Stamps, stamp_of};

/// Soon enough for a person who has just saved a file; and what was left alone for so long is taken for whole.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is in all files of a configuration. The same files have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents(blake3::Hash);

/// What was seen of a folder.
pub struct Watch {
    folder: PathBuf,
    looks: Looks,
    secrets: Vec<PathBuf>,
}

impl Watch {
    pub fn new(folder: &Path) -> Self {
        let secrets = secrets(folder);
        let looks = Looks::at(stamps(folder, &secrets));
        Self { folder: folder.to_owned(), looks, secrets }
    }

    /// What is in the files, when something about them has moved and they have been left alone since the last look.
    pub fn look(&mut self) -> Option<Contents> {
        if self.looks.look(stamps(&self.folder, &self.secrets)).is_empty() {
            return None;
        }
        self.secrets = secrets(&self.folder);
        Some(Contents::of(&self.folder))
    }
}

impl Contents {
    pub fn of(folder: &Path) -> Self {
        let mut hasher = blake3::Hasher::new();
        for path in paths(folder, &secrets(folder)) {
            let bytes = std::fs::read(&path).ok();
            let digest = bytes.as_deref().map(blake3::hash);
            hasher.update(format!("{} {digest:?}\n", path.display()).as_bytes());
        }
        Self(hasher.finalize())
    }
}

impl Live {
    /// Returns when told to stop. What the same files say is told once, whoever asked for it.
    pub async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut watch = Watch::new(&self.folder);
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            let looking = tokio::task::spawn_blocking(move || {
                let contents = watch.look();
                (watch, contents)
            });
            let Ok((watched, contents)) = looking.await else { return };
            watch = watched;
            if contents.is_some_and(|contents| !self.has_considered(contents)) {
                // It is told where it is refused.
                _ = self.reload(Answers::new()).await;
            }
        }
    }
}

fn stamps(folder: &Path, secrets: &[PathBuf]) -> Stamps {
    let stamp = |path: PathBuf| {
        let meta = std::fs::metadata(&path).ok();
        (path, meta.as_ref().map(stamp_of))
    };
    paths(folder, secrets).into_iter().map(stamp).collect()
}

/// Without connectors under development: whoever works on one says when it is to be taken.
fn paths(folder: &Path, secrets: &[PathBuf]) -> Vec<PathBuf> {
    let mut paths = vec![folder.join("hub.toml"), folder.join(snodo_core::declare::lock::LOCK)];
    let connectors = configuration::connectors_folder_of(folder);
    for (folder, ends) in
        [(folder.join("channels"), "toml"), (folder.join("routes"), "toml"), (connectors, "wasm")]
    {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        paths.extend(entries.filter(|path| path.extension().is_some_and(|end| end == ends)));
    }
    paths.extend(secrets.iter().map(|path| folder.join(path)));
    paths.sort();
    paths.dedup();
    paths
}

/// The files with secrets that the channels name. Of a channel that is no TOML right now: none.
fn secrets(folder: &Path) -> Vec<PathBuf> {
    let texts =
        paths(folder, &[]).into_iter().filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let texts = texts.filter_map(|path| std::fs::read_to_string(path).ok());
    let tables = texts.filter_map(|text| toml::from_str::<serde_json::Value>(&text).ok());
    tables.flat_map(|table| secret_files(&table)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_is_taken_once_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("hub.toml", "company = 'acme'");
        write("channels/shop.toml", "[receive]\nverify.secret = { file = 'shop.key' }");
        write("shop.key", "1");
        let mut watch = Watch::new(folder.path());
        let mut known = watch.look().unwrap();
        for (path, is_watched) in [
            ("hub.toml", true),
            ("channels/shop.toml", true),
            ("channels/crm.toml", true),
            ("routes/all.toml", true),
            ("connectors.lock", true),
            ("connectors/bells.wasm", true),
            ("connectors/bells/bells.wasm", false),
            ("channels/notes.txt", false),
            ("data/hub.db", false),
        ] {
            write(path, "# more");
            assert_eq!(watch.look(), None, "{path}: it may not be whole yet");
            write(path, "# more than before");
            assert_eq!(watch.look(), None, "{path}: it goes on");
            let contents = watch.look();
            assert_eq!(contents.is_some(), is_watched, "{path}");
            assert!(contents.is_none_or(|contents| std::mem::replace(&mut known, contents) != contents));
            assert_eq!(watch.look(), None, "{path}: once");
        }
        write("channels/shop.toml", "[receive]\nverify.secret = { file = 'shop.key' }");
        watch.look();
        known = watch.look().unwrap();
        write("shop.key", "22");
        watch.look();
        assert!(watch.look().is_some_and(|contents| contents != known), "a secret is part of it");
        fs::remove_file(folder.path().join("routes/all.toml")).unwrap();
        watch.look();
        assert!(watch.look().is_some(), "one that is gone is a change");
    }
}
