//! One event of a system webhook as one of ours. Its payload is what Get Event answers: the event, and around it the profile and the
//! metric, where Klaviyo includes them.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, contact, locale, time};

use crate::config::Config;

/// A topic that is mapped: the event, and the medium it is about.
struct Topic {
    event: &'static str,
    medium: &'static str,
}

fn topic(name: &str, properties: &Fields) -> Option<Topic> {
    let bounce = || match properties.get("Bounce Type").and_then(Value::as_str) {
        Some(kind) if kind.eq_ignore_ascii_case("hard") => "message.bounced_hard",
        _ => "message.bounced_soft",
    };
    let (event, medium) = match name.strip_prefix("event:klaviyo.")? {
        "received_email" => ("message.delivered", "email"),
        "opened_email" => ("message.opened", "email"),
        "clicked_email" => ("message.clicked", "email"),
        "bounced_email" => (bounce(), "email"),
        // Klaviyo found, when it was to send, that the address is suppressed further on.
        "dropped_email" => ("message.bounced_soft", "email"),
        "marked_email_as_spam" => ("message.complained", "email"),
        "subscribed_to_email_marketing" => ("consent.preference.updated", "email"),
        "unsubscribed_from_email_marketing" => ("message.unsubscribed", "email"),
        // What the customer received, Klaviyo delivered; what they sent, came in.
        "received_sms" | "received_automated_response_sms" => ("message.delivered", "sms"),
        "sent_sms" => ("contactcentre.message.received", "sms"),
        "clicked_sms" => ("message.clicked", "sms"),
        "failed_to_deliver_sms" | "failed_to_deliver_automated_response_sms" => {
            ("message.bounced_soft", "sms")
        }
        "subscribed_to_sms_marketing" => ("consent.preference.updated", "sms"),
        "unsubscribed_from_sms_marketing" => ("message.unsubscribed", "sms"),
        "received_push" => ("message.delivered", "push"),
        "opened_push" => ("message.opened", "push"),
        "bounced_push" => ("message.bounced_hard", "push"),
        "submitted_review" | "submitted_rating" => ("commerce.product.reviewed", ""),
        _ => return None,
    };
    Some(Topic { event, medium })
}

pub fn draft(sent: Value, account: Option<&str>, config: &Config) -> Draft {
    let name = sent.get("topic").and_then(Value::as_str).map(str::to_owned);
    let attributes =
        ["/payload/data/attributes", "/payload/attributes"].iter().find_map(|at| sent.pointer(at));
    let at = attributes.and_then(|attributes| {
        let epoch = |value: &Value| time::from_epoch_seconds(fields::text(value)?);
        attributes
            .get("datetime")
            .and_then(fields::moment)
            .or_else(|| attributes.get("timestamp").and_then(epoch))
    });
    let key = sent.get("external_id").or_else(|| sent.pointer("/payload/data/id")).and_then(fields::text);
    let known = attributes
        .and_then(|attributes| attributes.get("event_properties")?.as_object())
        .and_then(|properties| topic(name.as_deref()?, properties));
    let mut draft = match (known, sent) {
        (Some(topic), Value::Object(fields)) => told(&topic, fields.clone(), at.as_deref(), account, config)
            .unwrap_or_else(|| Draft::unknown(name.as_deref(), &fields)),
        (_, sent) => Draft::unknown(name.as_deref(), &sent),
    };
    (draft.key, draft.time) = (key, at);
    draft
}

