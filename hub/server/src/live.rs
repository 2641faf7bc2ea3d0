//! The configuration that a running hub works with, and how another takes its place: all of it or nothing, without a restart. What did
//! not change goes on untouched; what did is stopped when what it is at is done, and started anew. Nothing is lost between the two,
//! because messages and deliveries wait in the store.

pub mod ended;
pub mod plan;
mod print;
pub mod swap;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use snodo_core::ChannelName;
use snodo_core::declare::{Declarations, Difference, Ended};
use snodo_host::Sandbox;
use tokio::sync::Mutex;
use tracing::{debug, error, info, warn};

use crate::configuration::{Configuration, missing};
use crate::parts::{Part, Parts, Run, Way, Workshop};
use crate::pipeline::Line;
use crate::{assemble, doors};
use plan::{Answers, Applied, Plan, Refusal};
use print::Print;
use watch::Contents;

pub struct Live {
    folder: PathBuf,
    sandbox: Sandbox,
    workshop: Workshop,
    /// One change at a time.
    running: Mutex<Running>,
    /// What was in the files when they were last read, whatever came of it.
    considered: std::sync::Mutex<Option<Contents>>,
}

/// What is at work.
struct Running {
    declarations: Declarations,
    prints: BTreeMap<ChannelName, Print>,
    parts: BTreeMap<ChannelName, Parts>,
    /// Of connectors, by name.
    versions: BTreeMap<String, String>,
    /// The hub stops: nothing is changed any more.
    is_over: bool,
}

/// Files that were read and hold together, and what they change.
struct Proposal {
    configuration: Configuration,
    declarations: Declarations,
    line: Line,
    prints: BTreeMap<ChannelName, Print>,
    changes: Difference,
    ended: Ended,
}

/// What is to be started for channels, with all done that can fail.
#[derive(Default)]
struct Prepared {
    ways: BTreeMap<ChannelName, Way>,
    outboxes: BTreeMap<ChannelName, Run>,
}

/// Whose parts are made anew, and must have ended before.
struct Making {
    doors: BTreeSet<ChannelName>,
    outboxes: BTreeSet<ChannelName>,
}

impl Prepared {
    fn names(&self) -> Making {
        let alone = self.ways.iter().filter(|(_, way)| !way.may_overlap);
        Making {
            doors: alone.map(|(name, _)| name.clone()).collect(),
            outboxes: self.outboxes.keys().cloned().collect(),
        }
    }
}

impl Live {
    /// Starts everything that is declared.
    pub fn start(
        configuration: &Configuration,
        declarations: Declarations,
        sandbox: Sandbox,
        workshop: Workshop,
    ) -> anyhow::Result<Self> {
        let line = workshop.line.now();
        let mut running = Running {
            prints: prints(configuration, &declarations, &line),
            declarations,
            parts: BTreeMap::new(),
            versions: versions(configuration),
            is_over: false,
        };
        let prepared = workshop.prepare(configuration, &running.declarations, |_| true, |_| true)?;
        running.start(&workshop, prepared);
        warn_of_strangers(&workshop, &running.declarations)?;
        let considered = std::sync::Mutex::new(None);
        let folder = configuration.folder.clone();
        Ok(Self { folder, sandbox, workshop, running: Mutex::new(running), considered })
    }

    /// Stops taking messages, finishes what is under way.
    pub async fn stop(&self) {
        let mut running = self.running.lock().await;
        running.is_over = true;
        let parts: Vec<Parts> = std::mem::take(&mut running.parts).into_values().collect();
        let (mut doors, mut intakes, mut outboxes) = (Vec::new(), Vec::new(), Vec::new());
        for Parts { door, intake, outbox } in parts {
            doors.extend(door);
            intakes.extend(intake);
            outboxes.extend(outbox);
        }
        Part::end_all(doors).await;
        Part::end_all(intakes).await;
        Part::end_all(outboxes).await;
    }

    /// What applying the files would do. Changes nothing.
    pub async fn plan(self: &Arc<Self>) -> Plan {
        let running = self.running.lock().await;
        let proposal = match self.propose(&running).await {
            Ok(proposal) => proposal,
            Err(refusal) => return Plan { refusal: Some(refusal), ..Plan::default() },
        };
        let mut refusal = restart_refusal(&proposal.changes);
        refusal.reasons.extend(missing::secrets(&proposal.configuration, &proposal.declarations));
        let left = match ended::left(&self.workshop.condition.store, &running.declarations, &proposal.ended) {
            Ok(left) => left,
            Err(error) => {
                refusal.reasons.push(error.to_string());
                Vec::new()
            }
        };
        let refusal = (!refusal.is_empty()).then_some(refusal);
        Plan { changes: Some(proposal.changes), left, refusal }
    }

