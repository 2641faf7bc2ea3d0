//! One transaction of a log becomes events: one that says what it was, and one for each thing that happened to the
//! customer's points. What no event has a word for stays a message of unknown kind, with its text.

mod control;
mod customer;
mod header;
mod line;
mod retail;
mod tender;
mod value;

use snodo_connector::Draft;

use crate::Config;
use crate::element::Element;
use header::Header;
pub use header::Place;
use retail::{Outcome, Retail};
use serde_json::{Value, json};
use value::Object;

/// Payments of one transaction that sells nothing: each is an event that repeats who and where.
const TENDERS_MAX: usize = 64;

/// What the element around transactions says of all of them.
pub fn around(log: Element) -> Place {
    Place::of(log)
}

/// The events of one `Transaction`, with what the log around it says.
pub fn transaction(transaction: Element, around: &Place, config: &Config) -> Vec<Draft> {
    let header = Header::of(transaction, around, config);
    if header.training {
        return vec![unknown(transaction, &header, "training")];
    }
    // `RetailTransaction`, `ControlTransaction` and so on: what the transaction is about.
    let Some(body) = transaction.children().find(|child| child.name().ends_with("Transaction")) else {
        return vec![unknown(transaction, &header, transaction.name())];
    };
    match body.name() {
        "RetailTransaction" | "PostVoidTransaction" | "VoidTransaction" => {
            retail_events(transaction, body, &header)
        }
        "ControlTransaction" | "TenderControlTransaction" => match control::read(body, &header) {
            Ok(event) => vec![control_event(transaction, &header, event)],
            Err(topic) => vec![unknown(transaction, &header, &topic)],
        },
        other => vec![unknown(transaction, &header, other)],
    }
}

/// A document that holds no transaction, or is no log at all.
pub fn document(root: Element) -> Draft {
    let mut data = Object::new();
    data.set("topic", Some(root.name())).set("body", Some(root.source())).set("encoding", Some("text"));
    Draft::new("unknown.message.received", &Value::from(data))
}

fn retail_events(transaction: Element, body: Element, header: &Header) -> Vec<Draft> {
    let retail = retail::read(transaction, body, header);
    let (kind, suffix) = match retail.outcome {
        Outcome::Sale => ("pos.sale.completed", ""),
        Outcome::Return => ("pos.return.completed", ""),
        Outcome::Exchange => ("pos.exchange.completed", ""),
        Outcome::Voided => ("pos.sale.voided", "voided"),
        Outcome::Suspended => ("pos.sale.suspended", "suspended"),
        Outcome::TenderOnly if retail.payments.len() > TENDERS_MAX => {
            return vec![unknown(transaction, header, body.name())];
        }
        Outcome::TenderOnly => return tender_events(transaction, header, &retail),
        Outcome::CustomerOnly => ("pos.customer.attached", "customer"),
        Outcome::Nothing => return vec![unknown(transaction, header, body.name())],
    };
    // A sale that did not take place changes no account: what it says of one stays on the receipt.
    let stands = !matches!(retail.outcome, Outcome::Voided | Outcome::Suspended);
    let mut accounts = retail.customer.loyalty.iter().cloned();
    let account = if stands { accounts.next() } else { None };
    let rewards = retail.rewards.iter().cloned().chain(accounts).collect::<Vec<_>>();
    let mut receipt = retail.receipt.clone();
    receipt.set("loyalty", Some(rewards));
    let mut data = common(header);
    data.set("customer", Some(retail.customer.object()))
        .set("receipt", Some(receipt))
        .set("loyalty", account);
    let mut main = draft(kind, suffix, data, transaction, header);
    if let Some(original) = retail.voids.as_ref().and_then(Place::key) {
        main = main.with_attribute("voids", original);
    }
    let points = if stands { points_events(header, &retail) } else { Vec::new() };
    let mut events: Vec<_> = std::iter::once(main).chain(points).collect();
    events.iter_mut().for_each(|event| order(event, header, retail.customer.is_known()));
    events
}

