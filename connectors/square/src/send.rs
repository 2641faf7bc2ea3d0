//! A customer as a Square profile: found by its id, else by what is known of the customer, and made if there is none. Each question
//! and each write is a round of its own, and only the event decides what is asked next.

mod answer;
mod profile;

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields};
use snodo_connector::{Answer, Delivery, Outcome, Plan, Request, url};

use crate::config::Config;
use profile::{Found, Known};

/// Which question was asked or what was written: the place of the clue in [`Known::clues`], or one of these.
const CREATED: u8 = 254;
const UPDATED: u8 = 255;

/// More profiles than people share a telephone number.
const PROFILES_MAX: u32 = 10;

/// What is asked of Square in the first round.
pub fn begin(config: &Config, delivery: &Delivery, place: u32, plan: &mut Plan) {
    match profile::known(config, delivery) {
        Found::Known(known) => match known.id.as_deref().and_then(url::segment) {
            Some(id) => update(config, &known, &id, place, plan),
            None => ask(config, (&known, delivery), 0, place, plan),
        },
        Found::Nobody(why) => plan.settle(place, Outcome::ignored(why)),
        Found::Unreadable(fault) => plan.settle(place, Outcome::Failed(fault)),
    }
}

pub fn go_on(
    config: &Config,
    delivery: &Delivery,
    place: u32,
    (state, answer): (&[u8], &Answer),
    plan: &mut Plan,
) {
    let known = match profile::known(config, delivery) {
        Found::Known(known) => known,
        Found::Nobody(why) => return plan.settle(place, Outcome::ignored(why)),
        Found::Unreadable(fault) => return plan.settle(place, Outcome::Failed(fault)),
    };
    let step = state.first().copied().unwrap_or(UPDATED);
    // A profile that was merged or deleted since: the customer may have another one.
    if step == UPDATED && answer.status == 404 && known.id.is_some() && answer::says(answer, "NOT_FOUND") {
        return ask(config, (&known, delivery), 0, place, plan);
    }
    let body: Fields = match answer::body(answer) {
        Ok(body) => body,
        Err(fault) => return plan.settle(place, Outcome::Failed(fault)),
    };
    if matches!(step, CREATED | UPDATED) {
        let id = body.get("customer").and_then(|customer| fields::text(customer.get("id")?));
        let outcome = match id {
            Some(id) => Outcome::Accepted(Some(id)),
            // What was written is written once more, under the same key, when it is tried again.
            None => Outcome::Failed(answer::no_customer()),
        };
        return plan.settle(place, outcome);
    }
    let clue = known.clues.get(usize::from(step)).map_or("", |(field, _)| field);
    let first = profiles(&body).find(|profile| is_theirs(profile, clue, &known));
    let first = first.and_then(|profile| fields::text(profile.get("id")?));
    match first.as_deref().and_then(url::segment) {
        Some(id) => update(config, &known, &id, place, plan),
        None => ask(config, (&known, delivery), usize::from(step) + 1, place, plan),
    }
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
fn ask(config: &Config, (known, delivery): (&Known, &Delivery), clue: usize, place: u32, plan: &mut Plan) {
    let Some((field, value)) = known.clues.get(clue) else {
        let mut body = known.profile.clone();
        body.insert("idempotency_key".into(), delivery.idempotency_key.clone().into());
        let request = request(config, "POST", "/v2/customers", &Value::Object(body));
        return plan.call(request, vec![place], vec![CREATED]);
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
    plan.call(request(config, "POST", "/v2/customers/search", &body), vec![place], vec![state]);
}

/// Square changes only the fields that are sent.
fn update(config: &Config, known: &Known, id: &str, place: u32, plan: &mut Plan) {
    let body = Value::Object(known.profile.clone());
    plan.call(request(config, "PUT", &format!("/v2/customers/{id}"), &body), vec![place], vec![UPDATED]);
}

fn request(config: &Config, method: &str, path: &str, body: &Value) -> Request {
    Request::json(method, config.url(path), body).with_header("square-version", config.square_version.clone())
}
