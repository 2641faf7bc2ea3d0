//! What HubSpot's statuses and error categories mean for the hub. Says nothing of what an error's text quotes: it may hold
//! personal data.

use snodo_connector::{Answer, Fault, Problem as Told, Wait};

use crate::wire::Problem;

/// "Wait at least two seconds" before a locked record is written again (HubSpot, Error handling, 423).
const LOCKED_MS: u64 = 2_000;
/// The window of `TEN_SECONDLY_ROLLING`, for an answer that does not name it.
const ROLLING_MS: u64 = 10_000;
/// `SECONDLY`, the limit of search and of some accounts.
const SECOND_MS: u64 = 1_000;
/// `DAILY` ends at midnight of the account's own zone, which we do not know: asking once an hour costs nothing.
const DAILY_MS: u64 = 3_600_000;

pub enum Meaning {
    /// The answer speaks of each input.
    Batch,
    /// HubSpot will not have this batch; with several inputs, one may be the reason.
    Refused(Fault),
    /// It would be the same for any batch.
    Whole(Fault),
}

pub fn meaning(answer: &Answer) -> Meaning {
    let status = answer.status;
    if answer.is_success() {
        return Meaning::Batch;
    }
    let problem = answer.json::<Problem>().unwrap_or_default();
    let told = format!("HubSpot answered {status}{}", details(&problem));
    Meaning::Whole(match status {
        400 | 413 => {
            return match fault(&problem, told) {
                Fault::Permanent(told) => Meaning::Refused(Fault::Permanent(told)),
                other => Meaning::Whole(other),
            };
        }
        // A new token of the same app has the same scopes.
        403 => Fault::misconfigured(format!("{told}: give the app the scopes to write contacts and deals")),
        404 | 405 | 415 => Fault::misconfigured(format!("{told}: check the channel's base_url")),
        300..=399 => {
            Fault::misconfigured(format!("{told}: set the channel's base_url to where it has moved"))
        }
        429 => rate_limited(answer, &problem, told),
        423 => wait(Some(answer.retry_after_ms().unwrap_or(0).max(LOCKED_MS)), None, told),
        // The account is being moved to another data centre; Retry-After says for how long, up to a day.
        477 => wait(answer.retry_after_ms(), Some("MIGRATION".into()), told),
        _ => answer.fault(told),
    })
}

/// One input's error in an answer that took others.
pub fn input_fault(problem: &Problem) -> Fault {
    fault(problem, format!("HubSpot refused it{}", details(problem)))
}

fn fault(problem: &Problem, told: String) -> Fault {
    if problem.codes().any(|code| code == "PROPERTY_DOESNT_EXIST") {
        return Fault::misconfigured(format!(
            "{told}: make this property in HubSpot, or take it out of the channel's configuration"
        ));
    }
    match problem.category.as_deref() {
        Some("MISSING_SCOPES") => Fault::misconfigured(format!("{told}: give the app the scopes it lacks")),
        Some("RATE_LIMITS" | "RATE_LIMIT") => wait(Some(ROLLING_MS), None, told),
        // Another writer was there at the same moment, or a record has gone: a new attempt starts from what is there then.
        Some("CONFLICT" | "OBJECT_NOT_FOUND" | "INTERNAL_ERROR" | "SERVICE_UNAVAILABLE" | "TIMEOUT") => {
            Fault::retry(told)
        }
        _ => Fault::permanent(told),
    }
}

fn rate_limited(answer: &Answer, problem: &Problem, told: String) -> Fault {
    let policy = problem.policy_name.clone();
    let interval = || answer.header("x-hubspot-ratelimit-interval-milliseconds")?.trim().parse().ok();
    let after = answer.retry_after_ms().unwrap_or_else(|| match policy.as_deref() {
        Some("DAILY") => DAILY_MS,
        Some("SECONDLY") => SECOND_MS,
        _ => interval().unwrap_or(ROLLING_MS),
    });
    wait(Some(after), policy, told)
}

fn wait(after_ms: Option<u64>, bucket: Option<String>, message: String) -> Fault {
    Fault::RateLimited(Wait { after_ms, bucket, problem: Told { message, at: None } })
}

/// Category, codes and the names of properties, never values: ": VALIDATION_ERROR, INVALID_EMAIL (email)".
fn details(problem: &Problem) -> String {
    let mut words: Vec<&str> = problem.category.as_deref().into_iter().chain(problem.codes()).collect();
    words.extend(problem.policy_name.as_deref());
    words.retain(|word| is_name(word));
    words.dedup();
    let everywhere = || std::iter::once(problem).chain(&problem.errors);
    let mut names: Vec<&str> = everywhere()
        .flat_map(|problem| {
            ["propertyName", "missingScopes", "requiredGranularScopes"].map(|name| problem.context(name))
        })
        .flatten()
        .filter(|name| is_name(name))
        .collect();
    names.dedup();
    let mut text = if words.is_empty() { String::new() } else { format!(": {}", words.join(", ")) };
    if !names.is_empty() {
        text.push_str(&format!(" ({})", names.join(", ")));
    }
    text
}

/// HubSpot's own words; a value that a person typed does not look like that, and an e-mail address never does.
fn is_name(word: &str) -> bool {
    (1..=64).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}