/// Money for nothing sold: each payment is an event. The first tells all there is, the others name its receipt.
fn tender_events(transaction: Element, header: &Header, retail: &Retail) -> Vec<Draft> {
    let mut named = Object::new();
    for field in ["number", "sequence", "id", "business_day", "closed_at"] {
        named.set(field, retail.receipt.get(field).cloned());
    }
    let mut whole = retail.receipt.clone();
    whole.remove("payments");
    let events = retail.payments.iter().enumerate().map(|(place, payment)| {
        let (kind, suffix) = ("pos.tender.accepted", format!("tender/{}", place + 1));
        let mut data = common(header);
        data.set("customer", Some(retail.customer.object())).set("payment", Some(payment.clone()));
        let mut event = if place == 0 {
            data.set("receipt", Some(whole.clone()));
            draft(kind, &suffix, data, transaction, header)
        } else {
            data.set("receipt", Some(named.clone()));
            envelope(Draft::new(kind, &Value::from(data)), &suffix, header)
        };
        order(&mut event, header, retail.customer.is_known());
        event
    });
    events.collect()
}

/// What the customer's points did, for those who keep accounts and read no receipts.
fn points_events(header: &Header, retail: &Retail) -> Vec<Draft> {
    let points = &retail.customer.points;
    let loyalty = |points: Option<String>, reason: &str| {
        let mut loyalty = Object::new();
        loyalty
            .set("account_id", retail.customer.account_id())
            .set("points", points)
            .set("reason", Some(reason))
            .set("receipt_number", retail.receipt.text("number").or(retail.receipt.text("sequence")));
        loyalty
    };
    let event = |kind: &str, suffix: &str, mut data: Object, loyalty: Object| {
        data.set("customer", Some(retail.customer.object())).set("loyalty", Some(loyalty));
        envelope(Draft::new(kind, &Value::from(data)), suffix, header)
    };
    let mut events = Vec::new();
    if points.redeemed.is_some() || retail.paid_with_loyalty {
        let spent = points.redeemed.as_deref().map(value::negative);
        events.push(event("pos.loyalty.redeemed", "redeemed", common(header), loyalty(spent, "redemption")));
    }
    if let Some(earned) = points.earned.clone() {
        let mut data = Object::new();
        data.set("touchpoint", Some(header.touchpoint()));
        events.push(event("loyalty.points.changed", "points", data, loyalty(Some(earned), "purchase")));
    }
    events
}

fn control_event(transaction: Element, header: &Header, event: control::Event) -> Draft {
    let mut data = common(header);
    data.set(event.noun, Some(event.object));
    let mut event = draft(event.kind, "", data, transaction, header);
    order(&mut event, header, false);
    event
}

/// A transaction that the vocabulary has no word for, or that must not count: whole, as text.
fn unknown(transaction: Element, header: &Header, topic: &str) -> Draft {
    let mut data = Object::new();
    data.set("touchpoint", Some(header.touchpoint()))
        .set("topic", Some(topic))
        .set("body", Some(transaction.source()))
        .set("encoding", Some("text"));
    let suffix = if header.training { "training" } else { "" };
    let mut event = envelope(Draft::new("unknown.message.received", &Value::from(data)), suffix, header);
    order(&mut event, header, false);
    event
}

/// What the body of every event of a till begins with.
fn common(header: &Header) -> Object {
    let mut data = Object::new();
    data.set("touchpoint", Some(header.touchpoint()))
        .set("store", Some(header.store.clone()))
        .set("till", Some(header.till.clone()));
    data
}

/// The event that says what the transaction was: it keeps what was mapped nowhere.
fn draft(kind: &str, suffix: &str, mut data: Object, transaction: Element, header: &Header) -> Draft {
    let rest = transaction.rest().map(|rest| if rest.is_object() { rest } else { json!({ "#text": rest }) });
    data.set("vendor", rest);
    envelope(Draft::new(kind, &Value::from(data)), suffix, header)
}

fn envelope(mut event: Draft, suffix: &str, header: &Header) -> Draft {
    if let Some(key) = header.place.key() {
        event = event.with_subject(format!("receipt/{key}"));
        let key = if suffix.is_empty() { key } else { format!("{key}/{suffix}") };
        event = event.with_key(key);
    }
    if let Some(time) = header.time() {
        event = event.with_time(&time.text);
        if time.assumed {
            event = event.with_attribute("timeconfidence", "inferred");
        }
    }
    match &header.place.day {
        Some(day) => event.with_attribute("businessday", day),
        None => event,
    }
}

/// The hub keeps a customer's events in order. Where there is none, a till's events are.
fn order(event: &mut Draft, header: &Header, customer: bool) {
    if let (false, Some(store), Some(till)) = (customer, &header.place.store, &header.place.till) {
        event.ordering_key = Some(format!("{store}/{till}"));
    }
}
