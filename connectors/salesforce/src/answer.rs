//! What Salesforce's statuses and error codes mean for the hub. Says nothing of what an error's text quotes: it may hold
//! personal data. <https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html>,
//! <https://developer.salesforce.com/docs/platform/api-soap/guide/sforce-api-calls-concepts-core-data-objects.html>.

use serde::Deserialize;
use snodo_connector::{Answer, Fault, Problem as Told, Wait};

/// The limit counts the calls of the last 24 hours, so some are free again all the time.
const LIMIT_MS: u64 = 15 * 60_000;

/// An error as all of the API's bodies have it. For rows of a collection the code is called `statusCode`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Problem {
    pub error_code: Option<String>,
    pub status_code: Option<String>,
    pub fields: Option<Vec<String>>,
}

impl Problem {
    pub fn code(&self) -> &str {
        self.status_code.as_deref().or(self.error_code.as_deref()).unwrap_or_default()
    }
}

/// A request that was refused as a whole.
pub fn refused(answer: &Answer) -> Fault {
    let problems: Vec<Problem> = answer.json().unwrap_or_default();
    let first = problems.first().cloned().unwrap_or_default();
    let told = format!("Salesforce answered {}{}", answer.status, details(&problems));
    match (answer.status, first.code()) {
        (401, _) => answer.fault(told),
        (_, "REQUEST_LIMIT_EXCEEDED") => limited(answer, told),
        (300..=399, _) => {
            Fault::misconfigured(format!("{told}: set the channel's instance_url to where the org is"))
        }
        (403, _) => Fault::misconfigured(format!("{told}: give the hub's user the permissions it lacks")),
        (404 | 405 | 410, _) => Fault::misconfigured(format!(
            "{told}: check the objects, the external id fields and api_version of the channel"
        )),
        (400, code) => fault(code, told),
        _ => answer.fault(told),
    }
}

/// One row of a collection that others of it did not share.
pub fn row(problems: &[Problem]) -> Fault {
    let first = problems.first().cloned().unwrap_or_default();
    fault(first.code(), format!("Salesforce refused it{}", details(problems)))
}

fn fault(code: &str, told: String) -> Fault {
    match code {
        // Another writer was there at the same moment. A second attempt finds the record, or its lock gone.
        "UNABLE_TO_LOCK_ROW"
        | "DUPLICATE_VALUE"
        | "CONCURRENT_REQUESTS_LIMIT"
        | "REQUEST_RUNNING_TOO_LONG"
        | "SERVER_UNAVAILABLE"
        | "UNKNOWN_EXCEPTION"
        | "QUERY_TIMEOUT"
        | "ENTITY_IS_LOCKED" => Fault::retry(told),
        "REQUEST_LIMIT_EXCEEDED" => {
            Fault::RateLimited(Wait { after_ms: Some(LIMIT_MS), bucket: None, problem: problem(told) })
        }
        "INVALID_FIELD"
        | "INVALID_FIELD_FOR_INSERT_UPDATE"
        | "INVALID_TYPE"
        | "INVALID_TYPE_ON_FIELD_IN_RECORD"
        | "MALFORMED_QUERY"
        | "STORAGE_LIMIT_EXCEEDED"
        | "API_DISABLED_FOR_ORG"
        | "API_CURRENTLY_DISABLED"
        | "INSUFFICIENT_ACCESS" => Fault::misconfigured(format!(
            "{told}: check the fields that the channel names, and what the hub's user may do"
        )),
        _ => Fault::permanent(told),
    }
}

fn limited(answer: &Answer, told: String) -> Fault {
    let after_ms = Some(answer.retry_after_ms().unwrap_or(LIMIT_MS));
    Fault::RateLimited(Wait { after_ms, bucket: None, problem: problem(told) })
}

fn problem(message: String) -> Told {
    Told { message, at: None }
}

/// Codes and names of fields, never texts: ": INVALID_EMAIL_ADDRESS (Email)".
fn details(problems: &[Problem]) -> String {
    let mut codes: Vec<&str> = problems.iter().map(Problem::code).filter(|code| is_name(code)).collect();
    codes.dedup();
    let fields = problems.iter().flat_map(|problem| problem.fields.iter().flatten());
    let fields: Vec<&str> = fields.map(String::as_str).filter(|field| is_name(field)).collect();
    let mut text = if codes.is_empty() { String::new() } else { format!(": {}", codes.join(", ")) };
    if !fields.is_empty() {
        text.push_str(&format!(" ({})", fields.join(", ")));
    }
    text
}

/// Salesforce's own words; an e-mail address never looks like that.
fn is_name(word: &str) -> bool {
    (1..=80).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
