//! `snodo init`: a commented starting point that runs as it is.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use snodo_core::declare::SourceFile;
use snodo_core::declare::starter;

use super::{Exit, Invocation, screen};

#[derive(clap::Args)]
pub struct Args {
    /// The folder to write to; made if it is not there. Without it, that of --config
    folder: Option<PathBuf>,
}

pub fn init(invocation: &Invocation, args: &Args) -> anyhow::Result<Exit> {
    let files = starter::starter();
    let folder = args.folder.as_ref().unwrap_or(&invocation.config);
    // All or nothing: what somebody wrote is never written over.
    if let Some(taken) = files.iter().map(|file| folder.join(&file.path)).find(|path| path.exists()) {
        anyhow::bail!("{} is there already, and is left as it is: choose another folder", taken.display());
    }
    for file in &files {
        write(folder, file)?;
        screen::line(format!("wrote {}", folder.join(&file.path).display()))?;
    }
    let folder = folder.display();
    screen::line(format!(
        "\nNext:\n  snodo -c {folder} check    look for mistakes after every change\n  snodo -c {folder} run      start the hub"
    ))?;
    Ok(Exit::Fine)
}

/// Writes one file of a configuration, with the folders it needs.
pub fn write(folder: &Path, file: &SourceFile) -> anyhow::Result<()> {
    let path = folder.join(&file.path);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("failed to make {}", parent.display()))?;
    }
    std::fs::write(&path, &file.text).with_context(|| format!("failed to write {}", path.display()))
}
