//! What Slack's answers mean for the hub: errors are words in a success.
//! <https://docs.slack.dev/reference/methods/chat.postMessage/#errors>, <https://docs.slack.dev/apis/web-api/rate-limits>.

use serde_json::Value;
use snodo_connector::{Answer, Fault, Outcome, Problem, Wait};

pub fn outcome(answer: &Answer) -> Outcome {
    let body: Value = answer.json().unwrap_or(Value::Null);
    if answer.is_success() && body["ok"] == true {
        let channel = body["channel"].as_str();
        let posted = channel.zip(body["ts"].as_str()).map(|(channel, ts)| format!("{channel}/{ts}"));
        return Outcome::Accepted(posted);
    }
    let word = body["error"].as_str().filter(|word| is_word(word)).unwrap_or_default();
    let told = match word {
        "" => format!("Slack answered {}", answer.status),
        word => format!("Slack answered {}: {word}", answer.status),
    };
    Outcome::Failed(fault(answer, word, told))
}

fn fault(answer: &Answer, word: &str, told: String) -> Fault {
    match word {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => wait(answer, told),
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            Fault::Auth(Problem { message: told, at: None })
        }
        "channel_not_found" | "not_in_channel" | "is_archived" | "cannot_reply_to_message" => {
            Fault::misconfigured(format!("{told}: check the channel's channel, and invite the app to it"))
        }
        "missing_scope"
        | "no_permission"
        | "not_allowed_token_type"
        | "access_denied"
        | "accesslimited"
        | "ekm_access_denied"
        | "enterprise_is_restricted"
        | "team_access_not_granted"
        | "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_thread_only_channel"
        | "restricted_action_non_threadable_channel"
        | "method_deprecated"
        | "deprecated_endpoint" => Fault::misconfigured(format!(
            "{told}: give the app the scope chat:write, and leave to post there"
        )),
        "internal_error"
        | "fatal_error"
        | "service_unavailable"
        | "request_timeout"
        | "team_added_to_org"
        | "org_login_required" => Fault::retry(told),
        _ => by_status(answer, word, told),
    }
}

fn by_status(answer: &Answer, word: &str, told: String) -> Fault {
    match answer.status {
        300..=399 => Fault::misconfigured(format!("{told}: check the channel's base_url")),
        429 => wait(answer, told),
        // Slack always says ok or names an error, so this was somebody else, and nothing was posted.
        200..=299 if word.is_empty() => {
            Fault::retry(format!("{told} without a word: check what base_url points to"))
        }
        200..=299 => Fault::permanent(told),
        _ => answer.fault(told),
    }
}

fn wait(answer: &Answer, message: String) -> Fault {
    let problem = Problem { message, at: None };
    Fault::RateLimited(Wait { after_ms: answer.retry_after_ms(), bucket: None, problem })
}

/// Slack's own words; what a person typed does not look like that.
fn is_word(word: &str) -> bool {
    (1..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}
