//! `snodo init`: a commented starting point that runs as it is.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use snodo_core::declare::SourceFile;
use snodo_core::declare::starter;

use super::{Exit, Invocation, screen};

#[derive(clap::Args)]
pub struct Args {
    /// The folder to write to; made if it is not there
    #[arg(default_value = ".")]
    folder: PathBuf,
}

pub fn init(_: &Invocation, args: &Args) -> anyhow::Result<Exit> {
    let files = starter::starter();
    // All or nothing: what somebody wrote is never written over.
    if let Some(taken) = files.iter().map(|file| args.folder.join(&file.path)).find(|path| path.exists()) {
        anyhow::bail!("{} is there already, and is left as it is: choose another folder", taken.display());
    }
    for file in &files {
        write(&args.folder, file)?;
        screen::line(format!("wrote {}", args.folder.join(&file.path).display()))?;
    }
    let folder = args.folder.display();
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
