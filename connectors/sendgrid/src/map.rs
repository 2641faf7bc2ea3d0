//! One of SendGrid's events as one of ours. What is not taken is left for `vendor`: the sender's own arguments stand between
//! SendGrid's fields, under any name.

use serde_json::{Map, Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, contact, time};

use crate::Config;

/// A mail that SendGrid gave up because it knows that the address does not work.
const DEAD_ADDRESS: [&str; 2] = ["bounced address", "invalid"];

/// Seconds have ten digits until the year 2286; Marketing Campaigns count in milliseconds.
const DIGITS_OF_MILLIS: usize = 13;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sent,
    Deferred,
    Delivered,
    Bounced {
        hard: bool,
    },
    Dropped {
        hard: bool,
    },
    Opened,
    Clicked,
    Complained,
    Unsubscribed,
    /// Of one unsubscribe group, or into it again.
    Group {
        wanted: bool,
    },
}

impl Kind {
    fn of(event: &Fields) -> Option<Self> {
        let text = |name| event.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
        let group = |wanted| event.get("asm_group_id").and_then(fields::text).map(|_| Self::Group { wanted });
        Some(match text("event").as_str() {
            "processed" => Self::Sent,
            "deferred" => Self::Deferred,
            "delivered" => Self::Delivered,
            // A block is of this mail only; its status often says 5 all the same.
            "bounce" => Self::Bounced { hard: matches!(text("type").as_str(), "" | "bounce") },
            "dropped" => {
                let reason = text("reason");
                Self::Dropped { hard: DEAD_ADDRESS.iter().any(|known| reason.starts_with(known)) }
            }
            "open" => Self::Opened,
            "click" => Self::Clicked,
            "spamreport" | "spam report" => Self::Complained,
            "unsubscribe" => Self::Unsubscribed,
            "group_unsubscribe" => group(false)?,
            "group_resubscribe" => group(true)?,
            _ => return None,
        })
    }

    const fn event(self) -> &'static str {
        match self {
            Self::Sent => "message.sent",
            Self::Deferred => "message.deferred",
            Self::Delivered => "message.delivered",
            Self::Bounced { hard: true } | Self::Dropped { hard: true } => "message.bounced_hard",
            Self::Bounced { hard: false } | Self::Dropped { hard: false } => "message.bounced_soft",
            Self::Opened => "message.opened",
            Self::Clicked => "message.clicked",
            Self::Complained => "message.complained",
            Self::Unsubscribed => "message.unsubscribed",
            Self::Group { .. } => "message.preference_changed",
        }
    }

    /// The customer did it, so address and browser are theirs. Else the address is SendGrid's own.
    const fn by_customer(self) -> bool {
        matches!(self, Self::Opened | Self::Clicked | Self::Group { .. })
    }
}

pub fn draft(body: Value, config: &Config) -> Draft {
    let fields = body.as_object();
    let kind = fields.and_then(Kind::of);
    let key = fields.and_then(|event| event.get("sg_event_id")).and_then(fields::text);
    let time = fields.and_then(|event| event.get("timestamp")).and_then(moment);
    let mut draft = match (kind, body) {
        (Some(kind), Value::Object(event)) => known(kind, event, config),
        (_, body) => Draft::unknown(body.get("event").and_then(Value::as_str), &body),
    };
    (draft.key, draft.time) = (key, time);
    draft
}

fn known(kind: Kind, mut event: Fields, config: &Config) -> Draft {
    for name in ["event", "sg_event_id"] {
        event.shift_remove(name);
    }
    let at = event.take("timestamp", moment);
    let email = event.take("email", |value| contact::email(value.as_str()?));
    let mut message = message(kind, &mut event);
    message.leave("to", email.iter().map(String::as_str).collect::<Vec<_>>());
    if let Some(name) = match kind {
        Kind::Sent => Some("sent_at"),
        Kind::Delivered => Some("delivered_at"),
        Kind::Opened => Some("opened_at"),
        _ => None,
    } {
        message.leave(name, at.clone());
    }
    let mut data = Fields::new();
    if let Some(email) = email {
        let identifier = json!({"namespace": "email", "value": email, "kind": "person"});
        data.insert("customer".into(), json!({"identifiers": [identifier], "traits": {"email": email}}));
    }
    data.leave("consent", consent(kind, &message, at.as_deref(), config));
    data.leave("touchpoint", touchpoint(kind, &mut event));
    let subject = message.get("id").and_then(Value::as_str).map(|id| format!("message/{id}"));
    let campaign = campaign(&mut event, &mut message);
    data.leave("message", message);
    data.leave("campaign", campaign);
    data.leave("vendor", event);
    Draft { subject, ..Draft::new(kind.event(), &data) }
}

