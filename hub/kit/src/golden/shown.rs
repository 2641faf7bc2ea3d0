//! The contract's values as the JSON of `expected.json`. What is absent is left out.

use serde_json::{Map, Value, json};

use snodo_host::{Draft, Fault, Outcome, Problem, Request};

pub fn draft(draft: &Draft) -> Result<Value, String> {
    let data: Value = serde_json::from_slice(&draft.data)
        .map_err(|error| format!("  the body of {} is not JSON: {error}", draft.kind))?;
    if !data.is_object() {
        return Err(format!("  the body of {} is not a JSON object", draft.kind));
    }
    let mut shown = Map::new();
    put(&mut shown, "key", draft.key.as_deref());
    put(&mut shown, "kind", Some(&draft.kind));
    put(&mut shown, "subject", draft.subject.as_deref());
    put(&mut shown, "time", draft.time.as_deref());
    put(&mut shown, "ordering_key", draft.ordering_key.as_deref());
    if !draft.attributes.is_empty() {
        shown.insert("attributes".into(), fields(&draft.attributes));
    }
    shown.insert("data".into(), data);
    Ok(Value::Object(shown))
}

pub fn fault(fault: &Fault) -> Value {
    let mut shown = Map::new();
    let mut show = |case: &str, problem: &Problem| {
        put(&mut shown, "case", Some(case));
        put(&mut shown, "message", Some(&problem.message));
        put(&mut shown, "at", problem.at.as_deref());
    };
    match fault {
        Fault::Retry(problem) => show("retry", problem),
        Fault::Auth(problem) => show("auth", problem),
        Fault::Permanent(problem) => show("permanent", problem),
        Fault::Misconfigured(problem) => show("misconfigured", problem),
        Fault::RateLimited(wait) => {
            show("rate-limited", &wait.problem);
            put(&mut shown, "bucket", wait.bucket.as_deref());
            if let Some(after) = wait.after_ms {
                shown.insert("after_ms".into(), after.into());
            }
        }
    }
    Value::Object(shown)
}

pub fn outcome(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Accepted(None) => json!({"case": "accepted"}),
        Outcome::Accepted(Some(id)) => json!({"case": "accepted", "id": id}),
        Outcome::Duplicate => json!({"case": "duplicate"}),
        Outcome::Ignored(problem) => json!({"case": "ignored", "message": problem.message, "at": problem.at}),
        Outcome::Failed(why) => json!({"case": "failed", "fault": fault(why)}),
    }
}

/// A call of a destination, with the deliveries it covers.
pub fn request(request: &Request, covers: &[u32]) -> Value {
    let mut shown = asked(request);
    shown["covers"] = json!(covers);
    shown
}

/// What should be sent.
pub fn asked(request: &Request) -> Value {
    json!({
        "method": request.method,
        "target": request.target,
        "headers": fields(&request.headers),
        "body": bytes(&request.body),
    })
}

/// As JSON where it is JSON, otherwise as text.
pub fn bytes(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes).into_owned()))
}

/// Several fields of one name become one, as RFC 9110, 5.3 has it.
fn fields(fields: &[(String, String)]) -> Value {
    let mut shown: Map<String, Value> = Map::new();
    for (name, value) in fields {
        let joined = match shown.get(name).and_then(Value::as_str) {
            Some(before) => format!("{before}, {value}"),
            None => value.clone(),
        };
        shown.insert(name.clone(), joined.into());
    }
    Value::Object(shown)
}

fn put(shown: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        shown.insert(name.into(), value.into());
    }
}
