//! `snodo events` and `snodo timeline`: events as they were accepted, beside the running hub.

use std::time::Duration;

use serde_json::json;
use snodo_core::identity::Identifier;
use snodo_core::privacy::Privacy;
use snodo_core::vocabulary::Vocabulary;
use snodo_core::{ChannelName, CustomerId, Fate, Timestamp};
use snodo_store::{EventRow, EventSeq, Filter, Order, Reader, Store, Verdict};

use super::{Exit, Invocation, moment, screen};
use crate::configuration;

/// How often `--follow` looks again.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// What `--follow` and `timeline` read at once.
const PAGE: usize = 500;

#[derive(clap::Args)]
pub struct Args {
    /// Only from this channel
    #[arg(long)]
    channel: Option<ChannelName>,
    /// Only of this type: `commerce.order.placed`, or the beginning of some: `commerce.*`
    #[arg(long = "type")]
    kind: Option<String>,
    /// Only about this customer: their id, or an identifier of theirs: `email:anna@example.com`
    #[arg(long)]
    customer: Option<String>,
    /// Only with this fate on some route: delivered, filtered, suppressed, duplicate, quarantined, dead, expired, in-flight
    #[arg(long, value_parser = fate)]
    fate: Option<Standing>,
    /// Only those accepted from then on: a time, or how long ago
    #[arg(long, value_parser = moment::parse)]
    since: Option<Timestamp>,
    /// Only those accepted until then
    #[arg(long, value_parser = moment::parse)]
    until: Option<Timestamp>,
    /// How many, the newest ones
    #[arg(long, short = 'n', default_value_t = 20)]
    limit: usize,
    /// Go on with new ones as they come
    #[arg(long, short = 'f')]
    follow: bool,
}

/// A fate, or none yet.
#[derive(Clone, Copy)]
struct Standing(Option<Fate>);

fn fate(text: &str) -> Result<Standing, String> {
    match text {
        "in-flight" => Ok(Standing(None)),
        _ => Fate::parse(text).map(|fate| Standing(Some(fate))).ok_or_else(|| {
            let names: Vec<&str> = Fate::ALL.iter().map(|fate| fate.as_str()).collect();
            format!("there is no fate {text:?}; there are {}, in-flight", names.join(", "))
        }),
    }
}

#[derive(clap::Args)]
pub struct TimelineArgs {
    /// The customer's id, or an identifier of theirs: `email:anna@example.com`, `phone:+39…`, `loyalty:…`
    customer: String,
}

pub fn events(invocation: &Invocation, args: &Args) -> anyhow::Result<Exit> {
    let store = Store::open_read_only(configuration::data_folder(&invocation.config)?)?;
    let customer = match &args.customer {
        Some(text) => match customer(&store, text)? {
            Some(customer) => Some(customer),
            None => return Ok(unknown(text)),
        },
        None => None,
    };
    let mut filter = Filter {
        channel: args.channel.clone(),
        kind: args.kind.clone(),
        customer,
        since: args.since,
        until: args.until,
        fate: args.fate.map(|standing| standing.0),
        limit: args.limit,
        ..Filter::default()
    };
    let mut found = store.events(&filter)?;
    found.reverse();
    let mut out = Listing::new(invocation);
    out.heads()?;
    found.iter().try_for_each(|row| out.row(row))?;
    filter.after = Some(found.last().map_or(EventSeq(0), |row| row.seq));
    (filter.order, filter.limit) = (Order::OldestFirst, PAGE);
    if !args.follow {
        return Ok(Exit::Fine);
    }
    loop {
        std::thread::sleep(LOOK_EVERY);
        for row in store.events(&filter)? {
            out.row(&row)?;
            filter.after = Some(row.seq);
        }
    }
}

pub fn timeline(invocation: &Invocation, args: &TimelineArgs) -> anyhow::Result<Exit> {
    let store = Store::open_read_only(configuration::data_folder(&invocation.config)?)?;
    let Some(customer) = customer(&store, &args.customer)? else { return Ok(unknown(&args.customer)) };
    print_timeline(invocation, &store, customer)?;
    Ok(Exit::Fine)
}