/// `None` for what does not say enough for its topic.
fn told(
    topic: &Topic,
    mut sent: Fields,
    at: Option<&str>,
    account: Option<&str>,
    config: &Config,
) -> Option<Draft> {
    let mut payload = sent.object("payload")?;
    let mut event = payload.object("data").unwrap_or_else(|| std::mem::take(&mut payload));
    let mut attributes = event.object("attributes")?;
    let mut properties = attributes.object("event_properties")?;
    let mut included = payload.list("included").unwrap_or_default();

    let mut data = Fields::new();
    // Of a text the number says who it is, also where the profile is not told.
    let number = match topic.event {
        "contactcentre.message.received" | "message.unsubscribed" => "From Number",
        _ => "To Number",
    };
    let number = properties.get(number).and_then(|number| contact::phone(number.as_str()?));
    data.leave("customer", customer(&mut event, &mut included, &mut properties, account, number));
    let mut touchpoint = Fields::new();
    touchpoint.leave("channel", Some(topic.medium).filter(|medium| !medium.is_empty()).unwrap_or("web"));
    let device = properties.texts(&[("Client OS", "os"), ("Client Name", "browser")]);
    touchpoint.leave("device", device);
    data.insert("touchpoint".into(), touchpoint.into());
    match topic.event {
        "commerce.product.reviewed" => {
            let (product, review) = review(&mut properties)?;
            data.insert("product".into(), product);
            data.insert("review".into(), review);
        }
        "consent.preference.updated" => {
            data.leave("consent", consent(topic, "granted", at, &mut properties, config));
        }
        _ => {
            if matches!(topic.event, "message.unsubscribed" | "message.complained") {
                data.leave("consent", consent(topic, "withdrawn", at, &mut properties, config));
            }
            data.insert("message".into(), message(topic, &mut properties, at).into());
            if topic.event != "contactcentre.message.received" {
                data.leave("campaign", campaign(&mut properties));
            }
        }
    }
    // A consent is of somebody: without a name for them nobody could keep it.
    if topic.event == "consent.preference.updated" && !data.contains_key("customer") {
        return None;
    }

    let subject = event.get("id").and_then(fields::text).map(|id| format!("event/{id}"));
    for name in ["topic", "external_id"] {
        sent.shift_remove(name);
    }
    for name in ["type", "id", "links"] {
        event.shift_remove(name);
    }
    if at.is_some() {
        for name in ["datetime", "timestamp"] {
            attributes.shift_remove(name);
        }
    }
    attributes.leave("event_properties", properties);
    event.leave("attributes", attributes);
    included.retain_mut(fields::prune);
    payload.leave("included", included);
    payload.leave("data", event);
    sent.leave("payload", payload);
    data.leave("vendor", sent);
    Some(Draft { subject, ..Draft::new(topic.event, &data) })
}

/// Klaviyo's id of the profile, and what the profile says, if it is there.
fn customer(
    event: &mut Fields,
    included: &mut [Value],
    properties: &mut Fields,
    account: Option<&str>,
    number: Option<String>,
) -> Value {
    let mut relations = event.object("relationships").unwrap_or_default();
    let id = relations.get("profile").and_then(|profile| fields::text(profile.pointer("/data/id")?));
    if id.is_some() {
        relations.shift_remove("profile");
    }
    event.leave("relationships", relations);
    let profile = included
        .iter_mut()
        .filter_map(Value::as_object_mut)
        .find(|one| one.get("type").and_then(Value::as_str) == Some("profile"));
    let (mut id, mut external, mut traits) = (id, None, Fields::new());
    if let Some(profile) = profile {
        id = id.or_else(|| profile.get("id").and_then(fields::text));
        for name in ["type", "id", "links"] {
            profile.shift_remove(name);
        }
        let mut attributes = profile.object("attributes").unwrap_or_default();
        traits = self::traits(&mut attributes);
        external = attributes.text("external_id");
        profile.leave("attributes", attributes);
    }
    let mut address = |name: &str| properties.take(name, |email| contact::email(email.as_str()?));
    let email = address("Recipient Email Address").or_else(|| address("email_address"));
    if let Some(email) = email {
        traits.entry("email").or_insert_with(|| email.into());
    }
    if let Some(number) = number {
        traits.entry("phone").or_insert_with(|| number.into());
    }
    let mut identifiers = Vec::new();
    let mut identify = |namespace: &str, value: String| {
        identifiers.push(json!({"namespace": namespace, "value": value, "kind": "person"}));
    };
    if let Some(id) = id {
        // Ids of profiles are of one account; without its name they are still long enough not to meet.
        let of = account.map_or_else(|| id.clone(), |account| format!("{account}/{id}"));
        identify("klaviyo:profile", of);
    }
    if let Some(id) = external {
        identify("klaviyo:external", id);
    }
    for (namespace, name) in [("email", "email"), ("phone", "phone")] {
        if let Some(value) = traits.get(name).and_then(Value::as_str) {
            identify(namespace, value.to_owned());
        }
    }
    match identifiers.is_empty() {
        true => Value::Null,
        false => json!({"identifiers": identifiers, "traits": traits}),
    }
}

