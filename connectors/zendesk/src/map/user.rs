//! People and companies: <https://developer.zendesk.com/api-reference/webhooks/event-types/user-events/>.

use serde_json::{Value, json};
use snodo_connector::contact;
use snodo_connector::fields::{self, Fields, Take};

use super::{Story, Told, customer, take_id, user};

pub fn told(story: &mut Story) -> Option<Told> {
    let id = story.detail.text("id")?;
    // An agent is nobody's customer.
    if story.detail.get("role").and_then(Value::as_str).is_some_and(|role| role != "end-user") {
        return None;
    }
    let kind = story.kind.clone();
    let what = kind.strip_prefix("user.")?;
    let mut change = None;
    let canonical = match what {
        "created" => "crm.contact.created",
        "deleted" => "crm.contact.deleted",
        "merged" => {
            change = Some(merged(story, &id)?);
            "crm.contact.merged"
        }
        _ if ["_changed", "_created", "_deleted"].iter().any(|end| what.ends_with(end)) => {
            change = changed(story, what);
            "crm.contact.updated"
        }
        _ => return None,
    };
    let mut identifiers = vec![user(&id)];
    let mut traits = Fields::new();
    let email = story.detail.take("email", |text| contact::email(text.as_str()?));
    if let Some(email) = &email {
        identifiers.push(json!({"namespace": "email", "value": email, "authenticated": "asserted"}));
    }
    traits.leave("email", email);
    if let Some(external) = take_id(&mut story.detail, "external_id") {
        identifiers.push(json!({"namespace": "zendesk:external", "value": external}));
    }
    identities(story, what, &mut identifiers);
    if what == "name_changed" {
        traits.leave("name", story.event.get("current").and_then(fields::text));
    }
    traits.leave("created_at", story.detail.moment("created_at"));
    traits.leave("updated_at", story.detail.moment("updated_at"));
    if what == "deleted" {
        traits.leave("deleted_at", story.at.clone());
    }
    let mut data = Fields::new();
    data.leave("customer", customer(identifiers, traits));
    if let Some(change) = change {
        data.leave("contact_change", change);
    }
    if matches!(canonical, "crm.contact.created" | "crm.contact.updated") {
        let company = take_id(&mut story.detail, "organization_id");
        data.leave("account", company.map(|id| json!({"id": id})));
    }
    Told::new(canonical, format!("customer/{id}"), data)
}

/// `name_changed` is a change of the name: what it is now, and what it was. Other shapes stay as they are.
fn changed(story: &mut Story, what: &str) -> Option<Fields> {
    let field = what.strip_suffix("_changed")?;
    let scalar = |value: &Value| {
        let says =
            value.is_boolean() || value.is_number() || value.as_str().is_some_and(|text| !text.is_empty());
        says.then(|| value.clone())
    };
    let (old, new) = (story.event.take("previous", scalar), story.event.take("current", scalar));
    let mut found = Fields::new();
    found.insert("name".into(), field.into());
    found.leave("old", old);
    found.leave("new", new);
    let mut change = Fields::new();
    change.insert("fields".into(), json!([found]));
    change.leave("at", story.at.clone());
    Some(change)
}

/// The record that is told of and the one that the event names are one now.
fn merged(story: &mut Story, id: &str) -> Option<Fields> {
    let mut other = story.event.object("user")?;
    let gone = take_id(&mut other, "id").filter(|gone| gone != id)?;
    story.event.leave("user", other);
    let mut change = Fields::new();
    change.insert("kept_id".into(), id.into());
    change.insert("merged_ids".into(), json!([gone]));
    change.leave("at", story.at.clone());
    Some(change)
}

/// An address or a number that came, which the customer can be known by from now on.
fn identities(story: &mut Story, what: &str, identifiers: &mut Vec<Value>) {
    if what != "identity_created" {
        return;
    }
    let Some(mut identity) = story.event.object("identity") else { return };
    let kind = identity.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let value = match kind.as_str() {
        "email" => identity.take("value", |text| contact::email(text.as_str()?)),
        "phone_number" => identity.take("value", |text| contact::phone(text.as_str()?)),
        _ => None,
    };
    if let Some(value) = value {
        let namespace = if kind == "email" { "email" } else { "phone" };
        let found = json!({"namespace": namespace, "value": value, "authenticated": "asserted"});
        if !identifiers.contains(&found) {
            identifiers.push(found);
        }
    }
    story.event.leave("identity", identity);
}

/// <https://developer.zendesk.com/api-reference/webhooks/event-types/organization-events/>
pub fn organization(story: &mut Story) -> Option<Told> {
    let kind = story.kind.clone();
    let what = kind.strip_prefix("organization.")?;
    let canonical = match what {
        "created" => "crm.account.created",
        _ if what.ends_with("_changed") => "crm.account.updated",
        _ => return None,
    };
    let change = changed(story, what);
    let mut account = story.detail.texts(&[("id", "id"), ("name", "name")]);
    let id = account.get("id").and_then(fields::text)?;
    account.leave("created_at", story.detail.moment("created_at"));
    account.leave("updated_at", story.detail.moment("updated_at"));
    let mut data = Fields::new();
    data.insert("account".into(), account.into());
    if let Some(change) = change {
        data.leave("contact_change", change);
    }
    Told::new(canonical, format!("account/{id}"), data)
}
