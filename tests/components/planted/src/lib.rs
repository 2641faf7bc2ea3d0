//! The connector that the kit begins a new one with, and one fault in it, as the channel's configuration names it. For
//! certification, which has to find each by its name.

// The kit's own beginning, so that it is built and linted with everything else.
#[path = "../../../../hub/kit/templates/rust/destination.rs.txt"]
mod destination;
#[path = "../../../../hub/kit/templates/rust/poll.rs.txt"]
mod poll;
#[path = "../../../../hub/kit/templates/rust/source.rs.txt"]
mod source;
#[path = "../../../../hub/kit/templates/rust/transform.rs.txt"]
mod transform;

use std::sync::Mutex;

use serde_json::{Value, json};
use snodo_connector::destination::exports::snodo::connector::destination::Guest as DestinationGuest;
use snodo_connector::poll::exports::snodo::connector::poll::Guest as PollGuest;
use snodo_connector::source::exports::snodo::connector::source::Guest as SourceGuest;
use snodo_connector::transform::exports::snodo::connector::transform::Guest as TransformGuest;
use snodo_connector::{
    Context, Delivery, Destination, Draft, Event, Exchange, Fault, Message, Outcome, Plan, Poll, Reply,
    Source, Step, Transform,
};

pub struct Connector;

struct Planted;

/// What a connector must not have, between calls.
static KEPT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

const KNOWN: [&str; 8] = ["id", "device", "code", "at", "floor", "battery", "price", "currency"];

fn fault(ctx: &Context) -> String {
    let config: Value = ctx.config().unwrap_or_default();
    config["fault"].as_str().unwrap_or_default().to_owned()
}

fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
    let body: Value = message.json().unwrap_or_default();
    let fault = fault(ctx);
    let id = message.id.clone();
    let is_new = |name: &String| !KNOWN.contains(&name.as_str());
    if fault == "panics" && body.as_object().is_some_and(|fields| fields.keys().any(is_new)) {
        panic!("no such field");
    }
    let mut drafts = Connector::decode(ctx, message)?;
    if fault == "drops" {
        drafts.retain(|draft| draft.kind != "unknown.message.received");
    }
    for draft in &mut drafts {
        let mut data: Value = serde_json::from_slice(&draft.data).expect("it has just been written");
        if let (Some(price), Some(currency)) = (body["price"].as_i64(), body["currency"].as_str()) {
            let digits = match currency {
                "JPY" if fault != "currency" => 0,
                "KWD" if fault != "currency" => 3,
                _ => 2,
            };
            let text = format!("{price:0>width$}", width = digits + 1);
            let (whole, cents) = text.split_at(text.len() - digits);
            let amount = if cents.is_empty() { whole.to_owned() } else { format!("{whole}.{cents}") };
            data["vendor"] = json!({"price": {"amount": amount, "currency": currency}});
        }
        match fault.as_str() {
            "counts" => {
                let mut kept = KEPT.lock().expect("a component has one thread");
                kept.push(Vec::new());
                draft.subject = Some(format!("device/{}", kept.len()));
            }
            "leaks" => {
                data["customer"] = json!({"traits": {"email": "ada@example.com"}});
            }
            "grows" => KEPT.lock().expect("a component has one thread").push(vec![1; 4_096]),
            "zone" => draft.time = draft.time.as_ref().map(|time| format!("{}Z", &time[..19])),
            "keys" => draft.key = Some(id.clone()),
            _ => {}
        }
        draft.data = data.to_string().into_bytes();
    }
    Ok(drafts)
}

impl SourceGuest for Planted {
    fn decode(ctx: Context, messages: Vec<Message>) -> Vec<Result<Vec<Draft>, Fault>> {
        let mut results: Vec<_> = messages.into_iter().map(|message| decode(&ctx, message)).collect();
        if fault(&ctx) == "order" {
            results.reverse();
        }
        results
    }
}

