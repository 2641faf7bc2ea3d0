//! What Klaviyo's statuses and JSON:API errors mean: <https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling>.
//! Of an error only its code and its place are told: details quote addresses and numbers.

use serde::Deserialize;
use snodo_connector::{Answer, Fault};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problems {
    errors: Vec<Problem>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    source: Place,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Place {
    pointer: String,
}

/// `None` for a success.
pub fn fault(answer: &Answer) -> Option<Fault> {
    if answer.is_success() {
        return None;
    }
    let problems = answer.json::<Problems>().unwrap_or_default();
    let told = format!("Klaviyo answered {}{}", answer.status, details(&problems));
    Some(match answer.status {
        // Two profiles have the names of one customer: somebody has to merge them there.
        409 => Fault::permanent(told),
        403 => Fault::misconfigured(format!(
            "{told}: give the key the scopes events:write, profiles:write and subscriptions:write"
        )),
        300..=399 => Fault::misconfigured(format!("{told}: check the channel's base_url")),
        _ => answer.fault(told),
    })
}

/// ": invalid (/data/attributes/phone_number)".
fn details(problems: &Problems) -> String {
    let is_name = |text: &&str| {
        (1..=96).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/".contains(&byte))
    };
    let list = |of: fn(&Problem) -> &str| {
        let mut found: Vec<&str> = problems.errors.iter().map(of).filter(is_name).collect();
        found.dedup();
        found.join(", ")
    };
    let (codes, places) = (list(|problem| &problem.code), list(|problem| &problem.source.pointer));
    let codes = if codes.is_empty() { codes } else { format!(": {codes}") };
    if places.is_empty() { codes } else { format!("{codes} ({places})") }
}
