//! `snodo connector dev`: while a connector is written. Whenever a file of its folder changes, it is built, tested by its golden
//! cases, shown against what came lately, and put to work in the running hub. Between changes: what comes, and what becomes
//! of it.

mod live;
mod watch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use snodo_core::ChannelName;
use snodo_core::vocabulary::Vocabulary;
use snodo_kit::golden::Mode;
use snodo_kit::{Folder, build};
use snodo_store::Store;

use super::{Exit, Invocation, kit, running, screen};
use crate::configuration::{self, Configuration};
use crate::live::swap::Swapped;
use crate::{admin, assemble, hub};
use live::Live;
use watch::{Changed, Watch};

/// Soon enough for a person who has just saved a file.
const LOOK_EVERY: Duration = Duration::from_millis(300);

#[derive(clap::Args)]
pub struct Args {
    /// The connector's folder, which lies in the hub's folder of connectors
    folder: PathBuf,
    /// Show personal data in clear, in what came and in what becomes of it
    #[arg(long)]
    reveal: bool,
    /// Do it once, without waiting for changes
    #[arg(long)]
    once: bool,
}

#[derive(clap::Args)]
pub struct ReloadArgs {
    /// The connector's name
    name: String,
}

/// What a connector in the making is made in.
struct Bench<'a> {
    invocation: &'a Invocation,
    data: PathBuf,
    vocabulary: Vocabulary,
    reveal: bool,
}

pub fn reload(invocation: &Invocation, args: &ReloadArgs) -> anyhow::Result<Exit> {
    let data = configuration::data_folder(&invocation.config)?;
    let swapped: Swapped = running::tell(&data, admin::SWAP, &args.name)?;
    match invocation.json {
        true => screen::json(&swapped)?,
        false => say(&swapped)?,
    }
    Ok(Exit::Fine)
}

fn say(swapped: &Swapped) -> anyhow::Result<()> {
    let channels: Vec<&str> = swapped.channels.iter().map(ChannelName::as_str).collect();
    screen::line(format!(
        "{} {} is at work on {}, blake3:{}",
        swapped.connector,
        swapped.version,
        channels.join(", "),
        swapped.digest
    ))?;
    Ok(())
}

pub fn dev(invocation: &Invocation, args: &Args) -> anyhow::Result<Exit> {
    let folder = Folder::open(&args.folder)?;
    ensure_it_is_found(&invocation.config, &folder)?;
    let bench = Bench {
        invocation,
        data: configuration::data_folder(&invocation.config)?,
        vocabulary: Vocabulary::load(),
        reveal: args.reveal,
    };
    let mut watch = Watch::new(&args.folder);
    let mut live = None;
    let is_sound = bench.round(&args.folder, Changed::Sources, &mut live);
    if args.once {
        return Ok(if is_sound { Exit::Fine } else { Exit::Wrong });
    }
    loop {
        std::thread::sleep(LOOK_EVERY);
        if let Some(changed) = watch.look() {
            bench.round(&args.folder, changed, &mut live);
        }
        if let Some(live) = &mut live {
            live.show_new(&bench)?;
        }
    }
}

/// The hub reads its connectors from one place; what is made elsewhere never gets to it.
fn ensure_it_is_found(config: &Path, folder: &Folder) -> anyhow::Result<()> {
    let configuration = Configuration::read(config)?;
    let name = &folder.manifest.name;
    let found = configuration.connector(name).and_then(|available| available.path());
    let same = |path: &Path| path.canonicalize().ok() == folder.component_path().canonicalize().ok();
    let place = configuration.connectors_folder();
    let placed = place.join(name);
    ensure!(
        found.is_some_and(same) || placed.canonicalize().ok() == folder.path.canonicalize().ok(),
        "the hub finds its connectors in {}: make this one there, or move it to {}",
        place.display(),
        placed.display()
    );
    Ok(())
}

impl Bench<'_> {
    /// What is wrong with it is shown, and mended by the next change.
    fn round(&self, folder: &Path, changed: Changed, live: &mut Option<Live>) -> bool {
        match self.make(folder, changed, live) {
            Ok(is_sound) => is_sound,
            Err(error) => {
                eprintln!("snodo: {error:#}");
                false
            }
        }
    }

    fn make(&self, folder: &Path, changed: Changed, live: &mut Option<Live>) -> anyhow::Result<bool> {
        let folder = Folder::open(folder)?;
        let component = match changed {
            Changed::Sources => build::build(&folder)?,
            Changed::Cases => folder.component()?,
        };
        let connector = kit::load_beside(&component, assemble::compiled(&self.data))?;
        let mut failed = 0;
        for case in &folder.cases {
            if let Err(why) = case.check(&connector, Mode::Compare) {
                failed += 1;
                screen::line(format!("FAILED  {}\n{why}", case.name))?;
            }
        }
        let digest = connector.digest();
        screen::line(format!(
            "built blake3:{}: {} of {} cases as expected",
            &digest[..16],
            folder.cases.len() - failed,
            folder.cases.len()
        ))?;
        if changed == Changed::Sources {
            self.put_to_work(&folder.manifest.name, live)?;
        }
        Ok(failed == 0)
    }

    fn put_to_work(&self, name: &str, live: &mut Option<Live>) -> anyhow::Result<()> {
        if !running::is_running(&hub::socket(&self.data)) {
            let config = self.invocation.config.display();
            screen::line(format!("no hub is running: `snodo -c {config} run` in another window"))?;
            return Ok(());
        }
        let store = Store::open_read_only(&self.data)?;
        let fresh = Live::new(self, store, name)?;
        if let Some(before) = live {
            before.show_difference(&fresh, self)?;
        }
        let swapped = running::tell::<Swapped>(&self.data, admin::SWAP, &name)
            .context("the running hub goes on with the build before")?;
        say(&swapped)?;
        // What was shown is not shown again.
        let shown = live.take();
        *live = Some(fresh.after(shown));
        Ok(())
    }
}
