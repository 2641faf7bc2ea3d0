//! Connectors that were installed: packed ones in the connectors' folder, and the lock beside hub.toml that says which they are.
//! A pack that is not the very one of the lock is a mistake.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use snodo_core::declare::lock::{Findings, LOCK};
use snodo_core::declare::{Level, Lock, Locked, Mistake, SourceFile};
use snodo_kit::Pack;
use tempfile::NamedTempFile;

use super::{Available, Origin, read_text, sorted};

/// The sandbox takes components of 64 MiB; what is larger need not be read to be refused.
const PACK_BYTES_MAX: u64 = 64 << 20;

pub fn read_lock(folder: &Path) -> anyhow::Result<Result<Lock, Mistake>> {
    let path = folder.join(LOCK);
    match path.exists() {
        true => Ok(Lock::parse(&SourceFile { path: LOCK.into(), text: read_text(&path)? })),
        false => Ok(Ok(Lock::default())),
    }
}

/// What was found at each `{connectors}/{name}.wasm`: the connector if it can be read, and what is wrong with it.
pub struct Found {
    pub file: String,
    pub available: Option<Available>,
    pub mistake: Option<Mistake>,
}

pub fn packs(folder: &Path, connectors: &Path, lock: &Lock) -> anyhow::Result<Vec<Found>> {
    if !connectors.is_dir() {
        return Ok(Vec::new());
    }
    let packed = |path: &PathBuf| path.extension().is_some_and(|end| end == "wasm") && path.is_file();
    sorted(connectors)?.into_iter().filter(packed).map(|path| pack(folder, path, lock)).collect()
}

fn pack(folder: &Path, path: PathBuf, lock: &Lock) -> anyhow::Result<Found> {
    let file = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
    let bytes = read(&path)?;
    let pack = match Pack::read(&bytes) {
        Ok(pack) => pack,
        Err(error) => {
            let remedy =
                "remove the file, and install a packed connector: `snodo connector install FILE.wasm`";
            let mistake = Mistake::of_file(&file, format!("it cannot be used: {error}"), remedy);
            return Ok(Found { file, available: None, mistake: Some(mistake) });
        }
    };
    let name = pack.manifest.name.clone();
    let digest = digest(&bytes);
    let wrong = |what: String, remedy: String| Some(Mistake::of_file(&file, what, remedy));
    let again = format!("install it: `snodo connector install {file}`, or its original");
    let locked = lock.get(&name).cloned();
    let mistake = match &locked {
        _ if path.file_stem().is_none_or(|stem| stem != name.as_str()) => wrong(
            format!("the connector in it is called {name:?}"),
            "remove the file, and install the connector from elsewhere: `snodo connector install FILE.wasm`"
                .into(),
        ),
        None => wrong(format!("the connector {name:?} is not in {LOCK}"), again),
        Some(locked) if locked.digest != digest => {
            wrong(format!("the connector {name:?} was changed since it was installed"), again)
        }
        Some(_) => None,
    };
    let manifest_text = pack.manifest_text();
    // Of one that is not in the lock nothing was found, and the mistake forbids its use.
    let unknown = || {
        let roles = pack.manifest.roles().into_iter().map(str::to_owned).collect();
        let findings = Findings { digest: digest.clone(), level: Level::None, signed_by: None, roles };
        Locked::new(&pack.manifest, findings)
    };
    let locked = Box::new(locked.unwrap_or_else(unknown));
    let origin = Origin::Installed { path, locked };
    Ok(Found { file, available: Some(Available { manifest: pack.manifest, manifest_text, origin }), mistake })
}

/// The packed file, if it still is the one that was installed.
pub fn unchanged(path: &Path, locked: &Locked) -> anyhow::Result<Vec<u8>> {
    let bytes = read(path)?;
    anyhow::ensure!(
        digest(&bytes) == locked.digest,
        "{} was changed since it was installed: install it again with `snodo connector install`",
        path.display()
    );
    Ok(bytes)
}

pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let failed = || format!("failed to read {}", path.display());
    let mut bytes = Vec::new();
    File::open(path)
        .with_context(failed)?
        .take(PACK_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .with_context(failed)?;
    anyhow::ensure!(
        bytes.len() as u64 <= PACK_BYTES_MAX,
        "{} has more than {PACK_BYTES_MAX} bytes: that is no connector",
        path.display()
    );
    Ok(bytes)
}

/// As the lock has it.
pub fn digest(packed: &[u8]) -> String {
    format!("blake3:{}", blake3::hash(packed).to_hex())
}

/// Where the packed connector of that name lies.
pub fn path(connectors: &Path, name: &str) -> PathBuf {
    connectors.join(format!("{name}.wasm"))
}

pub fn write_lock(folder: &Path, lock: &Lock) -> anyhow::Result<()> {
    write(&folder.join(LOCK), lock.to_text().as_bytes())
}

/// The whole file or what was there before, also after a power cut.
pub fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let put = || -> std::io::Result<()> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        // Whoever runs the hub reads it; a temporary file is its maker's alone.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(mode)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()
    };
    put().with_context(|| format!("failed to write {}", path.display()))
}
