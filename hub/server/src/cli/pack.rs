//! `snodo connector pack|key|sign|verify`: from a connector's folder to one file that others can install.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;
use snodo_core::vocabulary::Vocabulary;
use snodo_kit::{Folder, Pack, Report, certify, pack, sign};

use super::{Exit, Invocation, kit, screen};
use crate::configuration::installed;

#[derive(clap::Args)]
pub struct PackArgs {
    /// The connector's folder, with its component built
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The file to write; NAME-VERSION.wasm without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Where a password comes from: nobody is asked for one.
#[derive(clap::Args)]
pub struct PasswordArgs {
    /// The file that the secret key's password is in; or put it into the variable SNODO_KEY_PASSWORD
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct KeyArgs {
    /// The file for the secret key; the public key goes to FILE.pub
    file: PathBuf,
    #[command(flatten)]
    password: PasswordArgs,
}

#[derive(clap::Args)]
pub struct SignArgs {
    /// The packed connector
    file: PathBuf,
    /// The file of the secret key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    password: PasswordArgs,
}

#[derive(clap::Args)]
pub struct VerifyArgs {
    /// The packed connector, with its signature beside it
    file: PathBuf,
    /// The signer's public key: RW…, or its file
    #[arg(long)]
    key: String,
}

pub fn pack(invocation: &Invocation, args: &PackArgs) -> anyhow::Result<Exit> {
    let (packed, report) = of_folder(&args.folder)?;
    let out = args.out.clone().unwrap_or_else(|| format!("{}-{}.wasm", report.name, report.version).into());
    installed::write(&out, &packed)?;
    let digest = installed::digest(&packed);
    if invocation.json {
        screen::json(&json!({
            "file": out, "name": report.name, "version": report.version, "level": report.level, "digest": digest,
            "bytes": packed.len(),
        }))?;
    } else {
        let level = report.level.as_str();
        screen::line(format!("{} {}: {level}, {digest}", report.name, report.version))?;
        screen::line(format!("{}: {} bytes", out.display(), packed.len()))?;
    }
    Ok(Exit::Fine)
}

/// A connector's folder as one file, and what its certification found.
pub fn of_folder(path: &Path) -> anyhow::Result<(Vec<u8>, Report)> {
    let folder = Folder::open(path)?;
    let component = folder.component().context("it has to be built first: `snodo connector build`")?;
    let report = certify(&folder, &kit::load(&component)?, &Vocabulary::load());
    Ok((pack::pack(&folder, &component, &report)?, report))
}

pub fn key(invocation: &Invocation, args: &KeyArgs) -> anyhow::Result<Exit> {
    let public = beside(&args.file, "pub");
    for file in [&args.file, &public] {
        anyhow::ensure!(!file.exists(), "{} is there already: a key is never written over", file.display());
    }
    let key = sign::new_key(args.password.read()?)?;
    create(&args.file, 0o600, &key.secret)?;
    create(&public, 0o644, &key.public)?;
    match invocation.json {
        true => screen::json(&json!({"secret": args.file, "public": public, "key": key.key}))?,
        false => {
            screen::line(format!("{}: keep it to yourself", args.file.display()))?;
            screen::line(format!("{}: give it to those who install, for their hub.toml:", public.display()))?;
            screen::line(format!("\n[trust]\nkeys = [\"{}\"]", key.key))?;
        }
    }
    Ok(Exit::Fine)
}

fn create(path: &Path, mode: u32, text: &str) -> anyhow::Result<()> {
    let failed = || format!("failed to write {}", path.display());
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    file.sync_all().with_context(failed)
}

pub fn sign(invocation: &Invocation, args: &SignArgs) -> anyhow::Result<Exit> {
    let packed = installed::read(&args.file)?;
    let name = Pack::read(&packed)?.manifest.name;
    let secret = text(&args.key)?;
    let (signature, key) = sign::sign(&packed, &secret, args.password.read()?, &name)?;
    let file = beside(&args.file, sign::SIGNATURE);
    installed::write(&file, signature.as_bytes())?;
    match invocation.json {
        true => {
            screen::json(
                &json!({"signature": file, "signed_by": key, "digest": installed::digest(&packed)}),
            )?;
        }
        false => screen::line(format!("{}: signed by {key}", file.display()))?,
    }
    Ok(Exit::Fine)
}

pub fn verify(invocation: &Invocation, args: &VerifyArgs) -> anyhow::Result<Exit> {
    let packed = installed::read(&args.file)?;
    let key = match Path::new(&args.key).is_file() {
        true => sign::public_key(&text(Path::new(&args.key))?)?,
        false => sign::public_key(&args.key)?,
    };
    let signature = text(&beside(&args.file, sign::SIGNATURE))?;
    let keys = [key];
    let signer = sign::signer(&packed, &signature, &keys)?;
    match (invocation.json, signer) {
        (true, signer) => screen::json(&json!({"signed_by": signer, "digest": installed::digest(&packed)}))?,
        (false, Some(key)) => screen::line(format!("{} was signed by {key}", args.file.display()))?,
        (false, None) => {
            eprintln!("snodo: {} was not signed by {}, or was changed since", args.file.display(), keys[0]);
        }
    }
    Ok(if signer.is_some() { Exit::Fine } else { Exit::Wrong })
}

/// The text of a packed file's signature, if it has one.
pub fn signature_of(packed: &Path) -> anyhow::Result<Option<String>> {
    let file = beside(packed, sign::SIGNATURE);
    if file.exists() { text(&file).map(Some) } else { Ok(None) }
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{end}"));
    name.into()
}

fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))
}

impl PasswordArgs {
    fn read(&self) -> anyhow::Result<Option<String>> {
        match &self.password_file {
            Some(file) => Ok(Some(text(file)?.trim_end_matches(['\r', '\n']).to_owned())),
            None => Ok(std::env::var("SNODO_KEY_PASSWORD").ok().filter(|password| !password.is_empty())),
        }
    }
}
