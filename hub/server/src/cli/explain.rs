//! `snodo explain`: an event's whole way, from the raw message to the fate on every route. Personal data is masked unless it is
//! asked for; secrets never get here.

use serde_json::{Value, json};
use snodo_core::declare::Declarations;
use snodo_core::privacy::{PersonalValue, Privacy, mask_text};
use snodo_core::vocabulary::Vocabulary;
use snodo_core::{ChannelName, RouteName};
use snodo_store::{Attempts, Due, EventRow, Found, MessageRow, Reader, Standing, Store, Trail, Verdict};

use super::{Exit, Invocation, events, screen};
use crate::assemble;
use crate::clock;
use crate::configuration::{self, Configuration};
use crate::hub;
use crate::pipeline::{Line, encode};

#[derive(clap::Args)]
pub struct Args {
    /// The event's id, or the beginning of it
    event: String,
    /// Show personal data in clear
    #[arg(long)]
    reveal: bool,
}

pub fn explain(invocation: &Invocation, args: &Args) -> anyhow::Result<Exit> {
    let store = Store::open_read_only(configuration::data_folder(&invocation.config)?)?;
    let seq = match store.find(&args.event)? {
        Found::One(seq) => seq,
        Found::Nothing => {
            eprintln!("snodo: there is no event {:?}: `snodo events` lists them", args.event);
            return Ok(Exit::Wrong);
        }
        Found::Many(ids) => {
            eprintln!("snodo: {:?} is the beginning of several events:", args.event);
            ids.iter().for_each(|id| eprintln!("  {id}"));
            return Ok(Exit::Wrong);
        }
    };
    let trail = store.trail(seq)?.expect("it was found just now");
    let vocabulary = Vocabulary::load();
    let declared = Declared::read(invocation, &vocabulary);
    let mask = Mask::new(&vocabulary, &trail.event, args.reveal);
    let whole = whole(&store, &trail, declared.as_ref(), &mask)?;
    match invocation.json {
        true => screen::json(&whole)?,
        false => print(&whole)?,
    }
    Ok(Exit::Fine)
}

/// The declarations of now, to say why a route did not want the event and what a request looks like. Without them the rest is
/// still told.
struct Declared {
    declarations: Declarations,
    line: Option<Line>,
}

impl Declared {
    fn read(invocation: &Invocation, vocabulary: &Vocabulary) -> Option<Self> {
        let configuration = Configuration::read(&invocation.config).ok()?;
        let declarations = configuration.declarations(vocabulary).ok()?;
        let sandbox =
            assemble::sandbox(&configuration, &declarations, hub::Options::of_binary().ok()?.compile).ok()?;
        let line = assemble::line(&configuration, &declarations, &sandbox, None).ok();
        Some(Self { declarations, line })
    }
}

/// Hides personal values, in the event's body and wherever else they turn up.
pub(super) struct Mask {
    privacy: Privacy,
    kind: String,
    values: Vec<PersonalValue>,
    reveal: bool,
}

impl Mask {
    pub fn new(vocabulary: &Vocabulary, row: &EventRow, reveal: bool) -> Self {
        let kind = row.event.kind.to_string();
        let data: Value = serde_json::from_slice(&row.event.data).unwrap_or_default();
        let privacy = Privacy::new(vocabulary);
        let values = privacy.personal_values(&kind, &data);
        Self { privacy, kind, values, reveal }
    }

    pub fn data(&self, data: &Value) -> Value {
        self.data_of(&self.kind, data)
    }

    /// Of an event of another type.
    pub fn data_of(&self, kind: &str, data: &Value) -> Value {
        match self.reveal {
            true => data.clone(),
            false => self.privacy.mask(kind, data),
        }
    }

    pub fn text(&self, text: &str) -> String {
        match self.reveal {
            true => text.to_owned(),
            false => mask_text(text, &self.values),
        }
    }

    pub fn texts(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.text(&text).into(),
            Value::Array(items) => items.into_iter().map(|item| self.texts(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(key, value)| (key, self.texts(value))).collect()
            }
            other => other,
        }
    }
}

fn whole(store: &Reader, trail: &Trail, declared: Option<&Declared>, mask: &Mask) -> anyhow::Result<Value> {
    let row = &trail.event;
    let mut event = row.event.to_json();
    event["data"] = mask.data(&event["data"]);
    let mut shown = json!({
        "event": event,
        "message": message(&trail.message, mask),
        "accepted": row.accepted.to_string(),
        "verdict": events::verdict(&row.verdict),
        "customer": row.customer,
        "known_by": trail.identifiers.iter().map(|(name, since)| json!({"identifier": name, "since": since.to_string()})).collect::<Vec<_>>(),
        "routes": routes(store, trail, declared, mask)?,
    });
    match &row.verdict {
        Verdict::Quarantined { violations } => {
            shown["violations"] = mask.texts(serde_json::from_str(violations)?);
        }
        Verdict::Duplicate { of } => {
            shown["duplicate_of"] = json!(
                store
                    .event(*of)?
                    .map(|first| json!({"event": first.event.id, "accepted": first.accepted.to_string()}))
            );
        }
        Verdict::Routed => {}
    }
    let others = trail.others.iter().map(
        |other| json!({"accepted": other.accepted.to_string(), "verdict": events::verdict(&other.verdict)}),
    );
    let others: Vec<Value> = others.collect();
    if !others.is_empty() {
        shown["same_id"] = others.into();
    }
    Ok(shown)
}