fn message(kind: Kind, event: &mut Fields) -> Fields {
    let fixed = [("medium", "email"), ("direction", "outbound"), ("provider", "sendgrid")];
    let mut message: Fields =
        fixed.map(|(name, value)| (name.to_owned(), value.into())).into_iter().collect();
    message.extend(event.texts(&[
        ("sg_message_id", "id"),
        ("from", "from"),
        ("asm_group_id", "list_id"),
        ("template_id", "template_id"),
        ("sg_template_name", "template"),
    ]));
    // The same id once more, or the only one.
    let template = message.get("template_id").cloned();
    if let Some(id) = event
        .take("sg_template_id", |id| fields::text(id).filter(|id| template.is_none_or(|known| known == **id)))
    {
        message.insert("template_id".into(), id.into());
    }
    message.leave("attempt", event.take("attempt", whole));
    match kind {
        Kind::Bounced { hard } | Kind::Dropped { hard } => {
            let mut bounce = event.texts(&[("status", "code"), ("reason", "reason")]);
            bounce.insert("kind".into(), if hard { "hard" } else { "soft" }.into());
            bounce.leave("category", event.take("bounce_classification", category));
            message.leave("bounce", bounce);
            if matches!(kind, Kind::Dropped { .. }) {
                message.insert("status".into(), "dropped".into());
            } else if hard {
                event.take("type", |kind| (kind.as_str()? == "bounce").then_some(()));
            }
        }
        Kind::Deferred => {
            // The table of SendGrid's page has `reason`, its example `response`.
            let reason = event.text("reason").or_else(|| event.text("response"));
            message.leave("bounce", json!({"kind": "soft", "reason": reason}));
        }
        Kind::Opened => message.leave("machine", event.take("sg_machine_open", Value::as_bool)),
        Kind::Clicked => {
            let mut link = event.texts(&[("url", "url")]);
            if let Some(mut offset) = event.object("url_offset") {
                link.leave("index", offset.take("index", whole));
                event.leave("url_offset", offset);
            }
            message.leave("link", link);
        }
        Kind::Group { wanted } => {
            let group = message.get("list_id").and_then(Value::as_str).unwrap_or_default();
            let preferences = Map::from_iter([(group.to_owned(), wanted.into())]);
            message.insert("preferences".into(), preferences.into());
        }
        Kind::Sent | Kind::Delivered | Kind::Complained | Kind::Unsubscribed => {}
    }
    message
}

/// Marketing Campaigns of both generations, automations, and the newsletters before them.
fn campaign(event: &mut Fields, message: &mut Fields) -> Fields {
    let mut campaign = event.texts(&[
        ("marketing_campaign_id", "id"),
        ("marketing_campaign_name", "name"),
        ("marketing_campaign_version", "content"),
    ]);
    if campaign.is_empty() {
        campaign =
            event.texts(&[("singlesend_id", "id"), ("singlesend_name", "name"), ("phase_id", "step_id")]);
    }
    if campaign.is_empty() {
        campaign = event.texts(&[
            ("mc_auto_id", "journey_id"),
            ("mc_auto_name", "name"),
            ("mc_auto_step_id", "step_id"),
        ]);
    }
    campaign.extend(event.texts(&[("mc_stats", "kind")]));
    if let Some(mut newsletter) = event.object("newsletter") {
        if !campaign.contains_key("id") {
            campaign.extend(newsletter.texts(&[("newsletter_id", "id")]));
        }
        if !message.contains_key("list_id") {
            message.extend(newsletter.texts(&[("newsletter_user_list_id", "list_id")]));
        }
        event.leave("newsletter", newsletter);
    }
    campaign
}

fn touchpoint(kind: Kind, event: &mut Fields) -> Value {
    let mut touchpoint = Fields::from_iter([("channel".to_owned(), Value::from("email"))]);
    if kind.by_customer() {
        touchpoint.extend(event.texts(&[("useragent", "user_agent")]));
        touchpoint.leave("network", event.texts(&[("ip", "ip")]));
    }
    if matches!(kind, Kind::Group { .. }) {
        touchpoint.leave("page", event.texts(&[("url", "url")]));
    }
    touchpoint.into()
}

fn consent(kind: Kind, message: &Fields, at: Option<&str>, config: &Config) -> Value {
    let (purpose, state, method) = match kind {
        Kind::Unsubscribed => (Some(&config.purpose), "withdrawn", "unsubscribe"),
        Kind::Complained => (Some(&config.purpose), "withdrawn", "spamreport"),
        Kind::Group { wanted } => {
            let group = message.get("list_id").and_then(Value::as_str).unwrap_or_default();
            let purpose = config.group_purposes.get(group);
            match wanted {
                true => (purpose, "granted", "group_resubscribe"),
                false => (purpose, "withdrawn", "group_unsubscribe"),
            }
        }
        _ => return Value::Null,
    };
    let Some(purpose) = purpose else { return Value::Null };
    json!({"purposes": {purpose: {"state": state, "at": at, "method": method, "source": "sendgrid"}}})
}

fn category(value: &Value) -> Option<String> {
    match value.as_str()? {
        "Invalid Address" => Some("unknown_user".into()),
        _ => fields::text(value),
    }
}

fn whole(value: &Value) -> Option<u64> {
    fields::text(value)?.parse().ok()
}

fn moment(value: &Value) -> Option<String> {
    let text = fields::text(value)?;
    match text.split('.').next().unwrap_or_default().len() < DIGITS_OF_MILLIS {
        true => time::from_epoch_seconds(text),
        false => time::from_epoch_millis(text),
    }
}
