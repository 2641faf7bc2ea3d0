//! Which word of the format is which event.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, time};

use crate::parts::{KNOWN, Known, PAGE, PRODUCT, SESSION};
use crate::shape::{Form, Shape, pick};
use crate::{Config, context};

/// An event that has no place in the vocabulary is kept whole, with its id and time.
pub fn tell(mut whole: Value, received_ms: u64, config: &Config) -> Draft {
    let text = |name: &str| whole.get(name).and_then(fields::text);
    let moment = |name: &str| whole.get(name).and_then(fields::moment);
    let (key, time, sent, sequence) = (text("id"), moment("at"), moment("sent_at"), text("sequence"));
    if let Some(fields) = whole.as_object_mut().filter(|_| sent.is_some()) {
        // It is another one for each attempt to send.
        fields.shift_remove("sent_at");
    }
    let draft = whole.as_object().and_then(|fields| event(fields.clone(), config));
    let mut draft =
        draft.unwrap_or_else(|| Draft::unknown(whole.get("type").and_then(Value::as_str), &whole));
    (draft.key, draft.time) = (key, time);
    draft.attributes.extend(sequence.map(|sequence| ("sequence".to_owned(), sequence)));
    if let Some((sent, sent_ms)) =
        sent.and_then(|sent| time::epoch_millis(&sent).map(|millis| (sent, millis)))
    {
        let skew = i128::from(received_ms) - i128::from(sent_ms);
        draft.attributes.push(("sentat".into(), sent));
        draft.attributes.push(("clockskewms".into(), skew.to_string()));
    }
    draft
}

fn event(mut event: Fields, config: &Config) -> Option<Draft> {
    let word = event.get("type")?.as_str()?.to_owned();
    let known = KNOWN.iter().find(|known| known.word == word);
    let kind = match (known, word.as_str()) {
        (Some(known), _) => known.event,
        (None, "user.identified") => "identity.user.identified",
        (None, "consent.updated") => "consent.preference.updated",
        (None, _) => return None,
    };
    for name in ["type", "id", "at", "sequence"] {
        event.shift_remove(name);
    }
    let customer = context::customer(&mut event, config);
    let consent = context::consent(&mut event);
    let mut touchpoint = context::touchpoint(&mut event);
    let visit = part(&mut event, "session", SESSION);
    let session = visit.get("id").and_then(fields::text);
    let page = part(&mut event, "page", PAGE);
    let mut data = Fields::new();
    let subject = match known {
        Some(known) => told(&mut data, &mut event, known, &page, &visit)?,
        None => {
            customer.get("identifiers")?;
            if kind == "consent.preference.updated" {
                consent.get("purposes")?;
            }
            None
        }
    };
    // What a web event stands on is its own; other events have it with the touchpoint.
    if kind.starts_with("web.") {
        data.leave("page", page);
    } else {
        touchpoint.leave("page", page);
    }
    touchpoint.leave(
        "session",
        match kind {
            "web.session.started" | "web.session.ended" => json!({"id": session}),
            _ => Value::Object(visit),
        },
    );
    data.leave("customer", customer);
    data.leave("consent", consent);
    data.leave("touchpoint", touchpoint);
    data.leave("vendor", event);
    let mut draft = Draft::new(kind, &data);
    draft.subject = subject;
    draft.attributes.extend(session.map(|session| ("correlationid".to_owned(), session)));
    Some(draft)
}

/// Puts the event's own part in, if it has what the event needs. What it is about comes back.
fn told(
    data: &mut Fields,
    event: &mut Fields,
    known: &Known,
    page: &Fields,
    visit: &Fields,
) -> Option<Option<String>> {
    let found = match known.part {
        "page" => page.clone(),
        "session" => visit.clone(),
        name => part(event, name, known.shape),
    };
    let enough = known.needs.is_empty() || known.needs.iter().any(|name| found.contains_key(*name));
    if !enough {
        return None;
    }
    let about = found.get("id").and_then(Value::as_str).map(|id| format!("{}/{id}", known.part));
    let about = about.filter(|_| known.part != "page" && known.part != "element");
    data.leave(known.part, found);
    if known.event.starts_with("commerce.cart.") {
        data.extend(pick(event, &[("products", Form::Parts(PRODUCT))]));
        data.get("products")?;
    }
    Some(about)
}

fn part(event: &mut Fields, name: &str, shape: Shape) -> Fields {
    let Some(mut sent) = event.object(name) else { return Fields::new() };
    let found = pick(&mut sent, shape);
    event.leave(name, sent);
    found
}
