//! What Meta's statuses and error codes mean for the hub:
//! <https://developers.facebook.com/docs/graph-api/guides/error-handling>, <https://developers.facebook.com/docs/graph-api/overview/rate-limiting>.
//! Never tells an error's text: it may quote what was sent.

use graph_api::{retry, wait};
use serde_json::Value;
use snodo_connector::{Answer, Fault};

/// "Invalid parameter": a place between two pages that Meta no longer knows is one, too.
const INVALID: i64 = 100;
/// "Object does not exist, or cannot be loaded": the form.
const NO_OBJECT: i64 = 33;

/// Why it is no page of leads; `None` if it may be one.
pub fn refusal(answer: &Answer) -> Option<Fault> {
    let error = error(answer);
    let Some(code) = error["code"].as_i64() else {
        return (!answer.is_success() || !error.is_null()).then(|| by_status(answer));
    };
    let told = match error["error_subcode"].as_i64() {
        Some(subcode) => format!("Meta answered {} with error {code}/{subcode}", answer.status),
        None => format!("Meta answered {} with error {code}", answer.status),
    };
    Some(match code {
        code if graph_api::is_about_the_token(code) => graph_api::auth(told),
        3 | 10 | 200..=299 => Fault::misconfigured(format!(
            "{told}: give the token leads_retrieval and the other permissions in the README, and its user access to the page's leads"
        )),
        4 | 17 | 32 | 341 | 613 | 80_000..=80_014 => wait(answer, None, told),
        1 | 2 | 368 => retry(answer, told),
        _ if error["is_transient"] == true => retry(answer, told),
        INVALID | 803 | 2_500 | 2_635 => {
            Fault::misconfigured(format!("{told}: check the channel's forms and api_version"))
        }
        _ if answer.is_success() => Fault::retry(told),
        _ => answer.fault(told),
    })
}

/// Whether the place that was asked from may be what it does not know.
pub fn is_of_the_place(answer: &Answer) -> bool {
    let error = error(answer);
    error["code"] == INVALID && error["error_subcode"] != NO_OBJECT && error["is_transient"] != true
}

fn error(answer: &Answer) -> Value {
    let body: Option<Value> = answer.json();
    body.and_then(|mut body| body.get_mut("error").map(Value::take)).unwrap_or_default()
}

fn by_status(answer: &Answer) -> Fault {
    let told = format!("Meta answered {}", answer.status);
    match answer.status {
        200..=299 => Fault::retry(told),
        300..=399 => Fault::misconfigured(format!("{told}: check the channel's base_url")),
        429 => wait(answer, None, told),
        _ => answer.fault(told),
    }
}
