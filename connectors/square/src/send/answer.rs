//! What Square's statuses and error codes mean: <https://developer.squareup.com/docs/build-basics/handling-errors>. Says nothing of an
//! error's `detail`: it may quote what a customer typed.

use serde_json::Value;
use snodo_connector::fields::Fields;
use snodo_connector::{Answer, Fault};

/// The object that a success holds, or what the refusal means.
pub fn body(answer: &Answer) -> Result<Fields, Fault> {
    let body: Option<Fields> = answer.json();
    if answer.is_success() {
        let body = body.ok_or_else(|| {
            Fault::retry("Square's answer is no JSON object: check what base_url points to")
        })?;
        // Documented for bulk calls only, which are not made.
        let failed = body.get("errors").and_then(Value::as_array).is_some_and(|errors| !errors.is_empty());
        return if failed { Err(fault(answer, Some(&body))) } else { Ok(body) };
    }
    Err(fault(answer, body.as_ref()))
}

pub fn no_customer() -> Fault {
    Fault::retry("Square's answer names no customer: check what base_url points to")
}

/// Whether the first error has that code.
pub fn says(answer: &Answer, code: &str) -> bool {
    answer.json::<Fields>().is_some_and(|body| codes(&body).any(|found| found == code))
}

fn fault(answer: &Answer, body: Option<&Fields>) -> Fault {
    let status = answer.status;
    let told = format!("Square answered {status}{}", body.map(details).unwrap_or_default());
    let has = |code: &str| body.is_some_and(|body| codes(body).any(|found| found == code));
    match status {
        300..=399 => {
            Fault::misconfigured(format!("{told}: set the channel's base_url to where it has moved"))
        }
        403 => Fault::misconfigured(format!("{told}: give the token CUSTOMERS_READ and CUSTOMERS_WRITE")),
        // The first attempt made the profile, and the event says something else of it now: the next one finds it.
        400 if has("IDEMPOTENCY_KEY_REUSED") => Fault::retry(told),
        400 if has("INVALID_SQUARE_VERSION_FORMAT") || has("API_VERSION_INCOMPATIBLE") => {
            Fault::misconfigured(format!("{told}: check the channel's square_version"))
        }
        200..=299 => Fault::permanent(told),
        _ => answer.fault(told),
    }
}

fn codes(body: &Fields) -> impl Iterator<Item = &str> {
    let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
    errors.filter_map(|error| error.get("code")?.as_str())
}

/// Codes and names of fields, never values: ": INVALID_PHONE_NUMBER (phone_number)".
fn details(body: &Fields) -> String {
    let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
    let named = errors.filter_map(|error| {
        let code = error.get("code")?.as_str().filter(|code| is_name(code))?;
        Some(match error.get("field").and_then(Value::as_str).filter(|field| is_name(field)) {
            Some(field) => format!("{code} ({field})"),
            None => code.to_owned(),
        })
    });
    let named: Vec<String> = named.take(5).collect();
    if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) }
}

/// Square's own words.
fn is_name(word: &str) -> bool {
    (1..=64).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
}
