//! Which files of a connector's folder have changed. Looks at them one by one: a folder has few, and on a network share nobody
//! else tells.

use std::path::{Path, PathBuf};

use crate::looks::{Looks, Stamps, stamp_of};

/// What has to be done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The component is to be built.
    Sources,
    /// Only what it is compared with.
    Cases,
}

/// Made by builds, or nothing that one is made of.
const LEFT_OUT: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// Of which no component is made.
const CASES: [&str; 3] = ["golden", "cassette.toml", "README.md"];

pub struct Watch {
    folder: PathBuf,
    looks: Looks,
}

impl Watch {
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), looks: Looks::from(stamps(folder)) }
    }

    /// What has changed since it was last told, once nothing has changed between two looks.
    pub fn look(&mut self) -> Option<Changed> {
        let changed = self.looks.look(stamps(&self.folder));
        if changed.is_empty() {
            return None;
        }
        let is_case = |path: &PathBuf| CASES.iter().any(|case| path.starts_with(case));
        Some(if changed.iter().all(is_case) { Changed::Cases } else { Changed::Sources })
    }
}

fn stamps(folder: &Path) -> Stamps {
    let mut stamps = Stamps::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        // A folder that goes away meanwhile has changed, which the next look finds.
        for entry in std::fs::read_dir(&at).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let is_made = LEFT_OUT.contains(&&*name) || name.starts_with('.') || name.ends_with(".wasm");
            let Some(meta) = entry.metadata().ok().filter(|_| !is_made) else { continue };
            if meta.is_dir() {
                folders.push(path);
            } else {
                let inside = path.strip_prefix(folder).unwrap_or(&path).to_owned();
                stamps.insert(inside, Some(stamp_of(&meta)));
            }
        }
    }
    stamps
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_is_told_once_when_it_is_whole_and_as_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("src/lib.rs", "1");
        write("golden/a/body.json", "1");
        let mut watch = Watch::new(folder.path());
        assert_eq!(watch.look(), None);
        for (path, expected) in [
            ("src/lib.rs", Some(Changed::Sources)),
            ("src/map.rs", Some(Changed::Sources)),
            ("connector.toml", Some(Changed::Sources)),
            ("golden/a/body.json", Some(Changed::Cases)),
            ("golden/b/body.json", Some(Changed::Cases)),
            ("cassette.toml", Some(Changed::Cases)),
            ("bell.wasm", None),
            ("target/x", None),
            (".git/x", None),
        ] {
            write(path, "more than before");
            assert_eq!(watch.look(), None, "{path}: it may not be whole yet");
            write(path, "");
            assert_eq!(watch.look(), None, "{path}: it goes on");
            assert_eq!(watch.look(), expected, "{path}");
            assert_eq!(watch.look(), None, "{path}: once");
        }
        write("golden/a/body.json", "both");
        write("src/lib.rs", "both of them");
        watch.look();
        assert_eq!(watch.look(), Some(Changed::Sources));
        fs::remove_file(folder.path().join("src/map.rs")).unwrap();
        watch.look();
        assert_eq!(watch.look(), Some(Changed::Sources), "one that is gone is a change");
    }
}