    /// Applies the files as they are now: all that they say, or nothing. In a task of its own, so that a caller who goes away stops
    /// nothing halfway.
    pub async fn reload(self: &Arc<Self>, answers: Answers) -> Result<Applied, Refusal> {
        let live = Arc::clone(self);
        let applying = tokio::spawn(async move { live.reload_now(&answers).await });
        let applied =
            applying.await.unwrap_or_else(|panic| Err(Refusal::because(format!("internal error: {panic}"))));
        self.tell(&applied);
        applied
    }

    fn tell(&self, applied: &Result<Applied, Refusal>) {
        let refused = applied.as_ref().err().map(Refusal::to_string);
        match applied {
            Ok(Applied { changes, .. }) if changes.is_empty() => {
                debug!("the configuration is as the hub has it");
            }
            Ok(Applied { changes, left }) => {
                for one in left {
                    warn!(
                        of = one.of,
                        count = one.count,
                        "something was left of what is not declared any more"
                    );
                }
                info!(changes = plan::lines(changes).join("; "), "another configuration is at work");
            }
            Err(refusal) => {
                error!(reasons = %refusal, "the configuration was refused, and the hub goes on with the one before");
            }
        }
        *self.workshop.condition.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    async fn reload_now(&self, answers: &Answers) -> Result<Applied, Refusal> {
        let mut running = self.running.lock().await;
        if running.is_over {
            return Err(Refusal::because("the hub is stopping"));
        }
        self.consider().await;
        let proposal = self.propose(&running).await?;
        let refusal = restart_refusal(&proposal.changes);
        if !refusal.is_empty() {
            return Err(refusal);
        }
        ended::check(answers, &proposal.ended)?;
        running.versions = versions(&proposal.configuration);
        if proposal.changes.is_empty() {
            return Ok(Applied { changes: proposal.changes, left: Vec::new() });
        }
        let Proposal { configuration, declarations, line, prints, changes, ended } = proposal;
        let another = |name: &ChannelName, part: fn(&Print) -> &serde_json::Value| {
            running.prints.get(name).map(part) != Some(part(&prints[name]))
        };
        // Where deliveries of a route are settled, nobody else may be at work on them.
        let decided = ended.routes.iter().filter(|name| answers.contains_key(&format!("routes/{name}")));
        let decided: BTreeSet<ChannelName> =
            decided.map(|name| running.declarations.routes[name].to.clone()).collect();
        let prepared = self.workshop.prepare(
            &configuration,
            &declarations,
            |name| another(name, |print| &print.door),
            |name| another(name, |print| &print.outbox) || decided.contains(name),
        )?;
        running.let_go(&self.workshop, &ended, answers).await?;

        // From here on nothing fails.
        let making = prepared.names();
        running.close(&declarations, &making).await;
        self.workshop.catch_up().await;
        running.finish(&self.workshop, &ended, answers).await;
        running.stop_changed(&making, &ended).await;
        self.workshop.catch_up().await;
        let left =
            ended::settle(&self.workshop.condition.store, &running.declarations, &ended, answers).await;
        self.workshop.line.set(line);
        running.declarations = declarations;
        running.prints = prints;
        for name in &ended.sources {
            self.workshop.condition.sources.take_down(name);
        }
        for name in &ended.destinations {
            self.workshop.condition.destinations.take_down(name);
        }
        let replaced = running.start(&self.workshop, prepared);
        Part::end_all(replaced).await;
        Ok(Applied { changes, left })
    }

    /// These files are being read: what comes of it is told once.
    async fn consider(&self) {
        let folder = self.folder.clone();
        let contents = tokio::task::spawn_blocking(move || Contents::of(&folder)).await.ok();
        *self.considered.lock().unwrap_or_else(PoisonError::into_inner) = contents;
    }

    fn has_considered(&self, contents: Contents) -> bool {
        *self.considered.lock().unwrap_or_else(PoisonError::into_inner) == Some(contents)
    }

    /// Reads the files. Components may have to be compiled: that takes seconds.
    async fn propose(&self, running: &Running) -> Result<Proposal, Refusal> {
        let (folder, sandbox) = (self.folder.clone(), self.sandbox.clone());
        let (old, before) = (running.declarations.clone(), self.workshop.line.now());
        let prints_before = running.prints.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let configuration = Configuration::read(&folder)?;
            let declarations = configuration
                .declarations(&before.vocabulary)
                .map_err(|mistakes| Refusal { mistakes, reasons: Vec::new() })?;
            let line = assemble::line(&configuration, &declarations, &sandbox, Some(&before))?;
            let prints = prints(&configuration, &declarations, &line);
            let mut changes = Difference::between(&old, &declarations);
            for (name, print) in &prints {
                if prints_before.get(name).is_some_and(|before| before != print) {
                    changes.channels.change(name);
                }
            }
            let ended = Ended::between(&old, &declarations);
            Ok(Proposal { configuration, declarations, line, prints, changes, ended })
        });
        reading.await.unwrap_or_else(|panic| Err(Refusal::because(format!("internal error: {panic}"))))
    }
}

