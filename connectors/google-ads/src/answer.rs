//! What Google's answers mean for each conversion: <https://developers.google.com/google-ads/api/docs/best-practices/partial-failures>
//! and `google/ads/googleads/v25/errors` of its public protocol files. Of an error its code is told, never its message or trigger.

use serde::Deserialize;
use serde_json::{Map, Value};
use snodo_connector::{Answer, Exchange, Fault, Outcome, Plan, Problem, Wait};

use crate::config::Config;
use crate::upload;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answered {
    partial_failure_error: Option<Status>,
    results: Option<Vec<Value>>,
    error: Option<Status>,
}

/// `google.rpc.Status`; its details are `GoogleAdsFailure`s.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    details: Vec<Failure>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Failure {
    errors: Vec<GoogleError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GoogleError {
    /// One entry: the enumeration, and the word of it.
    error_code: Map<String, Value>,
    location: Location,
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Location {
    field_path_elements: Vec<Element>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Element {
    field_name: String,
    index: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    quota_error_details: Quota,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Quota {
    /// `900s`.
    retry_delay: String,
}

impl GoogleError {
    fn code(&self) -> (&str, &str) {
        self.error_code
            .iter()
            .next()
            .map_or(("", ""), |(kind, word)| (kind, word.as_str().unwrap_or_default()))
    }

    /// The conversion it is about, by its place in the request.
    fn conversion(&self) -> Option<usize> {
        let of = |element: &&Element| matches!(element.field_name.as_str(), "conversions" | "operations");
        match self.location.field_path_elements.iter().find(of)?.index.as_ref()? {
            Value::Number(index) => usize::try_from(index.as_u64()?).ok(),
            Value::String(index) => index.parse().ok(),
            _ => None,
        }
    }
}

pub fn interpret(config: &Config, exchange: &Exchange) -> Plan {
    let (answer, count) = (&exchange.answer, exchange.deliveries.len());
    let answered = answer.json::<Answered>();
    if !answer.is_success() {
        let status = answered.unwrap_or_default().error.unwrap_or_default();
        // A request that is not well formed: one conversion may be the reason.
        if matches!(answer.status, 400 | 413) && count > 1 {
            let mut plan = Plan::new();
            upload::split(config, &exchange.deliveries, &mut plan);
            return plan;
        }
        return Plan::settle_all(count, &Outcome::Failed(whole(answer, &status)));
    }
    let Some(answered) =
        answered.filter(|answered| answered.results.is_some() || answered.partial_failure_error.is_some())
    else {
        let fault = Fault::retry("the answer is not that of an upload: check what base_url points to");
        return Plan::settle_all(count, &Outcome::Failed(fault));
    };
    let failures = answered.partial_failure_error.map(|status| status.details);
    let mut plan = Plan::new();
    for (at, place) in (0..count).zip(0..) {
        let all = || failures.iter().flatten().flat_map(|failure| &failure.errors);
        let taken = answered.results.as_ref().and_then(|results| results.get(at)).is_some_and(is_filled);
        let outcome = match all().find(|error| error.conversion() == Some(at)) {
            Some(error) => refused(error),
            None if taken || failures.is_none() => Outcome::Accepted(None),
            // An error without a place speaks for the one conversion that is alone.
            None => match all().find(|error| error.conversion().is_none()) {
                Some(error) if count == 1 => refused(error),
                _ => Outcome::Failed(Fault::retry("Google's answer does not say what became of it")),
            },
        };
        plan.settle(place, outcome);
    }
    plan
}

fn is_filled(result: &Value) -> bool {
    result.as_object().is_some_and(|result| !result.is_empty())
}

/// One conversion of an upload that took others.
fn refused(error: &GoogleError) -> Outcome {
    let (kind, code) = error.code();
    let told = || format!("Google refused it: {}", word(code));
    match (kind, code) {
        (_, "CLICK_CONVERSION_ALREADY_EXISTS" | "ORDER_ID_ALREADY_IN_USE") => Outcome::Duplicate,
        (_, "EVENT_NOT_FOUND" | "CLICK_NOT_FOUND") => {
            Outcome::ignored("Google knows no click of its ads that led to it")
        }
        (_, "CONVERSION_NOT_COMPLIANT_WITH_ATT_POLICY") => {
            Outcome::ignored("the customer has not allowed tracking on their device")
        }
        // Six hours after the click, or after the action was made, Google takes them.
        (_, "TOO_RECENT_EVENT" | "TOO_RECENT_CONVERSION_ACTION") => Outcome::Failed(Fault::retry(told())),
        (_, "DUPLICATE_ORDER_ID" | "DUPLICATE_CLICK_CONVERSION_IN_REQUEST") => {
            Outcome::Failed(Fault::retry(told()))
        }
        (
            _,
            "UNAUTHORIZED_CUSTOMER"
            | "NO_CONVERSION_ACTION_FOUND"
            | "INVALID_CONVERSION_ACTION_TYPE"
            | "CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS"
            | "CUSTOMER_NOT_ENABLED_ENHANCED_CONVERSIONS_FOR_LEADS"
            | "CUSTOMER_DATA_POLICY_PROHIBITS_ENHANCED_CONVERSIONS"
            | "EXTERNAL_ATTRIBUTION_DATA_NOT_SET_FOR_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION"
            | "EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION_NOT_PERMITTED_WITH_USER_IDENTIFIER"
            | "ORDER_ID_NOT_PERMITTED_FOR_EXTERNALLY_ATTRIBUTED_CONVERSION_ACTION"
            | "ONE_PER_CLICK_CONVERSION_ACTION_NOT_PERMITTED_WITH_BRAID",
        ) => Outcome::Failed(Fault::misconfigured(told())),
        ("quotaError", _) => Outcome::Failed(patience(error, told())),
        ("internalError" | "databaseError", _) => Outcome::Failed(Fault::retry(told())),
        _ => Outcome::Failed(Fault::permanent(told())),
    }
}

/// The request as a whole was refused.
fn whole(answer: &Answer, status: &Status) -> Fault {
    let first = status.details.iter().flat_map(|failure| &failure.errors).next();
    let code = first.map_or("", |error| error.code().1);
    let told = match code {
        "" => format!("Google answered {}", answer.status),
        code => format!("Google answered {}: {}", answer.status, word(code)),
    };
    match (answer.status, first) {
        (429, Some(error)) if answer.retry_after_ms().is_none() => patience(error, told),
        (403, _) => Fault::misconfigured(format!(
            "{told}: check customer_id, login_customer_id, the developer token and the user's access"
        )),
        (404, _) => Fault::misconfigured(format!("{told}: check customer_id and api_version")),
        (300..=399, _) => Fault::misconfigured(format!("{told}: check the channel's base_url")),
        _ => answer.fault(told),
    }
}

fn patience(error: &GoogleError, message: String) -> Fault {
    let delay = error.details.quota_error_details.retry_delay.trim_end_matches('s');
    let after_ms = delay.parse::<u64>().ok().and_then(|seconds| seconds.checked_mul(1000));
    Fault::RateLimited(Wait { after_ms, bucket: None, problem: Problem { message, at: None } })
}

/// Google's codes are capitals; anything else might be a value.
fn word(code: &str) -> &str {
    let is_code = !code.is_empty()
        && code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit());
    if is_code { code } else { "an error without a code" }
}