pub fn print_timeline(invocation: &Invocation, store: &Reader, customer: CustomerId) -> anyhow::Result<()> {
    let privacy = Privacy::new(&Vocabulary::load());
    if !invocation.json {
        let namespaces: Vec<String> =
            store.identifiers_of(customer)?.into_iter().map(|(name, _)| name).collect();
        screen::line(format!("customer {customer}, known by {}", namespaces.join(", ")))?;
    }
    let mut table = screen::Table::new(&["when", "channel", "type", "about", "replays", "event"]);
    let mut rows = Vec::new();
    loop {
        let after = rows.last().map_or(EventSeq(0), |row: &EventRow| row.seq);
        let page = store.timeline(customer, after, PAGE)?;
        if page.is_empty() {
            break;
        }
        rows.extend(page);
    }
    // Told in the order in which it happened, which is not always the order in which the hub heard of it.
    rows.sort_by_key(|row| Timestamp::parse(&row.event.time));
    for row in &rows {
        match invocation.json {
            true => screen::json(&shown(&privacy, row))?,
            false => table.row([
                row.event.time.clone(),
                row.channel.to_string(),
                row.event.kind.to_string(),
                row.event.subject.clone().unwrap_or_default(),
                row.replays.to_string(),
                row.event.id.to_string(),
            ]),
        }
    }
    if !invocation.json {
        table.print()?;
    }
    Ok(())
}

/// By id, or by `namespace:value`. A namespace may have a colon in it: `shopify:customer:acme.example/1`.
pub fn customer(store: &Reader, text: &str) -> anyhow::Result<Option<CustomerId>> {
    if let Some(id) = CustomerId::parse(text) {
        return Ok(Some(id));
    }
    for (at, _) in text.match_indices(':') {
        let identifier = Identifier::new(&text[..at], &text[at + 1..]);
        if let Some(identifier) = identifier
            && let Some(customer) = store.customer_of(identifier.key)?
        {
            return Ok(Some(customer));
        }
    }
    Ok(None)
}

pub fn unknown(text: &str) -> Exit {
    eprintln!(
        "snodo: the hub knows no customer by {text:?}: give an id, or namespace:value as in email:anna@example.com"
    );
    Exit::Wrong
}

/// Rows one by one, so that they can be followed.
struct Listing<'a> {
    invocation: &'a Invocation,
    privacy: Privacy,
}

impl<'a> Listing<'a> {
    fn new(invocation: &'a Invocation) -> Self {
        Self { invocation, privacy: Privacy::new(&Vocabulary::load()) }
    }

    fn heads(&self) -> anyhow::Result<()> {
        if !self.invocation.json {
            screen::line(format!(
                "{:<24}  {:<16}  {:<32}  {:<12}  {:<7}  {:<36}  ABOUT",
                "ACCEPTED", "CHANNEL", "TYPE", "VERDICT", "REPLAYS", "EVENT"
            ))?;
        }
        Ok(())
    }

    fn row(&mut self, row: &EventRow) -> anyhow::Result<()> {
        if self.invocation.json {
            return screen::json(&shown(&self.privacy, row));
        }
        screen::line(
            format!(
                "{:<24}  {:<16}  {:<32}  {:<12}  {:<7}  {:<36}  {}",
                row.accepted.to_string(),
                row.channel.as_str(),
                row.event.kind,
                verdict(&row.verdict),
                row.replays,
                row.event.id.to_string(),
                row.event.subject.as_deref().unwrap_or("")
            )
            .trim_end(),
        )?;
        Ok(())
    }
}

pub const fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Routed => "routed",
        Verdict::Duplicate { .. } => "duplicate",
        Verdict::Quarantined { .. } => "quarantined",
    }
}

/// An event for scripts: personal data masked, as everywhere but where somebody asks for it.
fn shown(privacy: &Privacy, row: &EventRow) -> serde_json::Value {
    let mut event = row.event.to_json();
    let masked = privacy.mask(&row.event.kind, &event["data"]);
    event["data"] = masked;
    json!({
        "seq": row.seq, "channel": row.channel, "accepted": row.accepted.to_string(), "verdict": verdict(&row.verdict),
        "customer": row.customer, "replays": row.replays, "event": event,
    })
}