fn message(row: &MessageRow, mask: &Mask) -> Value {
    let message = &row.message;
    let standing = match &row.standing {
        Standing::Pending => "waiting",
        Standing::Decoded { .. } => "decoded",
        Standing::Quarantined { .. } => "quarantined",
    };
    let mut shown = json!({
        "id": message.id, "channel": message.channel, "received": message.received.to_string(), "standing": standing,
        "bytes": message.body.len(), "headers": mask.texts(json!(message.envelope.headers)), "name": mask.text(&message.envelope.name),
    });
    if mask.reveal {
        shown["body"] = json!(String::from_utf8_lossy(&message.body));
    }
    shown
}

fn routes(
    store: &Reader,
    trail: &Trail,
    declared: Option<&Declared>,
    mask: &Mask,
) -> anyhow::Result<Vec<Value>> {
    let row = &trail.event;
    let reasons: Value = row.reasons.as_deref().map_or(Ok(Value::Null), serde_json::from_str)?;
    let mut shown = Vec::new();
    for one in &trail.deliveries {
        shown.push(delivery(store, row, one, declared, mask)?);
    }
    let delivered = |name: &RouteName| trail.deliveries.iter().any(|one| one.delivery.route == *name);
    if let Some(reasons) = reasons.as_object() {
        for (route, why) in reasons {
            shown.push(json!({"route": route, "fate": "filtered", "why": why}));
        }
    }
    for (name, route) in declared.iter().flat_map(|declared| &declared.declarations.routes) {
        if delivered(name) || reasons.get(name.as_str()).is_some() || row.verdict != Verdict::Routed {
            continue;
        }
        let why = match () {
            () if !route.enabled => "the route is switched off".to_owned(),
            () if !route.from.contains(&row.channel) => {
                format!("it takes events from {}", names(&route.from))
            }
            () if !route
                .events
                .iter()
                .any(|one| snodo_core::route::Pattern::new(one).matches(&row.event.kind)) =>
            {
                format!("it takes {}", route.events.join(", "))
            }
            () => "the route was not declared like this when the event was accepted".to_owned(),
        };
        shown.push(json!({"route": name, "fate": "filtered", "to": route.to, "why": why}));
    }
    if row.verdict != Verdict::Routed {
        let fate = events::verdict(&row.verdict);
        shown.push(json!({"route": format!("all {}", row.routes), "fate": fate}));
    }
    Ok(shown)
}

fn names(channels: &[ChannelName]) -> String {
    channels.iter().map(ChannelName::as_str).collect::<Vec<_>>().join(", ")
}

fn delivery(
    store: &Reader,
    row: &EventRow,
    one: &Attempts,
    declared: Option<&Declared>,
    mask: &Mask,
) -> anyhow::Result<Value> {
    let delivery = &one.delivery;
    let attempts = one.attempts.iter().map(|text| Ok(mask.texts(serde_json::from_str(text)?)));
    let mut shown = json!({
        "route": delivery.route, "to": delivery.destination, "purpose": delivery.purpose,
        "fate": delivery.fate.map_or("in flight", |fate| fate.as_str()),
        "attempts": attempts.collect::<anyhow::Result<Vec<Value>>>()?,
    });
    if delivery.replays > 0 {
        shown["replays"] = json!(delivery.replays);
    }
    if let Some(why) = &delivery.reason {
        shown["why"] = json!(mask.text(why));
    }
    if let Some(due) = delivery.due {
        shown["again"] = json!(due.to_string());
    }
    let line = declared.and_then(|declared| declared.line.as_ref());
    if let Some(request) =
        line.filter(|_| delivery.attempts > 0).map(|line| request(store, row, one, line, mask))
    {
        shown["request"] = request?;
    }
    Ok(shown)
}

