//! What Meta's statuses and error codes mean for the hub:
//! <https://developers.facebook.com/docs/graph-api/guides/error-handling>, <https://developers.facebook.com/docs/graph-api/overview/rate-limiting>.
//! Never tells an error's text: it may quote what was sent.

use graph_api::{retry, wait};
use serde_json::Value;
use snodo_connector::{Answer, Fault};

pub enum Meaning {
    /// All of them.
    Taken,
    /// Meta takes a request whole or not at all; with several events in it, one may be the reason.
    Refused(Fault),
    /// It would be the same for any events.
    Whole(Fault),
}

pub fn meaning(answer: &Answer, count: usize) -> Meaning {
    let body: Option<Value> = answer.json();
    let error = body.as_ref().map_or(&Value::Null, |body| &body["error"]);
    if answer.is_success() && error.is_null() {
        return match body.as_ref().and_then(|body| body["events_received"].as_u64()) {
            Some(received) if received >= count as u64 => Meaning::Taken,
            // Which ones Meta does not say. Each has its id, so those that it has are not counted twice.
            Some(_) => Meaning::Refused(Fault::permanent("Meta did not take the event")),
            None => Meaning::Whole(Fault::retry("the answer does not say how many events Meta has taken")),
        };
    }
    let Some(code) = error["code"].as_i64() else {
        let told = format!("Meta answered {}", answer.status);
        return match answer.status {
            400 | 413 | 422 => Meaning::Refused(Fault::permanent(told)),
            _ => Meaning::Whole(by_status(answer, told)),
        };
    };
    let told = match error["error_subcode"].as_i64() {
        Some(subcode) => format!("Meta answered {} with error {code}/{subcode}", answer.status),
        None => format!("Meta answered {} with error {code}", answer.status),
    };
    match code {
        code if graph_api::is_about_the_token(code) => Meaning::Whole(graph_api::auth(told)),
        3 | 10 | 200..=299 => {
            let what =
                "give the token's user the pixel, and the permission ads_management or business_management";
            Meaning::Whole(Fault::misconfigured(format!("{told}: {what}")))
        }
        4 | 17 | 32 | 341 | 613 | 80_000..=80_014 => Meaning::Whole(wait(answer, None, told)),
        1 | 2 | 368 => Meaning::Whole(retry(answer, told)),
        803 | 2_635 | 2_500 => Meaning::Whole(wrong_place(&told)),
        // "Object does not exist, or cannot be loaded": the pixel, not an event.
        100 if error["error_subcode"] == 33 => Meaning::Whole(wrong_place(&told)),
        _ if error["is_transient"] == true => Meaning::Whole(retry(answer, told)),
        100 => Meaning::Refused(Fault::permanent(told)),
        _ => match answer.status {
            400 | 413 | 422 => Meaning::Refused(Fault::permanent(told)),
            _ => Meaning::Whole(by_status(answer, told)),
        },
    }
}

fn wrong_place(told: &str) -> Fault {
    Fault::misconfigured(format!("{told}: check the channel's pixel_id and api_version"))
}

fn by_status(answer: &Answer, told: String) -> Fault {
    match answer.status {
        300..=399 => Fault::misconfigured(format!("{told}: check the channel's base_url")),
        200..=299 => Fault::retry(told),
        429 => wait(answer, None, told),
        _ => answer.fault(told),
    }
}
