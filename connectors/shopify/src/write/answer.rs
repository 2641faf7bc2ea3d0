//! What Shopify's answers mean for the hub. Most of its refusals come in a 200:
//! <https://shopify.dev/docs/api/admin-graphql/latest#status_and_error_codes>, <https://shopify.dev/docs/api/usage/limits>. Says nothing of
//! what an error's text quotes: it may hold personal data.

use serde_json::Value;
use snodo_connector::{Answer, Fault, Problem, Wait};

/// How long a bucket of points takes to fill, at the least, if the answer does not say.
const THROTTLED_MS: u64 = 1_000;

pub fn data(answer: &Answer) -> Result<Value, Fault> {
    let told = format!("Shopify answered {}", answer.status);
    if !answer.is_success() {
        return Err(match answer.status {
            402 | 423 => Fault::misconfigured(format!("{told}: the shop is frozen or locked")),
            403 => Fault::misconfigured(format!(
                "{told}: give the app the scopes it lacks, or see whether the shop is open"
            )),
            300..=399 | 404 => {
                Fault::misconfigured(format!("{told}: check the channel's shop and api_version"))
            }
            _ => answer.fault(told),
        });
    }
    let Some(mut body) = answer.json::<Value>().filter(Value::is_object) else {
        return Err(Fault::retry("what Shopify answered is no answer to a GraphQL request"));
    };
    let errors = body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    if let Some(error) = errors.first() {
        return Err(refused(error, &body));
    }
    match body["data"].take() {
        data @ Value::Object(_) => Ok(data),
        _ => Err(Fault::retry("Shopify's answer holds neither data nor an error")),
    }
}

fn refused(error: &Value, body: &Value) -> Fault {
    let code = error["extensions"]["code"].as_str().unwrap_or_default();
    let named = if is_name(code) { format!(": {code}") } else { String::new() };
    let told = format!("Shopify refused the request{named}");
    match code {
        "THROTTLED" => Fault::RateLimited(Wait {
            after_ms: Some(refilled_ms(&body["extensions"]["cost"]).unwrap_or(THROTTLED_MS)),
            bucket: None,
            problem: Problem { message: told, at: None },
        }),
        "ACCESS_DENIED" => Fault::misconfigured(format!(
            "{told}: give the app read_customers, write_customers and write_draft_orders"
        )),
        "SHOP_INACTIVE" => Fault::misconfigured(told),
        "INTERNAL_SERVER_ERROR" | "TIMEOUT" => Fault::retry(told),
        _ => Fault::permanent(told),
    }
}

/// When there will be as many points as the request costs.
fn refilled_ms(cost: &Value) -> Option<u64> {
    let status = &cost["throttleStatus"];
    let lacking = cost["requestedQueryCost"].as_f64()? - status["currentlyAvailable"].as_f64()?;
    let rate = status["restoreRate"].as_f64().filter(|rate| *rate > 0.0)?;
    let millis = (lacking / rate * 1_000.0).ceil();
    // A bucket is full again within minutes.
    (0.0..=600_000.0).contains(&millis).then_some((millis as u64).max(THROTTLED_MS))
}

/// `userErrors` of the named parts of the answer.
pub fn refusals(data: &Value, parts: &[&str]) -> Result<(), Fault> {
    for part in parts {
        let Some(errors) = data[*part]["userErrors"].as_array() else {
            return Err(Fault::retry(format!("Shopify's answer does not say what became of {part}")));
        };
        if let Some(error) = errors.first() {
            let path = error["field"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let path: Vec<&str> = path.filter(|name| is_name(name)).collect();
            return Err(Fault::permanent(format!("Shopify refused {part} ({})", path.join("."))));
        }
    }
    Ok(())
}

fn is_name(word: &str) -> bool {
    (1..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
