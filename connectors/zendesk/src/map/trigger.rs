//! What a trigger or an automation sends: a body that somebody typed in at Zendesk. The README has the one that is read here; it says
//! more of the customer than Zendesk's own events, which name people by their numbers only.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{contact, locale};

use super::{Told, channel, customer, status, take_id, user};

pub fn told(mut body: Fields) -> Option<Told> {
    let kind = match body.get("event")?.as_str()? {
        "ticket.created" => "contactcentre.ticket.created",
        "ticket.status_changed" => "contactcentre.ticket.status_changed",
        _ => return None,
    };
    let mut from = body.object("ticket")?;
    let id = from.get("id").and_then(fields::text)?;
    let via = from.text("via");
    let mut ticket =
        from.texts(&[("id", "id"), ("title", "subject"), ("description", "text"), ("url", "url")]);
    // Placeholders hold what people see, with a capital and in the account's language.
    let lower = |word: &Value| word.as_str().filter(|word| !word.is_empty()).map(str::to_lowercase);
    ticket.leave("kind", from.take("type", lower));
    ticket.leave("priority", from.take("priority", lower));
    for name in ["status", "previous_status"] {
        ticket.leave(name, from.take(name, |word| lower(word).as_deref().map(status)));
    }
    if kind == "contactcentre.ticket.status_changed" {
        ticket.get("status")?;
    }
    // Placeholders put blanks between the tags.
    let tags = |value: &Value| {
        Some(value.as_str()?.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .filter(|tags| !tags.is_empty())
    };
    ticket.leave("tags", from.take("tags", tags));
    ticket.leave("created_at", from.moment("created_at"));
    ticket.leave("updated_at", from.moment("updated_at"));
    let mut assignee = Fields::new();
    if let Some(mut agent) = from.object("assignee") {
        assignee = agent.texts(&[("id", "id"), ("name", "name"), ("email", "email")]);
        from.leave("assignee", agent);
    }
    ticket.leave("assignee", assignee);
    ticket.leave("group", from.text("group"));
    let time = if kind == "contactcentre.ticket.created" { "created_at" } else { "updated_at" };
    let time = ticket.get(time).and_then(fields::text);
    let mut data = Fields::new();
    data.leave("customer", requester(&mut body));
    let place = via.as_deref().map(|via| via.to_lowercase().replace(' ', "_"));
    data.leave("touchpoint", place.as_deref().and_then(channel).map(|channel| json!({"channel": channel})));
    ticket.leave("via", via);
    data.insert("ticket".into(), ticket.into());
    body.leave("ticket", from);
    body.shift_remove("event");
    data.leave("vendor", body);
    Some(Told { kind, subject: format!("ticket/{id}"), time, data })
}

fn requester(body: &mut Fields) -> Option<Fields> {
    let mut from = body.object("requester")?;
    let mut identifiers: Vec<Value> = take_id(&mut from, "id").as_deref().map(user).into_iter().collect();
    let mut traits = from.texts(&[("name", "name")]);
    if let Some(email) = from.take("email", |text| contact::email(text.as_str()?)) {
        identifiers.push(json!({"namespace": "email", "value": email, "authenticated": "asserted"}));
        traits.insert("email".into(), email.into());
    }
    if let Some(phone) = from.take("phone", |text| contact::phone(text.as_str()?)) {
        identifiers.push(json!({"namespace": "phone", "value": phone, "authenticated": "asserted"}));
        traits.insert("phone".into(), phone.into());
    }
    traits.extend(from.texts(&[("phone", "phone")]));
    traits.leave("language", from.take("language", |text| locale::tag(text.as_str()?)));
    if let Some(external) = take_id(&mut from, "external_id") {
        identifiers.push(json!({"namespace": "zendesk:external", "value": external}));
    }
    body.leave("requester", from);
    Some(customer(identifiers, traits))
}
