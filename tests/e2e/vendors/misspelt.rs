//! Requests with a mistake, for whoever should notice it.

use serde_json::Value;

use super::golden::Request;
use super::place::matches;

/// The same request with one mistake in each: another method, another path, every name of the body misspelt in turn but for those
/// below `free`; of a GraphQL document every word.
pub fn misspelt(request: &Request, free: &[&str]) -> Vec<Request> {
    let (address, query) = request.parts();
    let path = request.path();
    let host = address.strip_suffix(path).unwrap();
    let mark = if query.is_empty() { "" } else { "?" };
    let elsewhere = Request { target: format!("{host}/x{path}{mark}{query}"), ..request.clone() };
    let method = Request { method: "OPTIONS".into(), ..request.clone() };
    let bodies = match (request.form(), &request.body) {
        (Some(form), _) => misspelt_form(form),
        (None, body) => {
            let mut all = Vec::new();
            misspell(body, "", free, &mut |wrong| all.push(wrong));
            all.extend(body["query"].as_str().into_iter().flat_map(misspelt_words).map(|query| {
                let mut wrong = body.clone();
                wrong["query"] = query.into();
                wrong
            }));
            all
        }
    };
    let bodies = bodies.into_iter().map(|body| Request { body, ..request.clone() });
    [elsewhere, method].into_iter().chain(bodies).collect()
}

/// Calls `found` with `value` again and again, each time with another name misspelt.
fn misspell(value: &Value, at: &str, free: &[&str], found: &mut dyn FnMut(Value)) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let below = format!("{at}/{name}");
                if free.iter().any(|pattern| matches(pattern, &below)) {
                    continue;
                }
                let renamed = fields.iter().map(|(one, inner)| {
                    let one = if one == name { format!("{one}x") } else { one.clone() };
                    (one, inner.clone())
                });
                found(Value::Object(renamed.collect()));
                misspell(inner, &below, free, &mut |wrong| {
                    let mut fields = fields.clone();
                    fields[name] = wrong;
                    found(Value::Object(fields));
                });
            }
        }
        Value::Array(items) => {
            for (place, inner) in items.iter().enumerate() {
                misspell(inner, &format!("{at}/{place}"), free, &mut |wrong| {
                    let mut items = items.clone();
                    items[place] = wrong;
                    found(Value::Array(items));
                });
            }
        }
        _ => {}
    }
}

fn misspelt_form(form: &str) -> Vec<Value> {
    let pairs: Vec<&str> = form.split('&').filter(|pair| !pair.is_empty()).collect();
    let wrong = |place: usize| {
        let mut pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        pairs[place] = pairs[place].replacen('=', "x=", 1);
        Value::from(pairs.join("&"))
    };
    (0..pairs.len()).map(wrong).collect()
}

fn misspelt_words(text: &str) -> Vec<String> {
    let starts = text.char_indices().filter(|(at, one)| {
        let before = text[..*at].chars().next_back();
        one.is_ascii_alphabetic() && !before.is_some_and(char::is_alphanumeric)
    });
    starts.map(|(at, _)| format!("{}x{}", &text[..at], &text[at..])).collect()
}