impl DestinationGuest for Planted {
    fn encode(ctx: Context, deliveries: Vec<Delivery>) -> Plan {
        let attempt = deliveries.first().map_or(1, |delivery| delivery.attempt);
        let mut plan = Connector::encode(&ctx, deliveries);
        if fault(&ctx) == "retries" {
            for call in &mut plan.calls {
                call.request.headers.push(("x-attempt-id".into(), attempt.to_string()));
            }
        }
        plan
    }

    fn interpret(ctx: Context, exchanges: Vec<Exchange>) -> Vec<Plan> {
        let fault = fault(&ctx);
        let interpret = |exchange: Exchange| {
            let (status, count) = (exchange.answer.status, exchange.deliveries.len());
            let says_no = exchange.answer.json::<Value>().is_some_and(|body| body["ok"] == json!(false));
            if status == 429 && fault == "swallows" {
                Plan::settle_all(count, &Outcome::Accepted(None))
            } else if says_no && fault != "believes" {
                Plan::settle_all(
                    count,
                    &Outcome::Failed(Fault::permanent("the vendor says that it is not ok")),
                )
            } else {
                Connector::interpret(&ctx, exchange)
            }
        };
        exchanges.into_iter().map(interpret).collect()
    }
}

impl PollGuest for Planted {
    fn next(ctx: Context, cursor: Option<Vec<u8>>, reply: Option<Reply>) -> Result<Step, Fault> {
        let fault = fault(&ctx);
        let before = cursor.clone().unwrap_or_default();
        if let Some(Reply { answer, .. }) = &reply {
            let says_no = answer.json::<Value>().is_some_and(|body| body["ok"] == json!(false));
            if (fault == "naps" && answer.status == 429) || (fault == "trusts" && says_no) {
                return Ok(Step::done(vec![], before, None));
            }
        }
        let mut step = Connector::next(&ctx, cursor, reply)?;
        match &mut step {
            Step::Ask(question) if fault == "wanders" => {
                question.request.target = question.request.target.replace("api.", "www.");
            }
            Step::Ask(_) => {}
            Step::Page(page) => match fault.as_str() {
                "skips" => page.events.retain(|draft| draft.kind != "unknown.message.received"),
                "stuck" if page.more => page.cursor = before,
                "forgets" if page.events.is_empty() => page.cursor = vec![],
                "places" => {
                    let cursor: Value = serde_json::from_slice(&before).unwrap_or_default();
                    for (place, draft) in page.events.iter_mut().enumerate() {
                        draft.key = Some(format!("{}/{place}", cursor["page"]));
                    }
                }
                _ => {}
            },
        }
        Ok(step)
    }
}

impl TransformGuest for Planted {
    fn apply(ctx: Context, events: Vec<Event>) -> Vec<Result<Vec<Draft>, Fault>> {
        let fault = fault(&ctx);
        let apply = |event: Event| {
            assert!(fault != "trips" || event.kind.starts_with("iot."), "no such type");
            let mut drafts = Connector::apply(&ctx, event)?;
            for draft in &mut drafts {
                match fault.as_str() {
                    "stamps" => draft.key = draft.key.as_ref().map(|key| format!("{key}/{}", ctx.now)),
                    "merges" => draft.key.clone_from(&draft.subject),
                    "retypes" => draft.kind = "iot.alert.cleared".into(),
                    "reveals" => {
                        let mut data: Value =
                            serde_json::from_slice(&draft.data).expect("it has just been written");
                        data["customer"] = json!({"traits": {"email": "ada@example.com"}});
                        draft.data = data.to_string().into_bytes();
                    }
                    _ => {}
                }
            }
            Ok(drafts)
        };
        events.into_iter().map(apply).collect()
    }
}

snodo_connector::source::export_source!(Planted with_types_in snodo_connector::source);
snodo_connector::poll::export_poll!(Planted with_types_in snodo_connector::poll);
snodo_connector::destination::export_destination!(Planted with_types_in snodo_connector::destination);
snodo_connector::transform::export_transform!(Planted with_types_in snodo_connector::transform);
