//! What Twilio's statuses and error codes mean for the hub: <https://www.twilio.com/docs/api/errors>. Never tells an error's text:
//! it quotes the number.

use serde_json::Value;
use snodo_connector::{Answer, Fault, Outcome, Problem, Wait};

pub fn outcome(answer: &Answer) -> Outcome {
    let body: Value = answer.json().unwrap_or(Value::Null);
    if answer.is_success() {
        return sent(&body);
    }
    let Some(code) = body["code"].as_i64() else {
        return Outcome::Failed(by_status(answer, format!("Twilio answered {}", answer.status)));
    };
    let told = format!("Twilio answered {} with error {code}", answer.status);
    match code {
        // The customer has answered STOP.
        21_610 => Outcome::ignored(format!("{told}: the customer wants no messages from this number")),
        _ => Outcome::Failed(by_code(answer, code, told)),
    }
}

fn sent(body: &Value) -> Outcome {
    if let Some(code) = body["error_code"].as_i64() {
        return Outcome::Failed(Fault::permanent(format!(
            "Twilio took the message and failed with error {code}"
        )));
    }
    match body["sid"].as_str() {
        _ if matches!(body["status"].as_str(), Some("failed" | "undelivered" | "canceled")) => {
            Outcome::Failed(Fault::permanent("Twilio took the message and did not send it"))
        }
        Some(sid) => Outcome::Accepted(Some(sid.to_owned())),
        // Twilio answers in JSON, so this was somebody else, and nothing was sent.
        None if body.is_null() => {
            Outcome::Failed(Fault::retry("the answer is not Twilio's: check what base_url points to"))
        }
        // It cannot be sent again without asking: the customer may have it already.
        None => {
            Outcome::Failed(Fault::permanent("Twilio's answer does not say whether the message was sent"))
        }
    }
}

fn by_code(answer: &Answer, code: i64, told: String) -> Fault {
    match code {
        20_003 | 20_006 | 20_101..=20_104 => Fault::Auth(Problem { message: told, at: None }),
        // Too many requests, or too many messages that wait for this number.
        14_107 | 20_429 | 21_611 | 30_001 | 30_022 => wait(answer, told),
        20_500 | 20_503 | 30_008 => Fault::retry(told),
        20_005
        | 20_008
        | 20_404
        | 21_212
        | 21_219
        | 21_408
        | 21_601
        | 21_603
        | 21_606
        | 21_608
        | 21_609
        | 21_659
        | 21_660
        | 21_661
        | 21_701
        | 21_703..=21_705
        | 21_712
        | 30_002 => {
            Fault::misconfigured(format!("{told}: check the channel's sender, and what the account may do"))
        }
        // The number cannot be reached, or this text is not taken.
        21_211 | 21_214 | 21_217 | 21_602 | 21_604 | 21_612 | 21_614 | 21_617 | 21_635 => {
            Fault::permanent(told)
        }
        _ => by_status(answer, told),
    }
}

fn by_status(answer: &Answer, told: String) -> Fault {
    match answer.status {
        300..=399 => Fault::misconfigured(format!("{told}: check the channel's base_url")),
        429 => wait(answer, told),
        _ => answer.fault(told),
    }
}

fn wait(answer: &Answer, message: String) -> Fault {
    let problem = Problem { message, at: None };
    Fault::RateLimited(Wait { after_ms: answer.retry_after_ms(), bucket: None, problem })
}
