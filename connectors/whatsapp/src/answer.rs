//! What Meta's statuses and error codes mean for the hub:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes> and
//! <https://developers.facebook.com/docs/graph-api/guides/error-handling>. Never tells an error's text: it may quote a number.

use graph_api::{retry, wait};
use serde_json::Value;
use snodo_connector::{Answer, Fault, Outcome};

/// One message in six seconds to one customer (131056).
const PAIR_MS: u64 = 6_000;
/// Too many customers have reported this number (131048): nothing is gained by asking more often.
const SPAM_MS: u64 = 3_600_000;

pub fn outcome(answer: &Answer) -> Outcome {
    let body: Option<Value> = answer.json();
    let error = body.as_ref().map_or(&Value::Null, |body| &body["error"]);
    if answer.is_success() && error.is_null() {
        return sent(body.as_ref());
    }
    let Some(code) = error["code"].as_i64() else {
        return Outcome::Failed(by_status(answer, format!("WhatsApp answered {}", answer.status)));
    };
    let told = format!("WhatsApp answered {} with error {code}", answer.status);
    if code == 131_050 {
        return Outcome::ignored(format!("{told}: the customer wants no marketing messages"));
    }
    Outcome::Failed(by_code(answer, code, error, told))
}

fn sent(body: Option<&Value>) -> Outcome {
    let Some(body) = body else {
        // Meta answers in JSON, so this was somebody else, and nothing was sent.
        return Outcome::Failed(Fault::retry("the answer is not Meta's: check what base_url points to"));
    };
    let message = &body["messages"][0];
    match (message["id"].as_str(), message["message_status"].as_str()) {
        (_, Some("paused")) => Outcome::Failed(Fault::misconfigured(
            "Meta has paused the template: it is sent to nobody until its quality is better",
        )),
        (Some(id), _) => Outcome::Accepted(Some(id.to_owned())),
        // It cannot be sent again without asking: the customer may have it already.
        (None, _) => {
            Outcome::Failed(Fault::permanent("Meta's answer does not say whether the message was sent"))
        }
    }
}

fn by_code(answer: &Answer, code: i64, error: &Value, told: String) -> Fault {
    match code {
        code if graph_api::is_about_the_token(code) => graph_api::auth(told),
        3 | 10 | 200..=299 | 131_005 => {
            Fault::misconfigured(format!("{told}: give the token the permission whatsapp_business_messaging"))
        }
        4 | 17 | 32 | 341 | 613 | 80_007 | 80_008 | 130_429 => wait(answer, None, told),
        131_048 => wait(answer, Some(SPAM_MS), told),
        131_056 => wait(answer, Some(PAIR_MS), told),
        1 | 2 | 131_000 | 131_016 | 131_057 => retry(answer, told),
        33 => Fault::misconfigured(format!("{told}: check the channel's phone_number_id")),
        131_042 => Fault::misconfigured(format!("{told}: the account's payment method is at fault")),
        368 | 130_497 | 131_031 | 131_037 | 131_045 | 133_010 => {
            Fault::misconfigured(format!("{told}: Meta has restricted the account or its number"))
        }
        132_000 | 132_001 | 132_012 | 132_015 | 132_016 | 132_018 | 132_068 | 132_069 => {
            Fault::misconfigured(format!("{told}: compare the channel's template with the one at Meta"))
        }
        // The customer cannot be reached, Meta will not have this message reach them, or the event's texts do not fit.
        100 | 130_472 | 131_008 | 131_009 | 131_021 | 131_026 | 131_030 | 131_047 | 131_049 | 131_051
        | 131_052 | 131_053 | 131_062 | 132_005 | 132_007 => Fault::permanent(told),
        _ if error["is_transient"] == true => retry(answer, told),
        _ => by_status(answer, told),
    }
}

fn by_status(answer: &Answer, told: String) -> Fault {
    match answer.status {
        300..=399 => Fault::misconfigured(format!("{told}: check the channel's base_url")),
        // An error in a success: nobody knows more.
        200..=299 => Fault::permanent(told),
        _ => answer.fault(told),
    }
}
