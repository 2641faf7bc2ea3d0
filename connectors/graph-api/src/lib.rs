//! What holds for all of Meta's Graph API: where it is, and when it may be asked again. No connector: `meta` and `whatsapp` share it.
//! What an error's code means is for each of them to say, and neither tells an error's text: it may quote what was sent.

use serde_json::Value;
use snodo_connector::{Answer, Fault, Problem, Wait};

/// Of a channel that says nothing else.
pub fn base_url() -> String {
    "https://graph.facebook.com".into()
}

/// The same: <https://developers.facebook.com/docs/graph-api/changelog>.
pub fn version() -> String {
    "v26.0".into()
}

pub fn url(base: &str, version: &str, path: &str) -> String {
    format!("{}/{version}/{path}", base.trim_end_matches('/'))
}

/// The token is no longer one.
pub const fn is_about_the_token(code: i64) -> bool {
    matches!(code, 0 | 102 | 190 | 463 | 467)
}

pub fn auth(told: String) -> Fault {
    Fault::Auth(problem(told))
}

/// Tried again when the answer says, or as the hub sees fit.
pub fn retry(answer: &Answer, told: String) -> Fault {
    match answer.retry_after_ms() {
        Some(_) => wait(answer, None, told),
        None => Fault::Retry(problem(told)),
    }
}

pub fn wait(answer: &Answer, at_least_ms: Option<u64>, told: String) -> Fault {
    let after_ms = answer.retry_after_ms().or_else(|| regained_ms(answer)).max(at_least_ms);
    Fault::RateLimited(Wait { after_ms, bucket: None, problem: problem(told) })
}

/// Minutes until the account may ask again:
/// <https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers-2>.
fn regained_ms(answer: &Answer) -> Option<u64> {
    let usage: Value = serde_json::from_str(answer.header("x-business-use-case-usage")?).ok()?;
    let uses = usage.as_object()?.values().filter_map(Value::as_array).flatten();
    let minutes = uses.filter_map(|one| one["estimated_time_to_regain_access"].as_u64()).max()?;
    (minutes > 0).then(|| minutes.saturating_mul(60_000))
}

const fn problem(message: String) -> Problem {
    Problem { message, at: None }
}