impl Workshop {
    /// What was handed to the store by those who have stopped is on the disk when this is.
    async fn catch_up(&self) {
        if let Err(error) = self.condition.store.settle(Vec::new()).await {
            warn!(%error, "the store does not write");
        }
    }

    /// Makes what is to run for those channels whose door, or whose way out, is to be made.
    fn prepare(
        &self,
        configuration: &Configuration,
        declarations: &Declarations,
        door: impl Fn(&ChannelName) -> bool,
        outbox: impl Fn(&ChannelName) -> bool,
    ) -> anyhow::Result<Prepared> {
        let mut prepared = Prepared::default();
        for (name, declared) in &declarations.channels {
            if door(name)
                && let Some(way) = self.way(configuration, declarations, name)?
            {
                prepared.ways.insert(name.clone(), way);
            }
            if outbox(name)
                && let Some(run) = self.outbox(configuration, name, declared)?
            {
                prepared.outboxes.insert(name.clone(), run);
            }
        }
        doors::check_write_keys(configuration, declarations)?;
        Ok(prepared)
    }
}

fn versions(configuration: &Configuration) -> BTreeMap<String, String> {
    let manifests = configuration.connectors.iter().map(|available| &available.manifest);
    manifests.map(|manifest| (manifest.name.clone(), manifest.version.clone())).collect()
}

impl Running {
    /// Ends the doors that another takes the place of, and those that are not declared any more. Where the new one may open first, the
    /// old one stays until it has.
    async fn close(&mut self, declarations: &Declarations, making: &Making) {
        let mut doors = Vec::new();
        for (name, parts) in &mut self.parts {
            let declared = declarations.channels.get(name);
            let has_door = declared.is_some_and(|declared| declared.receive.is_some());
            if !has_door || making.doors.contains(name) {
                doors.extend(parts.door.take());
            }
        }
        Part::end_all(doors).await;
    }

    async fn stop_changed(&mut self, making: &Making, ended: &Ended) {
        let (mut intakes, mut outboxes) = (Vec::new(), Vec::new());
        for (name, parts) in &mut self.parts {
            if ended.sources.contains(name) {
                intakes.extend(parts.intake.take());
            }
            if ended.destinations.contains(name) || making.outboxes.contains(name) {
                outboxes.extend(parts.outbox.take());
            }
        }
        Part::end_all(intakes).await;
        Part::end_all(outboxes).await;
    }

    /// Starts what was prepared, and the intakes that are missing. What goes on in the place of another is returned.
    fn start(&mut self, workshop: &Workshop, prepared: Prepared) -> Vec<Part> {
        for (name, run) in prepared.outboxes {
            self.parts.entry(name).or_default().outbox = Some(Part::start(run));
        }
        self.let_all_in(workshop);
        let mut replaced = Vec::new();
        for (name, way) in prepared.ways {
            let door = &mut self.parts.entry(name).or_default().door;
            replaced.extend(door.replace(Part::start(way.run)));
        }
        self.parts.retain(|name, _| self.declarations.channels.contains_key(name));
        replaced
    }
}

fn prints(
    configuration: &Configuration,
    declarations: &Declarations,
    line: &Line,
) -> BTreeMap<ChannelName, Print> {
    let print = |(name, declared): (&ChannelName, _)| {
        let fitted = line.channels[name].fitted();
        (name.clone(), Print::new(configuration, declarations, declared, fitted))
    };
    declarations.channels.iter().map(print).collect()
}

fn restart_refusal(changes: &Difference) -> Refusal {
    let reason = |fixed: &snodo_core::declare::Fixed| {
        format!(
            "hub.toml: `{}` takes a restart of the hub, because {}: put it back, or stop the hub and start it again",
            fixed.key, fixed.why
        )
    };
    Refusal { mistakes: Vec::new(), reasons: changes.restart.iter().map(reason).collect() }
}

/// Messages and deliveries of channels that are no longer declared stay in the store; somebody should know.
fn warn_of_strangers(workshop: &Workshop, declarations: &Declarations) -> anyhow::Result<()> {
    for left in ended::strangers(&workshop.condition.store, declarations)? {
        warn!(
            of = left.of,
            count = left.count,
            what = left.what.as_str(),
            "something waits for what is not declared any more"
        );
    }
    Ok(())
}
