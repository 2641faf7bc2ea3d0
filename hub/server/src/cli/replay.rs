//! `snodo replay`: events are sent once more, to the routes that they had or to those of today.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use snodo_core::declare::Declarations;
use snodo_core::route::Route;
use snodo_core::vocabulary::Vocabulary;
use snodo_core::{ChannelName, Fate, RouteName, Timestamp};
use snodo_store::home::{Home, Reading};
use snodo_store::{EventSeq, Filter, Found, LeftOut, MessageSeq, NEW_SUPPRESSED, Replayed, Selector, Which};
use tokio::runtime::Runtime;

use super::{Exit, Invocation, check, events, moment, running, screen};
use crate::admin;
use crate::configuration::Configuration;
use crate::home::{self, Changer};
use crate::replay::{Ask, Today};

#[derive(clap::Args)]
pub struct Args {
    /// Only these events: their ids, or the beginnings of them
    #[arg(value_name = "EVENT")]
    events: Vec<String>,
    /// Only those accepted from then on: a time, or how long ago
    #[arg(long, value_parser = moment::parse)]
    since: Option<Timestamp>,
    /// Only those accepted until then
    #[arg(long, value_parser = moment::parse)]
    until: Option<Timestamp>,
    /// Only of this type: `commerce.order.placed`, or the beginning of some: `commerce.*`
    #[arg(long = "type")]
    kind: Option<String>,
    /// Only from this channel
    #[arg(long)]
    channel: Option<ChannelName>,
    /// Only to this destination
    #[arg(long)]
    to: Option<ChannelName>,
    /// Only by this route
    #[arg(long)]
    route: Option<RouteName>,
    /// Only with this fate: delivered, filtered, suppressed, duplicate, quarantined, dead, expired
    #[arg(long, value_parser = fate)]
    fate: Option<Fate>,
    /// Only with a reason that contains this text
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only about this customer: their id, or an identifier of theirs: `email:anna@example.com`
    #[arg(long)]
    customer: Option<String>,
    /// Let today's routes decide: those that took nothing of an event may take it now
    #[arg(long)]
    rematch: bool,
    /// Count what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Send even if it is much
    #[arg(long)]
    yes: bool,
}

/// More than this many deliveries are sent only with `--yes`.
const UNASKED_MAX: u64 = 100;

fn fate(text: &str) -> Result<Fate, String> {
    Fate::parse(text).ok_or_else(|| {
        let names: Vec<&str> = Fate::ALL.iter().map(|fate| fate.as_str()).collect();
        format!("there is no fate {text:?} to send again from; there are {}", names.join(", "))
    })
}

pub fn replay(invocation: &Invocation, args: &Args) -> anyhow::Result<Exit> {
    let store = home::look(&invocation.config)?;
    let Some(selector) = args.selector(&*store)? else { return Ok(Exit::Wrong) };
    let Some(by) = By::of(invocation)? else { return Ok(Exit::Wrong) };
    let exit = replay_by(&by, invocation, args, (&*store, &selector));
    drop(store);
    by.finish();
    exit
}

fn replay_by(
    by: &By,
    invocation: &Invocation,
    args: &Args,
    (store, selector): (&dyn Reading, &Selector),
) -> anyhow::Result<Exit> {
    if args.dry_run || !args.yes {
        let counted = pages(store, selector, |page| by.replay(selector, page, true))?;
        let much = counted.count() > UNASKED_MAX;
        if args.dry_run || much || counted.count() == 0 {
            print(invocation, &counted, true)?;
            if much && !args.dry_run {
                eprintln!("snodo: nothing was sent: that is much. Give --yes too, and it will be");
            }
            let is_fine = args.dry_run && counted.count() > 0;
            return Ok(if is_fine { Exit::Fine } else { Exit::Wrong });
        }
    }
    let done = pages(store, selector, |page| by.replay(selector, page, false))?;
    print(invocation, &done, false)?;
    Ok(if done.count() == 0 { Exit::Wrong } else { Exit::Fine })
}

impl Args {
    /// `None`: what was asked for is not there, which is said.
    fn selector(&self, store: &dyn Reading) -> anyhow::Result<Option<Selector>> {
        let which = Which {
            destination: self.to.clone(),
            route: self.route.clone(),
            fate: self.fate,
            reason: self.reason.clone(),
        };
        let of_events = self.channel.is_some() || self.kind.is_some() || self.customer.is_some();
        let of_time = self.since.is_some() || self.until.is_some();
        if self.events.is_empty() && !of_events && !of_time && which == Which::default() {
            eprintln!(
                "snodo: say what to send again: an event's id, --since, --until, --type, --channel, --to, --route, --fate, --reason \
                 or --customer; several of them must all hold"
            );
            return Ok(None);
        }
        let mut events = Vec::new();
        for id in &self.events {
            let Some(seq) = found(store, id)? else { return Ok(None) };
            events.push(seq);
        }
        let customer = match &self.customer {
            None => None,
            Some(text) => match events::customer(store, text)? {
                Some(customer) => Some(customer),
                None => {
                    events::unknown(text);
                    return Ok(None);
                }
            },
        };
        let filter = Filter {
            channel: self.channel.clone(),
            kind: self.kind.clone(),
            customer,
            since: self.since,
            until: self.until,
            ..Filter::default()
        };
        Ok(Some(Selector { events, filter, which, rematch: self.rematch }))
    }
}

