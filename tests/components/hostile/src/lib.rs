//! A guest that misbehaves on demand. The first word of an item's body says how, else what the channel's configuration has for
//! the function (`"encode": "spin"`), else its first word; without one of the words below it does what a good connector does,
//! so that neighbours can be watched.

use std::hint::black_box;

use snodo_connector::destination::exports::snodo::connector::destination::Guest as DestinationGuest;
use snodo_connector::poll::exports::snodo::connector::poll::Guest as PollGuest;
use snodo_connector::source::exports::snodo::connector::source::Guest as SourceGuest;
use snodo_connector::transform::exports::snodo::connector::transform::Guest as TransformGuest;
use snodo_connector::{
    Call, Context, Delivery, Draft, Event, Exchange, Fault, Level, Message, Outcome, Page, Plan, Reply,
    Request, Settlement, Step, log,
};

struct Hostile;

/// Whether the result of the whole call is to be of a wrong shape.
enum Whole {
    Kept,
    OneTooFew,
}

fn behave(ctx: &Context, function: &str, body: &[u8]) -> Whole {
    let word = |bytes: &[u8]| {
        let end = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(bytes.len());
        String::from_utf8_lossy(&bytes[..end]).into_owned()
    };
    let mut behaviour = word(body);
    if behaviour.is_empty() {
        behaviour = configured(ctx, function).unwrap_or_else(|| word(&ctx.config));
    }
    match behaviour.as_str() {
        "spin" => loop {
            black_box(0);
        },
        "allocate" => {
            let mut kept: Vec<Vec<u8>> = Vec::new();
            loop {
                kept.push(black_box(vec![1; 1 << 20]));
            }
        }
        "recurse" => {
            black_box(deeper(black_box(1)));
        }
        "panic" => panic!("as asked"),
        "flood" => (0..10_000).for_each(|line| log(Level::Warn, &format!("{line} {}", "x".repeat(10_000)))),
        "few" => return Whole::OneTooFew,
        _ => {}
    }
    Whole::Kept
}

/// A text of the configuration.
fn configured(ctx: &Context, name: &str) -> Option<String> {
    let config = std::str::from_utf8(&ctx.config).ok()?;
    let (_, value) = config.split_once(&format!("\"{name}\":\""))?;
    Some(value.split_once('"')?.0.to_owned())
}

fn deeper(depth: u64) -> u64 {
    if depth == 0 { 0 } else { black_box(deeper(black_box(depth + 1))) + 1 }
}

fn drafts(data: &[u8]) -> Vec<Draft> {
    let draft = Draft {
        key: Some("key".into()),
        kind: "unknown.message.received".into(),
        subject: None,
        time: None,
        ordering_key: None,
        attributes: Vec::new(),
        data: data.to_vec(),
    };
    match data {
        b"huge" => vec![Draft { data: vec![b' '; 32 << 20], ..draft }],
        b"many" => vec![draft; 20_000],
        _ => vec![draft],
    }
}

fn shaped<T>(mut results: Vec<T>, shapes: &[Whole]) -> Vec<T> {
    if shapes.iter().any(|whole| matches!(whole, Whole::OneTooFew)) {
        results.pop();
    }
    results
}

impl SourceGuest for Hostile {
    fn decode(ctx: Context, messages: Vec<Message>) -> Vec<Result<Vec<Draft>, Fault>> {
        snodo_connector::tell_where_it_panics();
        let shapes: Vec<Whole> =
            messages.iter().map(|message| behave(&ctx, "decode", &message.body)).collect();
        let result = |message: &Message| match message.body.as_slice() {
            b"fault" => Err(Fault::permanent_at("/here", "as asked")),
            body => Ok(drafts(body)),
        };
        shaped(messages.iter().map(result).collect(), &shapes)
    }
}

impl TransformGuest for Hostile {
    fn apply(ctx: Context, events: Vec<Event>) -> Vec<Result<Vec<Draft>, Fault>> {
        let shapes: Vec<Whole> = events.iter().map(|event| behave(&ctx, "apply", &event.data)).collect();
        shaped(events.iter().map(|event| Ok(drafts(&event.data))).collect(), &shapes)
    }
}

impl PollGuest for Hostile {
    fn next(ctx: Context, cursor: Option<Vec<u8>>, reply: Option<Reply>) -> Result<Step, Fault> {
        let (state, body) = reply.map(|reply| (reply.state, reply.answer.body)).unwrap_or_default();
        behave(&ctx, "next", &body);
        let next: &[u8] = if state.is_empty() { b"first" } else { b"second" };
        if state != b"second" {
            return Ok(Step::ask(call(Vec::new(), Vec::new()).request, next.to_vec()));
        }
        let cursor = cursor.unwrap_or_default();
        Ok(Step::Page(Page { events: drafts(&body), cursor, more: false, wait_ms: None }))
    }
}

/// One call for all that it covers, as a good destination does it.
impl DestinationGuest for Hostile {
    fn encode(ctx: Context, deliveries: Vec<Delivery>) -> Plan {
        let mut plan = Plan { calls: Vec::new(), settled: Vec::new() };
        let mut covers = Vec::new();
        for (place, delivery) in (0..).zip(&deliveries) {
            let kept = matches!(behave(&ctx, "encode", &delivery.event.data), Whole::Kept);
            match delivery.event.data.as_slice() {
                b"duplicate" => {
                    plan.settled.push(Settlement { delivery: place, outcome: Outcome::Duplicate });
                }
                b"twice" => covers.extend([place, place]),
                b"elsewhere" => covers.extend([place, u32::MAX]),
                b"huge" => plan.calls.push(call(vec![b' '; 32 << 20], vec![place])),
                b"memory" => {
                    plan.calls.push(Call { state: vec![0; 20_000], ..call(Vec::new(), vec![place]) });
                }
                _ if kept => covers.push(place),
                _ => {}
            }
        }
        if !covers.is_empty() {
            let mut call = call(deliveries[0].event.data.clone(), covers);
            call.request.target = configured(&ctx, "url").unwrap_or(call.request.target);
            plan.calls.push(call);
        }
        plan
    }

    fn interpret(ctx: Context, exchanges: Vec<Exchange>) -> Vec<Plan> {
        let shapes: Vec<Whole> =
            exchanges.iter().map(|exchange| behave(&ctx, "interpret", &exchange.answer.body)).collect();
        let plan =
            |exchange: &Exchange| Plan::settle_all(exchange.deliveries.len(), &Outcome::Accepted(None));
        shaped(exchanges.iter().map(plan).collect(), &shapes)
    }
}

fn call(body: Vec<u8>, covers: Vec<u32>) -> Call {
    let request =
        Request { method: "POST".into(), target: "https://example.com/".into(), headers: Vec::new(), body };
    Call { request, covers, state: Vec::new() }
}

snodo_connector::source::export_source!(Hostile with_types_in snodo_connector::source);
snodo_connector::poll::export_poll!(Hostile with_types_in snodo_connector::poll);
snodo_connector::destination::export_destination!(Hostile with_types_in snodo_connector::destination);
snodo_connector::transform::export_transform!(Hostile with_types_in snodo_connector::transform);
