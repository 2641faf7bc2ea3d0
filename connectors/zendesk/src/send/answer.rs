//! What Zendesk's statuses mean: <https://developer.zendesk.com/api-reference/introduction/requests/#response-format>. Says nothing of an
//! error's descriptions: they may quote what a customer typed.

use serde_json::Value;
use snodo_connector::{Answer, Fault, Outcome};

pub fn outcome(answer: &Answer) -> Outcome {
    if !answer.is_success() {
        return Outcome::Failed(fault(answer));
    }
    let ticket = answer.json::<Value>().and_then(|body| {
        let id = &body["ticket"]["id"];
        id.as_u64().map(|id| id.to_string()).or_else(|| id.as_str().map(str::to_owned))
    });
    match ticket {
        // The first attempt made the ticket, and its answer was lost.
        Some(_) if answer.header("x-idempotency-lookup") == Some("hit") => Outcome::Duplicate,
        Some(id) => Outcome::Accepted(Some(id)),
        None => Outcome::Failed(Fault::retry(
            "Zendesk's answer names no ticket: check whose Zendesk the channel means",
        )),
    }
}

pub fn fault(answer: &Answer) -> Fault {
    let status = answer.status;
    let told = format!("Zendesk answered {status}{}", details(answer));
    match status {
        300..=399 => {
            Fault::misconfigured(format!("{told}: set the channel's subdomain to the one it has moved to"))
        }
        403 => Fault::misconfigured(format!("{told}: let the API user create and update tickets")),
        _ => answer.fault(told),
    }
}

/// Names of errors and fields, never values: ": RecordInvalid (requester)".
fn details(answer: &Answer) -> String {
    let Some(body) = answer.json::<Value>() else { return String::new() };
    let Some(error) = body["error"].as_str().filter(|word| is_name(word)) else { return String::new() };
    let fields = body["details"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let fields: Vec<&str> = fields.filter(|name| is_name(name)).take(5).collect();
    if fields.is_empty() { format!(": {error}") } else { format!(": {error} ({})", fields.join(", ")) }
}

/// Zendesk's own words.
fn is_name(word: &str) -> bool {
    (1..=64).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
}
