//! Reads the configuration's folder: `hub.toml`, `channels/*.toml`, `routes/*.toml`, and the connectors it may name. What the
//! files mean is the core's business; here are the files.

pub mod installed;
pub mod missing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use snodo_core::declare::{
    self, Declarations, Hub, Known, Lock, Locked, Manifest, Mistake, SourceFile, Standing,
};
use snodo_core::vocabulary::Vocabulary;

/// A file larger than this is no configuration.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A connector the hub can run: it comes with the binary, was installed, or lies in the connectors' folder.
pub struct Available {
    pub manifest: Manifest,
    pub manifest_text: String,
    pub origin: Origin,
}

pub enum Origin {
    Embedded(&'static [u8]),
    /// A folder under development: where its component is.
    Folder(PathBuf),
    Installed {
        path: PathBuf,
        locked: Box<Locked>,
    },
}

impl Available {
    /// Where its component lies, if it did not come with the binary.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Embedded(_) => None,
            Origin::Folder(path) | Origin::Installed { path, .. } => Some(path),
        }
    }

    pub fn component(&self) -> anyhow::Result<std::borrow::Cow<'static, [u8]>> {
        match &self.origin {
            Origin::Embedded(bytes) => Ok((*bytes).into()),
            Origin::Folder(path) => {
                Ok(std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?.into())
            }
            Origin::Installed { path, locked } => Ok(installed::unchanged(path, locked)?.into()),
        }
    }

    pub fn standing(&self) -> Standing {
        match &self.origin {
            Origin::Embedded(_) => Standing::BuiltIn,
            Origin::Folder(_) => Standing::UnderDevelopment,
            Origin::Installed { locked, .. } => Standing::Installed(locked.level),
        }
    }
}

/// What was found in the folder, as far as it could be read.
pub struct Configuration {
    pub folder: PathBuf,
    pub files: Vec<SourceFile>,
    pub connectors: Vec<Available>,
    /// Mistakes in the connectors' folder and in the lock.
    pub mistakes: Vec<Mistake>,
}

impl Configuration {
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let hub = hub_file(folder)?;
        let mut files = vec![source(folder, &hub)?];
        for kind in ["channels", "routes"] {
            for path in toml_files(&folder.join(kind))? {
                files.push(source(folder, &path)?);
            }
        }
        let (mut connectors, mut mistakes) = (embedded()?, Vec::new());
        let placed = folder.join(connectors_folder(&files[0].text));
        for (manifest, found) in in_folder(&placed)? {
            match found {
                // A connector in the folder takes the place of the embedded one of the same name.
                Ok(available) => {
                    connectors.retain(|one| one.manifest.name != available.manifest.name);
                    connectors.push(available);
                }
                Err(found) => mistakes
                    .extend(found.into_iter().map(|mistake| Mistake { file: manifest.clone(), ..mistake })),
            }
        }
        let lock = installed::read_lock(folder)?.unwrap_or_else(|mistake| {
            mistakes.push(mistake);
            Lock::default()
        });
        for found in installed::packs(folder, &placed, &lock)? {
            mistakes.extend(found.mistake);
            let Some(available) = found.available else { continue };
            let name = &available.manifest.name;
            let same = connectors.iter().position(|one| one.manifest.name == *name);
            match same.map(|at| &connectors[at].origin) {
                Some(Origin::Folder(path)) => {
                    let other = path.parent().unwrap_or(path).display();
                    let remedy = format!("move the folder away, or `snodo connector remove {name}`");
                    let message = format!("there is a folder of a connector {name:?} too: {other}");
                    mistakes.push(Mistake::of_file(&found.file, message, remedy));
                }
                _ => {
                    if let Some(at) = same {
                        connectors.remove(at);
                    }
                    connectors.push(available);
                }
            }
        }
        connectors.sort_by(|a, b| a.manifest.name.cmp(&b.manifest.name));
        Ok(Self { folder: folder.to_owned(), files, connectors, mistakes })
    }

    pub fn declarations(&self, vocabulary: &Vocabulary) -> Result<Declarations, Vec<Mistake>> {
        let manifests: Vec<Manifest> = self.connectors.iter().map(|one| one.manifest.clone()).collect();
        let types: Vec<&str> = vocabulary.kinds().collect();
        let standings: BTreeMap<String, Standing> =
            self.connectors.iter().map(|one| (one.manifest.name.clone(), one.standing())).collect();
        let known = Known { manifests: &manifests, types: &types, standings: &standings };
        let read = declare::read(&self.files, known);
        match (read, self.mistakes.as_slice()) {
            (Ok(declarations), []) => Ok(declarations),
            (Ok(_), mistakes) => Err(mistakes.to_vec()),
            (Err(found), mistakes) => Err([&found[..], mistakes].concat()),
        }
    }

    /// Where connectors are looked for that do not come with the binary.
    pub fn connectors_folder(&self) -> PathBuf {
        self.folder.join(connectors_folder(&self.files[0].text))
    }

    pub fn connector(&self, name: &str) -> Option<&Available> {
        self.connectors.iter().find(|one| one.manifest.name == name)
    }

    /// A path that a declaration names, from the configuration's folder.
    pub fn path(&self, declared: &Path) -> PathBuf {
        self.folder.join(declared)
    }
}

