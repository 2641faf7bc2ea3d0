//! Which call comes after which answer: the member, then its tags; and a look at the audience where a member is missing, for
//! Mailchimp says the same of both.

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use snodo_connector::{Answer, Exchange, Fault, Next, Outcome, Request, binary};

use crate::answer::{self, Refusal};
use crate::config::Audience;
use crate::member::{self, Act, Work};

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "step", content = "id")]
enum Step {
    Member,
    /// Without being subscribed, or asked by Mailchimp: this member cannot be put back by others.
    Again,
    /// With Mailchimp's id of the member.
    Tags(Option<String>),
    /// Whether the audience is there at all.
    Audience,
}

pub fn first(audience: &Audience, work: &Work) -> Next {
    call(&Step::Member, member(audience, work, &fields(&work.act)))
}

pub fn next(audience: &Audience, work: &Work, exchange: &Exchange) -> Next {
    // A state that cannot be read was written by another version of this connector: the next attempt starts anew.
    let Ok(step) = serde_json::from_slice::<Step>(&exchange.state) else {
        return Fault::retry("failed to read what the call was about").into();
    };
    let answer = &exchange.answer;
    match (step, answer::refusal(answer)) {
        (Step::Member | Step::Again, None) => taken(audience, work, answer),
        (Step::Tags(id), None) => Outcome::Accepted(id).into(),
        (Step::Audience, None) => Outcome::ignored("nobody of that address is in the audience").into(),
        (Step::Member, Some(Refusal::Compliance)) => match again(audience, work) {
            Some(request) => call(&Step::Again, request),
            None => stays_out().into(),
        },
        (_, Some(Refusal::Compliance)) => stays_out().into(),
        (_, Some(Refusal::Forgotten)) => Outcome::ignored(
            "Mailchimp has erased this address: only its owner can come back, by one of its forms",
        )
        .into(),
        (Step::Member | Step::Again, Some(Refusal::Missing(_))) if !matches!(work.act, Act::Keep(_)) => {
            let target = format!("{}?fields=id", audience.url);
            call(&Step::Audience, Request { method: "GET".into(), target, headers: vec![], body: vec![] })
        }
        (_, Some(Refusal::Missing(fault) | Refusal::Other(fault))) => fault.into(),
    }
}

fn taken(audience: &Audience, work: &Work, answer: &Answer) -> Next {
    let member = answer.json::<Value>();
    let is_kept = matches!(work.act, Act::Keep(_) | Act::Change(_));
    if is_kept && !member.as_ref().is_some_and(|member| member["id"].is_string()) {
        return Fault::retry("the answer is no member of an audience: check what base_url points to").into();
    }
    let id = member.and_then(|member| member["id"].as_str().map(str::to_owned));
    if work.tags.is_empty() {
        return Outcome::Accepted(id).into();
    }
    let target = format!("{}/tags", url(audience, work));
    call(&Step::Tags(id), Request::json("POST", target, &member::tags(&work.tags)))
}

/// Without `status` the member's other fields are taken; with `pending` Mailchimp asks its owner.
fn again(audience: &Audience, work: &Work) -> Option<Request> {
    let mut fields = fields(&work.act);
    let (status, new) = (fields.remove("status")?, fields.get("status_if_new").cloned());
    if audience.config.ask_again && status == "subscribed" {
        fields.insert("status".into(), "pending".into());
        return Some(member(audience, work, &fields));
    }
    fields.remove("timestamp_opt");
    new.is_some().then(|| member(audience, work, &fields))
}

fn stays_out() -> Outcome {
    Outcome::ignored(
        "who has left the audience, or was taken out, can only come back by one of Mailchimp's forms",
    )
}

fn fields(act: &Act) -> serde_json::Map<String, Value> {
    match act {
        Act::Keep(fields) | Act::Change(fields) => fields.clone(),
        Act::Archive | Act::Erase => serde_json::Map::new(),
    }
}

fn member(audience: &Audience, work: &Work, fields: &serde_json::Map<String, Value>) -> Request {
    let url = url(audience, work);
    // Fields that the company demands of its forms are not demanded here.
    match work.act {
        Act::Keep(_) => Request::json("PUT", format!("{url}?skip_merge_validation=true"), fields),
        Act::Change(_) => Request::json("PATCH", format!("{url}?skip_merge_validation=true"), fields),
        Act::Archive => Request { method: "DELETE".into(), target: url, headers: vec![], body: vec![] },
        Act::Erase => {
            let target = format!("{url}/actions/delete-permanent");
            Request { method: "POST".into(), target, headers: vec![], body: vec![] }
        }
    }
}

/// Members go by the MD5 of their address in lower case.
fn url(audience: &Audience, work: &Work) -> String {
    format!("{}/members/{}", audience.url, binary::to_hex(&Md5::digest(work.email.as_bytes())))
}

fn call(step: &Step, request: Request) -> Next {
    let state = serde_json::to_vec(step).expect("a step has string keys, so it is always JSON");
    Next::Call { request, state }
}