fn traits(profile: &mut Fields) -> Fields {
    let mut traits = profile.texts(&[
        ("first_name", "given_name"),
        ("last_name", "family_name"),
        ("organization", "company"),
        ("title", "job_title"),
        ("image", "avatar_url"),
    ]);
    traits.leave("email", profile.take("email", |email| contact::email(email.as_str()?)));
    traits.leave("phone", profile.take("phone_number", |phone| contact::phone(phone.as_str()?)));
    traits.leave("locale", profile.take("locale", |tag| locale::tag(tag.as_str()?)));
    traits.leave("created_at", profile.moment("created"));
    traits.leave("updated_at", profile.moment("updated"));
    if let Some(mut place) = profile.object("location") {
        let mut address = place.texts(&[
            ("address1", "line1"),
            ("address2", "line2"),
            ("city", "city"),
            ("region", "region"),
            ("zip", "postal_code"),
            ("country", "country"),
        ]);
        for name in ["latitude", "longitude"] {
            address.leave(name, place.take(name, Value::as_f64));
        }
        traits.leave("timezone", place.text("timezone"));
        if !address.is_empty() {
            traits.insert("addresses".into(), json!([address]));
        }
        profile.leave("location", place);
    }
    if let Some(mut own) = profile.object("properties") {
        let mut custom = Fields::new();
        for name in own.keys().cloned().collect::<Vec<_>>() {
            let plain = |value: &Value| {
                fields::text(value).map(|_| value.clone()).or(value.as_bool().map(Value::from))
            };
            custom.leave(&name, own.take(&name, plain));
        }
        traits.leave("custom", custom);
        profile.leave("properties", own);
    }
    traits
}

/// The names are those of the metrics that Klaviyo's help describes; not every message has every one.
fn message(topic: &Topic, properties: &mut Fields, at: Option<&str>) -> Fields {
    let inbound = topic.event == "contactcentre.message.received";
    let mut message = Fields::new();
    message.leave("medium", topic.medium);
    message.leave("direction", if inbound { "inbound" } else { "outbound" });
    message.leave("provider", "klaviyo");
    message.extend(properties.texts(&[
        ("$message", "template_id"),
        ("Message Name", "template"),
        ("Subject", "subject"),
        ("Message Body", "text"),
    ]));
    if topic.event != "message.unsubscribed" {
        message.extend(properties.texts(&[("From Number", "from")]));
    }
    if let Some(to) = properties.text("To Number") {
        message.insert("to".into(), json!([to]));
    }
    let segments = properties.take("Segment Count", |count| fields::text(count)?.parse::<u64>().ok());
    message.leave("segments", segments);
    match topic.event {
        "message.delivered" => message.leave("delivered_at", at),
        "message.opened" => {
            message.leave("opened_at", at);
            message.leave("machine", properties.take("machine_open", Value::as_bool));
        }
        "message.clicked" => message.leave("link", properties.texts(&[("URL", "url")])),
        "message.bounced_hard" | "message.bounced_soft" => {
            let hard = topic.event == "message.bounced_hard";
            let mut bounce = properties.texts(&[("Failure Type", "category"), ("Failure Reason", "reason")]);
            bounce.insert("kind".into(), if hard { "hard" } else { "soft" }.into());
            properties.take("Bounce Type", |kind| {
                kind.as_str().filter(|kind| kind.eq_ignore_ascii_case("hard") == hard).map(|_| ())
            });
            message.leave("bounce", bounce);
        }
        "message.unsubscribed" => {
            message.extend(properties.texts(&[("$list", "list_id"), ("List", "list")]));
        }
        _ => {}
    }
    message
}

fn campaign(properties: &mut Fields) -> Fields {
    properties.texts(&[("Campaign Name", "name"), ("$flow", "journey_id"), ("$variation", "content")])
}

fn consent(topic: &Topic, state: &str, at: Option<&str>, properties: &mut Fields, config: &Config) -> Value {
    let purpose = if topic.medium == "sms" { &config.sms_purpose } else { &config.email_purpose };
    let method = ["method", "Method", "Consent Method"].iter().find_map(|name| properties.text(name));
    let source = properties.text("Source");
    json!({"purposes": {purpose: {"state": state, "at": at, "method": method, "source": source}}})
}

/// Klaviyo writes the names of its reviews' fields in more than one way: letters and digits tell.
fn review(properties: &mut Fields) -> Option<(Value, Value)> {
    let mut find = |names: &[&str]| {
        let plain =
            |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        let name = properties.keys().find(|name| names.contains(&plain(name).as_str())).cloned()?;
        properties.text(&name)
    };
    let mut product = Fields::new();
    product.leave("id", find(&["productid", "itemid", "externalproductid"]));
    product.leave("name", find(&["productname", "itemname", "producttitle"]));
    product.leave("url", find(&["producturl"]));
    let mut review = Fields::new();
    review.leave("id", find(&["reviewid"]));
    review.leave("title", find(&["reviewtitle"]));
    review.leave("text", find(&["reviewcontent", "reviewtext", "reviewbody"]));
    if let Some(rating) = find(&["rating", "reviewrating", "starrating"]) {
        review.leave("rating", rating.parse::<f64>().ok());
    }
    let told = ["text", "rating", "title"].iter().any(|name| review.contains_key(*name));
    let known = product.contains_key("id") || product.contains_key("name");
    (told && known).then(|| (product.into(), review.into()))
}
