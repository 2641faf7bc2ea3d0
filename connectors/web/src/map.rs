//! Which word of the format is which event.

use serde_json::{Value, json};
use snippet::{Form, part, pick};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use crate::parts::{KNOWN, Known, PAGE, PRODUCT, SESSION};
use crate::{Config, context};

pub fn event(word: &str, mut event: Fields, config: &Config) -> Option<Draft> {
    let known = KNOWN.iter().find(|known| known.word == word);
    let kind = match (known, word) {
        (Some(known), _) => known.event,
        (None, "user.identified") => "identity.user.identified",
        (None, "consent.updated") => "consent.preference.updated",
        (None, _) => return None,
    };
    let customer = context::customer(&mut event, config);
    let consent = context::consent(&mut event);
    let mut touchpoint = context::touchpoint(&mut event);
    let visit = part(&mut event, "session", SESSION).unwrap_or_default();
    let session = visit.get("id").and_then(fields::text);
    let page = part(&mut event, "page", PAGE).unwrap_or_default();
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
        name => part(event, name, known.shape).unwrap_or_default(),
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
