//! A customer as a Square profile: found by its id, else by what is known of the customer, and made if there is none. Each question
//! and each write is a round of its own, and only the event decides what is asked next.

mod answer;
mod profile;

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields};
use snodo_connector::{Delivery, Exchange, Next, Outcome, Request, url};

use crate::config::Config;
use profile::Known;

/// Which question was asked or what was written: the place of the clue in [`Known::clues`], or one of these.
const CREATED: u8 = 254;
const UPDATED: u8 = 255;

/// More profiles than people share a telephone number.
const PROFILES_MAX: u32 = 10;

/// What is asked of Square in the first round.
pub fn begin(config: &Config, delivery: &Delivery) -> Result<Next, Outcome> {
    let known = profile::known(config, delivery)?;
    Ok(match known.id.as_deref().and_then(url::segment) {
        Some(id) => update(config, &known, &id),
        None => ask(config, &known, delivery, 0),
    })
}

pub fn go_on(config: &Config, delivery: &Delivery, exchange: &Exchange) -> Result<Next, Outcome> {
    let known = profile::known(config, delivery)?;
    let answer = &exchange.answer;
    let step = exchange.state.first().copied().unwrap_or(UPDATED);
    // A profile that was merged or deleted since: the customer may have another one.
    if step == UPDATED && answer.status == 404 && known.id.is_some() && answer::says(answer, "NOT_FOUND") {
        return Ok(ask(config, &known, delivery, 0));
    }
    let body: Fields = answer::body(answer)?;
    if matches!(step, CREATED | UPDATED) {
        let id = body.get("customer").and_then(|customer| fields::text(customer.get("id")?));
        // Without it, what was written is written once more, under the same key, when it is tried again.
        let id = id.ok_or_else(answer::no_customer)?;
        return Ok(Outcome::Accepted(Some(id)).into());
    }
    let clue = known.clues.get(usize::from(step)).map_or("", |(field, _)| field);
    let first = profiles(&body).find(|profile| is_theirs(profile, clue, &known));
    let first = first.and_then(|profile| fields::text(profile.get("id")?));
    Ok(match first.as_deref().and_then(url::segment) {
        Some(id) => update(config, &known, &id),
        None => ask(config, &known, delivery, usize::from(step) + 1),
    })
}

fn profiles(body: &Fields) -> impl Iterator<Item = &Value> {
    body.get("customers").and_then(Value::as_array).into_iter().flatten()
}

/// A family shares a telephone: a profile with another e-mail address is somebody else's.
fn is_theirs(profile: &Value, clue: &str, known: &Known) -> bool {
    let theirs = profile.get("email_address").and_then(Value::as_str).unwrap_or_default();
    let ours = known.profile.get("email_address").and_then(Value::as_str).unwrap_or_default();
    clue != "phone_number" || theirs.is_empty() || ours.is_empty() || theirs.eq_ignore_ascii_case(ours)
}

/// The next question, or the new profile when all have been asked.
fn ask(config: &Config, known: &Known, delivery: &Delivery, clue: usize) -> Next {
    let Some((field, value)) = known.clues.get(clue) else {
        let mut body = known.profile.clone();
        body.insert("idempotency_key".into(), delivery.idempotency_key.clone().into());
        let request = request(config, "POST", "/v2/customers", &Value::Object(body));
        return Next::Call { request, state: vec![CREATED] };
    };
    // Of several profiles with one address the oldest is the one that is kept up.
    let body = json!({
        "limit": PROFILES_MAX,
        "query": {
            "filter": {*field: {"exact": value}},
            "sort": {"field": "CREATED_AT", "order": "ASC"},
        },
    });
    let state = u8::try_from(clue).expect("there are three clues");
    Next::Call { request: request(config, "POST", "/v2/customers/search", &body), state: vec![state] }
}

/// Square changes only the fields that are sent.
fn update(config: &Config, known: &Known, id: &str) -> Next {
    let body = Value::Object(known.profile.clone());
    let request = request(config, "PUT", &format!("/v2/customers/{id}"), &body);
    Next::Call { request, state: vec![UPDATED] }
}

fn request(config: &Config, method: &str, path: &str, body: &Value) -> Request {
    Request::json(method, config.url(path), body).with_header("square-version", config.square_version.clone())
}
