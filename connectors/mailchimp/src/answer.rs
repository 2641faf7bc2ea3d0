//! What Mailchimp's statuses and problem documents mean: <https://mailchimp.com/developer/marketing/docs/errors/>.
//! Of an answer's texts only titles and the names of fields are told: details quote addresses.

use serde::Deserialize;
use snodo_connector::{Answer, Fault, Problem as Told, Wait};

/// An API key may have ten connections open; the next one is free soon.
const CONNECTIONS_MS: u64 = 2_000;

/// How long a request is put off that was shut out at the door.
const BLOCKED_MS: u64 = 60_000;

pub enum Refusal {
    /// The member has left, bounced or is under review: it cannot be subscribed by others.
    Compliance,
    /// Erased for good.
    Forgotten,
    /// No such member, or no such audience.
    Missing(Fault),
    Other(Fault),
}

/// RFC 7807, with the fields at fault.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    errors: Vec<At>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct At {
    field: String,
}

/// `None` for a success.
pub fn refusal(answer: &Answer) -> Option<Refusal> {
    if answer.is_success() {
        return None;
    }
    let problem = answer.json::<Problem>();
    let is_document = problem.is_some();
    let problem = problem.unwrap_or_default();
    let told = format!("Mailchimp answered {}{}", answer.status, details(&problem));
    Some(match (answer.status, problem.title.as_str()) {
        (400, "Member In Compliance State") => Refusal::Compliance,
        (400, "Forgotten Email Not Subscribed") => Refusal::Forgotten,
        (404, _) => Refusal::Missing(Fault::misconfigured(format!(
            "{told}: check the channel's list_id and data_centre"
        ))),
        // What Mailchimp's shield turns away has no document.
        (403, _) if !is_document => Refusal::Other(wait(answer, BLOCKED_MS, "shield", told)),
        (403, "Wrong Datacenter") => {
            Refusal::Other(Fault::misconfigured(format!("{told}: set data_centre to the end of the API key")))
        }
        (429, _) => Refusal::Other(wait(answer, CONNECTIONS_MS, "connections", told)),
        (300..=399, _) => Refusal::Other(Fault::misconfigured(format!(
            "{told}: check the channel's data_centre and base_url"
        ))),
        (405, _) => Refusal::Other(Fault::permanent(told)),
        _ => Refusal::Other(answer.fault(told)),
    })
}

fn wait(answer: &Answer, else_ms: u64, bucket: &str, message: String) -> Fault {
    let after_ms = Some(answer.retry_after_ms().unwrap_or(else_ms));
    Fault::RateLimited(Wait { after_ms, bucket: Some(bucket.into()), problem: Told { message, at: None } })
}

/// ": Invalid Resource (merge_fields.PHONE)".
fn details(problem: &Problem) -> String {
    let is_title = (1..=64).contains(&problem.title.len())
        && problem.title.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b' ');
    let mut text = if is_title { format!(": {}", problem.title) } else { String::new() };
    let named = problem.errors.iter().map(|error| error.field.as_str()).filter(|field| is_field(field));
    let fields: Vec<&str> = named.collect();
    if !fields.is_empty() {
        text.push_str(&format!(" ({})", fields.join(", ")));
    }
    text
}

fn is_field(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.[]".contains(&byte))
}
