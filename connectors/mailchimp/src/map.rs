//! A webhook as an event. `data` is taken apart; what is left of it is the vendor's own.

use serde_json::{Map, Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, contact, locale, text, time};

use crate::config::Config;

pub fn draft(mut form: Fields, config: &Config) -> Draft {
    let kind = form.get("type").and_then(Value::as_str).map(str::to_owned);
    let at = form.get("fired_at").and_then(|at| moment(at, config));
    let key = key(&form);
    let mut draft = match told(kind.as_deref(), &mut form, at.as_deref(), config) {
        Some(draft) => draft,
        None => Draft::unknown(kind.as_deref(), &form),
    };
    (draft.key, draft.time) = (key, at);
    draft
}

/// Mailchimp numbers no webhook: it is this one by what it is about, and when that was.
fn key(form: &Fields) -> Option<String> {
    let data = form.get("data")?;
    let first = |names: &[&str]| names.iter().find_map(|name| data.get(*name).and_then(fields::text));
    let about = first(&["id", "new_id", "email"])?;
    let list = first(&["list_id"]).unwrap_or_default();
    let what = first(&["action", "status"]).unwrap_or_default();
    let (kind, at) = (form.get("type").and_then(fields::text)?, form.get("fired_at").and_then(fields::text)?);
    Some(format!("{kind}/{list}/{about}/{what}/{at}"))
}

/// `None` leaves the form as it was.
fn told(kind: Option<&str>, form: &mut Fields, at: Option<&str>, config: &Config) -> Option<Draft> {
    let sent = form.get("data")?.as_object()?;
    let word = |name: &str| sent.get(name).and_then(Value::as_str).unwrap_or_default();
    let (reason, action) = (word("reason").to_owned(), word("action").to_owned());
    let email = |name: &str| sent.get(name).and_then(|email| contact::email(email.as_str()?));
    let known = if kind == Some("upemail") { email("new_email") } else { email("email") }?;
    let list = word("list_id").to_owned();
    let event = match kind? {
        "subscribe" => "consent.preference.updated",
        "profile" | "upemail" => "crm.contact.updated",
        "unsubscribe" | "cleaned" if reason == "abuse" => "message.complained",
        "unsubscribe" => "message.unsubscribed",
        "cleaned" => "message.bounced_hard",
        _ => return None,
    };

    let mut data = form.object("data")?;
    form.shift_remove("type");
    if at.is_some() {
        form.shift_remove("fired_at");
    }
    let id = data.text("id").or_else(|| data.text("new_id"));
    let mut out = Fields::new();
    out.insert("customer".into(), customer(&known, id.as_deref(), &mut data, at));
    let (state, method) = match event {
        "consent.preference.updated" => ("granted", "subscribe"),
        // Taken out by somebody of the company: the customer has decided nothing.
        "message.unsubscribed" if action == "delete" => ("", ""),
        "message.unsubscribed" | "message.complained" => ("withdrawn", "unsubscribe"),
        _ => ("", ""),
    };
    if !state.is_empty() {
        let said = json!({"state": state, "at": at, "method": method, "source": "mailchimp"});
        out.leave("consent", json!({"purposes": {config.purpose_of(&list): said}}));
    }
    let mut touchpoint = Fields::from_iter([("channel".to_owned(), Value::from("email"))]);
    if event == "consent.preference.updated" {
        let ip = data.text("ip_signup").or_else(|| data.text("ip_opt"));
        touchpoint.leave("network", json!({"ip": ip}));
    }
    out.insert("touchpoint".into(), touchpoint.into());
    if event.starts_with("message.") {
        out.insert("message".into(), message(event, &known, &mut data).into());
        out.leave("campaign", data.texts(&[("campaign_id", "id")]));
    }
    if event == "crm.contact.updated" {
        out.leave("contact_change", change(&known, id.as_deref(), &mut data, at));
    }
    form.leave("data", data);
    out.leave("vendor", std::mem::take(form));
    let subject = id.map(|id| format!("contact/{id}"));
    Some(Draft { subject, ..Draft::new(event, &out) })
}