/// The connectors that come with the binary.
pub fn embedded() -> anyhow::Result<Vec<Available>> {
    snodo_catalogue::catalogue()
        .iter()
        .map(|one| {
            let manifest = Manifest::parse(&SourceFile {
                path: format!("{}/connector.toml", one.name),
                text: one.manifest.to_owned(),
            })
            .map_err(|mistakes| {
                anyhow::anyhow!("the embedded connector {} is broken: {mistakes:?}", one.name)
            })?;
            Ok(Available {
                manifest,
                manifest_text: one.manifest.to_owned(),
                origin: Origin::Embedded(one.component),
            })
        })
        .collect()
}

type Placed = (String, Result<Available, Vec<Mistake>>);

/// `{connectors}/{name}/connector.toml` with `{connectors}/{name}/{name}.wasm` beside it.
fn in_folder(folder: &Path) -> anyhow::Result<Vec<Placed>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in sorted(folder)? {
        let path = entry.join("connector.toml");
        if !path.is_file() {
            continue;
        }
        let name = path.display().to_string();
        let file = SourceFile { path: name.clone(), text: read_text(&path)? };
        let read = Manifest::parse(&file).map(|manifest| {
            let component = entry.join(format!("{}.wasm", manifest.name));
            Available { manifest, manifest_text: file.text, origin: Origin::Folder(component) }
        });
        found.push((name, read));
    }
    Ok(found)
}

/// The folder of connectors of the hub that is configured in a folder, whatever the rest says.
pub fn connectors_folder_of(folder: &Path) -> PathBuf {
    folder.join(connectors_folder(&read_text(&folder.join("hub.toml")).unwrap_or_default()))
}

/// Where the connectors' folder is has to be known before the hub's file is checked as a whole.
fn connectors_folder(hub: &str) -> PathBuf {
    named_path(hub, "connectors").unwrap_or_else(|| declare::Hub::default().connectors)
}

/// `hub.toml` by itself, whatever the other files say.
pub fn hub(folder: &Path) -> anyhow::Result<Result<Hub, Vec<Mistake>>> {
    Ok(declare::read_hub(&source(folder, &hub_file(folder)?)?))
}

/// The data directory of the hub that is configured in a folder: known even while the rest has mistakes, because whoever looks
/// into the store should not have to mend the configuration first.
pub fn data_folder(folder: &Path) -> anyhow::Result<PathBuf> {
    let hub = hub_file(folder)?;
    let named = named_path(&read_text(&hub)?, "data").unwrap_or_else(|| declare::Hub::default().data);
    Ok(folder.join(named))
}

fn named_path(hub: &str, key: &str) -> Option<PathBuf> {
    let table = toml::from_str::<toml::Table>(hub).ok()?;
    table.get(key)?.as_str().map(PathBuf::from)
}

fn hub_file(folder: &Path) -> anyhow::Result<PathBuf> {
    let hub = folder.join("hub.toml");
    anyhow::ensure!(
        hub.is_file(),
        "there is no hub.toml in {}: name its folder with --config, or write one with `snodo init`",
        folder.display()
    );
    Ok(hub)
}

fn toml_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    Ok(sorted(folder)?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "toml")).collect())
}

fn sorted(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn source(folder: &Path, path: &Path) -> anyhow::Result<SourceFile> {
    let name = path.strip_prefix(folder).unwrap_or(path);
    Ok(SourceFile { path: name.display().to_string(), text: read_text(path)? })
}

fn read_text(path: &Path) -> anyhow::Result<String> {
    let failed = || format!("failed to read {}", path.display());
    let bytes = std::fs::metadata(path).with_context(failed)?.len();
    anyhow::ensure!(
        bytes <= FILE_BYTES_MAX,
        "{} has {bytes} bytes: that is no configuration",
        path.display()
    );
    std::fs::read_to_string(path).with_context(failed)
}
