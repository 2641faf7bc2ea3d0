//! Who the conversation is with, and by what means.

use serde_json::{Value, json};
use snodo_connector::contact;
use snodo_connector::fields::{self, Fields, Take};

use super::Story;

/// Fills in what every detail event tells: the customer, the touchpoint and the contact.
pub fn about(story: &mut Story) {
    let event = &mut story.event;
    let media = event.text("mediaType").unwrap_or_default();
    let (medium, channel) = match (media.as_str(), event.get("messageType").and_then(Value::as_str)) {
        ("VOICE", _) => (Some("voice"), Some("contact_center.voice")),
        ("CALLBACK", _) => (Some("callback"), Some("contact_center.voice")),
        ("CHAT" | "WEBCHAT", _) => (Some("chat"), Some("contact_center.chat")),
        ("EMAIL", _) => (Some("email"), Some("contact_center.email")),
        ("MESSAGE", Some("SMS")) => (Some("sms"), Some("contact_center.messaging")),
        ("MESSAGE", _) => (Some("messaging"), Some("contact_center.messaging")),
        ("VIDEO", _) => (Some("video"), None),
        ("SOCIAL_EXPRESSION" | "SOCIAL", _) => (Some("social"), Some("social")),
        ("COBROWSE", _) => (Some("cobrowsing"), Some("web")),
        ("", _) => (None, None),
        _ => (Some("other"), None),
    };
    let direction = event.take("direction", |word| match word.as_str()? {
        "INBOUND" => Some("inbound"),
        "OUTBOUND" => Some("outbound"),
        _ => None,
    });
    let from = address(event, "ani").or_else(|| address(event, "addressFrom"));
    let to = address(event, "dnis").or_else(|| address(event, "addressTo"));
    let theirs = if direction == Some("outbound") { &to } else { &from };
    let customer = customer(event, theirs.as_deref());
    story.data.leave("customer", customer);
    story.data.leave("touchpoint", channel.map(|channel| json!({"channel": channel})));
    let interaction = &mut story.interaction;
    interaction.insert("id".into(), story.conversation.clone().into());
    interaction.leave("medium", medium);
    interaction.leave("direction", direction);
    interaction.leave("from", from);
    interaction.leave("to", to);
    interaction.leave("subject", event.text("subject"));
    if medium == Some("other") {
        event.insert("mediaType".into(), media.into());
    }
}

/// `tel:+39…`, an address, or whatever the provider has.
fn address(event: &mut Fields, name: &str) -> Option<String> {
    let text = event.text(name)?;
    Some(contact::phone(&text).or_else(|| contact::email(&text)).unwrap_or(text))
}

/// The external contact, and the number or address that the customer used.
fn customer(event: &mut Fields, theirs: Option<&str>) -> Fields {
    let mut identifiers = Vec::new();
    let only = |ids: &Value| match ids.as_array()?.as_slice() {
        [one] => fields::text(one),
        _ => None,
    };
    let id = event.text("externalContactId");
    let known = event.get("conversationExternalContactIds").and_then(only);
    if known.is_some() && (id.is_none() || known == id) {
        event.shift_remove("conversationExternalContactIds");
    }
    if let Some(id) = id.or(known) {
        identifiers.push(json!({"namespace": "genesys:contact", "value": id}));
    }
    let mut traits = Fields::new();
    if let Some(phone) = theirs.filter(|text| text.starts_with('+')) {
        identifiers.push(json!({"namespace": "phone", "value": phone, "authenticated": "asserted"}));
        traits.insert("phone".into(), phone.into());
    } else if let Some(email) = theirs.filter(|text| !text.contains(':')).and_then(contact::email) {
        // `sip:anonymous@anonymous.invalid`, a caller who withholds the number, is no address of theirs.
        identifiers.push(json!({"namespace": "email", "value": email, "authenticated": "asserted"}));
        traits.insert("email".into(), email.into());
    }
    traits.leave("name", event.text("callbackUserName"));
    let mut customer = Fields::new();
    customer.leave("identifiers", identifiers);
    customer.leave("traits", traits);
    customer
}

/// The conversation was linked to somebody that Genesys has on record.
pub fn identified(story: &mut Story, whole: Fields) -> Option<&'static str> {
    let identifiers = story.data.get("customer")?.get("identifiers")?.as_array()?;
    if !identifiers.iter().any(|one| one["namespace"] == "genesys:contact") {
        return None;
    }
    // The type has no place for the conversation, so it stays under the names that Genesys has for it.
    story.event = whole;
    story.event.shift_remove("externalContactId");
    story.event.shift_remove("callbackUserName");
    Some("identity.user.identified")
}