/// What the delivery's first request looks like: encoding is a function of the event and the declarations, so nothing that was
/// sent has to be kept to show it. In a batch it was one of several.
pub(super) fn request(
    store: &Reader,
    row: &EventRow,
    one: &Attempts,
    line: &Line,
    mask: &Mask,
) -> anyhow::Result<Value> {
    let delivery = &one.delivery;
    let Some(channel) = line.channels.get(&delivery.destination) else { return Ok(Value::Null) };
    let due = Due {
        seq: delivery.seq,
        route: delivery.route.clone(),
        destination: delivery.destination.clone(),
        attempt: 1,
        attempt_now: 1,
        since: row.accepted,
        customer: row.customer,
        ordering_key: delivery.ordering_key.clone(),
        accepted: row.accepted,
        event: row.event.clone(),
        fresh: true,
        class: snodo_core::Class::default(),
        replays: delivery.replays,
    };
    let encoded = encode::encode(line, channel, vec![due], store, clock::now())?;
    let Some(call) = encoded.calls.into_iter().next() else { return Ok(Value::Null) };
    let body = match serde_json::from_slice::<Value>(&call.request.body) {
        Ok(body) => mask.texts(body),
        Err(_) => match std::str::from_utf8(&call.request.body) {
            Ok(text) if !text.contains('\0') => json!(mask.text(text)),
            // A personal value could not be seen in it, nor hidden.
            _ => json!(format!("‹{} bytes that are no text›", call.request.body.len())),
        },
    };
    let headers = mask.texts(json!(call.request.headers));
    Ok(
        json!({"method": call.request.method, "target": mask.text(&call.request.target), "headers": headers, "body": body}),
    )
}

fn print(whole: &Value) -> anyhow::Result<()> {
    let event = &whole["event"];
    let (text, message) = (|value: &Value| value.as_str().unwrap_or_default().to_owned(), &whole["message"]);
    let line = |name: &str, what: String| screen::line(format!("{name:<10} {what}").trim_end());
    line("event", format!("{}  {}  {}", text(&event["id"]), text(&event["type"]), text(&event["subject"])))?;
    line("happened", format!("{}, accepted {}", text(&event["time"]), text(&whole["accepted"])))?;
    line(
        "message",
        format!(
            "{} on {}, {} bytes, received {}",
            text(&message["id"]),
            text(&message["channel"]),
            message["bytes"],
            text(&message["received"])
        ),
    )?;
    for header in message["headers"].as_array().into_iter().flatten() {
        line("", format!("{}: {}", text(&header[0]), text(&header[1])))?;
    }
    if message["name"] != "" {
        line("", text(&message["name"]))?;
    }
    let known: Vec<String> =
        whole["known_by"].as_array().into_iter().flatten().map(|one| text(&one["identifier"])).collect();
    match whole["customer"].as_str() {
        Some(customer) => line("customer", format!("{customer}, known by {}", known.join(", ")))?,
        None => line("customer", "nobody is named".to_owned())?,
    }
    line("verdict", text(&whole["verdict"]))?;
    for violation in whole["violations"].as_array().into_iter().flatten() {
        line(
            "",
            format!(
                "{} {} ({}, {})",
                text(&violation["pointer"]),
                text(&violation["message"]),
                text(&violation["rule"]),
                text(&violation["schema"])
            ),
        )?;
    }
    if whole["duplicate_of"].is_object() {
        line("", format!("repeats the one accepted {}", text(&whole["duplicate_of"]["accepted"])))?;
    }
    screen::line("\nbody")?;
    screen::line(screen::indented(&event["data"], "  "))?;
    if message["body"].is_string() {
        screen::line(format!("\nraw\n{}", text(&message["body"])))?;
    }
    screen::line("\nroutes")?;
    for route in whole["routes"].as_array().into_iter().flatten() {
        print_route(route)?;
    }
    Ok(())
}

fn print_route(route: &Value) -> anyhow::Result<()> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let to = route["to"].as_str().map(|to| format!(" to {to}")).unwrap_or_default();
    let why = route["why"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
    let again = route["again"].as_str().map(|at| format!(", again at {at}")).unwrap_or_default();
    let replays = match route["replays"].as_u64() {
        None => String::new(),
        Some(1) => ", replayed once".to_owned(),
        Some(times) => format!(", replayed {times} times"),
    };
    screen::line(format!("  {}{to}  {}{replays}{again}{why}", text(&route["route"]), text(&route["fate"])))?;
    for (number, attempt) in (1..).zip(route["attempts"].as_array().into_iter().flatten()) {
        let sent = &attempt["sent"];
        let answered = match (sent["status"].as_u64(), sent["error"].as_str()) {
            (Some(status), _) => format!("answered {status}"),
            (None, Some(error)) => error.to_owned(),
            (None, None) => "not sent".to_owned(),
        };
        let reason = attempt["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
        let took = sent["ms"].as_u64().map(|ms| format!(" in {ms} ms")).unwrap_or_default();
        screen::line(format!(
            "    attempt {number} at {}: {} {answered}{took}, {}{reason}",
            text(&attempt["at"]),
            text(&sent["request"]),
            text(&attempt["outcome"])
        ))?;
        if let Some(answer) = sent["answer"].as_str() {
            screen::line(format!("      {answer}"))?;
        }
    }
    if route["request"].is_object() {
        let request = &route["request"];
        screen::line(format!("    request: {} {}", text(&request["method"]), text(&request["target"])))?;
        screen::line(screen::indented(&request["body"], "      "))?;
    }
    Ok(())
}