/// The event of an id, or of the beginning of one.
fn found(store: &dyn Reading, id: &str) -> anyhow::Result<Option<EventSeq>> {
    match store.find(id)? {
        Found::One(seq) => return Ok(Some(seq)),
        Found::Nothing => eprintln!("snodo: there is no event {id:?}: `snodo events` lists them"),
        Found::Many(ids) => {
            eprintln!("snodo: {id:?} is the beginning of several events:");
            ids.iter().for_each(|id| eprintln!("  {id}"));
        }
    }
    Ok(None)
}

struct Page {
    events: Vec<EventSeq>,
    messages: Vec<MessageSeq>,
}

/// Page by page: the store goes on with other work between two, and whoever stops in between has sent whole pages.
fn pages(
    store: &dyn Reading,
    selector: &Selector,
    mut replay: impl FnMut(Page) -> anyhow::Result<Replayed>,
) -> anyhow::Result<Replayed> {
    let mut done = Replayed::default();
    let (last, mut after) = (store.last_event()?, EventSeq::default());
    loop {
        let events = store.replayable_events(selector, after, last)?;
        let Some(end) = events.last() else { break };
        after = *end;
        done.add(replay(Page { events, messages: Vec::new() })?);
    }
    let mut after = MessageSeq::default();
    loop {
        let messages = store.replayable_messages(selector, after)?;
        let Some(end) = messages.last() else { break };
        after = *end;
        done.add(replay(Page { events: Vec::new(), messages })?);
    }
    Ok(done)
}

/// The hub that runs here; or, if none does, this command.
enum By {
    TheHub(PathBuf),
    Us(Box<Idle>),
}

/// A home that no hub has open here, and what is declared.
struct Idle {
    home: Arc<dyn Home>,
    runtime: Runtime,
    declarations: Declarations,
    routes: Vec<Route>,
}

impl By {
    /// `None`: the configuration has mistakes, which are shown.
    fn of(invocation: &Invocation) -> anyhow::Result<Option<Self>> {
        let (home, runtime) = match home::changer(&invocation.config)? {
            Changer::TheHub(data) => return Ok(Some(Self::TheHub(data))),
            Changer::Us(home, runtime) => (home, runtime),
        };
        match Configuration::read(&invocation.config)?.declarations(&Vocabulary::load()) {
            Ok(declarations) => {
                let routes = declarations.routes();
                Ok(Some(Self::Us(Box::new(Idle { home, runtime, declarations, routes }))))
            }
            Err(mistakes) => {
                runtime.block_on(home.close());
                check::print(invocation, &mistakes)?;
                Ok(None)
            }
        }
    }

    fn replay(&self, selector: &Selector, page: Page, trial: bool) -> anyhow::Result<Replayed> {
        let Page { events, messages } = page;
        let ask = Ask { events, messages, which: selector.which.clone(), rematch: selector.rematch, trial };
        match self {
            Self::TheHub(data) => running::tell(data, admin::REPLAY, &ask),
            Self::Us(idle) => {
                let Idle { home, runtime, declarations, routes } = &**idle;
                let today = Today::of_declarations(declarations, routes);
                Ok(today.replay(&**home, &ask, runtime.handle())?)
            }
        }
    }

    fn finish(self) {
        if let Self::Us(idle) = self {
            idle.runtime.block_on(idle.home.close());
        }
    }
}

const fn told(left: LeftOut) -> &'static str {
    match left {
        LeftOut::InFlight => "in flight already",
        LeftOut::Repetition => "repetitions: the event that they repeat can be sent again",
        LeftOut::Unwanted => "not wanted by today's routes",
        LeftOut::Undeclared => "to destinations that are not declared any more",
        LeftOut::Waiting => "in messages that wait to be decoded already",
    }
}

fn print(invocation: &Invocation, done: &Replayed, trial: bool) -> anyhow::Result<()> {
    let suppressed = done.deliveries.values().filter_map(|counts| counts.get(NEW_SUPPRESSED)).sum::<u64>();
    let deliveries = done.count() - done.messages.len() as u64;
    if invocation.json {
        return screen::json(&json!({
            "dry_run": trial, "deliveries": deliveries, "messages": done.messages.len(), "by_destination": done.deliveries,
            "left_out": done.left,
        }));
    }
    let mut table = screen::Table::new(&["to", "before", "deliveries"]);
    for (destination, counts) in &done.deliveries {
        for (before, count) in counts {
            table.row([destination.to_string(), before.clone(), count.to_string()]);
        }
    }
    if !table.is_empty() {
        table.print()?;
        screen::line("")?;
    }
    let verb = if trial { "Would be sent again" } else { "Sent again" };
    screen::line(format!(
        "{verb}: {deliveries} deliveries; decoded again: {} messages.",
        done.messages.len()
    ))?;
    if suppressed > 0 {
        screen::line(format!("Of these {suppressed} are suppressed at once: the customer has not agreed."))?;
    }
    for (why, count) in &done.left {
        screen::line(format!("Left out: {count} {}.", told(*why)))?;
    }
    Ok(())
}