fn message(event: &str, email: &str, data: &mut Fields) -> Fields {
    let mut message = Fields::new();
    for (name, value) in [("medium", "email"), ("direction", "outbound"), ("provider", "mailchimp")] {
        message.insert(name.into(), value.into());
    }
    message.insert("to".into(), json!([email]));
    message.extend(data.texts(&[("list_id", "list_id")]));
    match event {
        "message.bounced_hard" => {
            let reason = data.text("reason");
            message.leave("bounce", json!({"kind": "hard", "reason": reason}));
        }
        _ => message.extend(data.texts(&[("reason", "reason")])),
    }
    message
}

/// The address that changed; of a changed profile Mailchimp does not say what did.
fn change(email: &str, id: Option<&str>, data: &mut Fields, at: Option<&str>) -> Value {
    let old = data.take("old_email", |old| contact::email(old.as_str()?));
    data.shift_remove("new_email");
    let fields = old.map(|old| json!([{"name": "email", "old": old, "new": email}]));
    json!({"fields": fields, "record_id": id, "at": at, "source": "mailchimp"})
}

/// Both addresses of a change are the customer's: the new one now, the old one until then.
fn customer(email: &str, id: Option<&str>, data: &mut Fields, at: Option<&str>) -> Value {
    let mut identifiers =
        vec![json!({"namespace": "email", "value": email, "kind": "person", "primary": true})];
    if let Some(id) = id {
        identifiers.push(json!({"namespace": "mailchimp:member", "value": id, "kind": "person"}));
    }
    if let Some(old) = data.get("old_email").and_then(|old| contact::email(old.as_str()?)) {
        let mut former = Fields::new();
        former.leave("namespace", "email");
        former.leave("value", old);
        former.leave("kind", "person");
        former.leave("valid_to", at);
        identifiers.push(former.into());
    }
    data.shift_remove("email");
    let mut traits = traits(data);
    traits.insert("email".into(), email.into());
    json!({"identifiers": identifiers, "traits": traits})
}

/// Merge fields have the tags that every audience begins with, and those that the company made.
fn traits(data: &mut Fields) -> Fields {
    let Some(mut merges) = data.object("merges") else { return Fields::new() };
    merges.shift_remove("EMAIL");
    let mut traits = merges.texts(&[
        ("FNAME", "given_name"),
        ("LNAME", "family_name"),
        ("COMPANY", "company"),
        ("WEBSITE", "website"),
    ]);
    if let Some(phone) = merges.text("PHONE") {
        traits.insert("phone".into(), contact::phone(&phone).unwrap_or(phone).into());
    }
    if let Some(mut sent) = merges.object("ADDRESS") {
        let mut address = sent.texts(&[
            ("addr1", "line1"),
            ("addr2", "line2"),
            ("city", "city"),
            ("state", "region"),
            ("zip", "postal_code"),
        ]);
        match sent.take("country", |country| locale::country(country.as_str()?)) {
            Some(code) => drop(address.insert("country_code".into(), code.into())),
            None => address.extend(sent.texts(&[("country", "country")])),
        }
        if !address.is_empty() {
            traits.insert("addresses".into(), json!([address]));
        }
        merges.leave("ADDRESS", sent);
    }
    // A comma of a group's own name has a backslash before it; such lists stay as they are.
    let groups = |value: &Value| value.as_str().filter(|text| !text.contains('\\')).map(str::to_owned);
    if let Some(groups) = merges.take("INTERESTS", groups) {
        let groups: Vec<&str> = groups.split(',').filter_map(text::filled).collect();
        traits.leave("segments", groups);
    }
    let mut custom = Map::new();
    for name in merges.keys().cloned().collect::<Vec<_>>() {
        if let Some(value) = merges.text(&name) {
            custom.insert(name, value.into());
        }
    }
    traits.leave("custom", custom);
    data.leave("merges", merges);
    traits
}

fn moment(at: &Value, config: &Config) -> Option<String> {
    time::local(at.as_str()?, &config.webhook_offset)
}
