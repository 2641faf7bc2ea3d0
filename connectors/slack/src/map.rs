//! Which event of Slack is which of ours.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, Fault, contact, locale, time, url};

use crate::config::Config;

/// An event of the vocabulary, before what is left over is added.
struct Told {
    kind: &'static str,
    subject: Option<String>,
    data: Fields,
}

/// Where it comes from, and what every draft of it has.
struct Side {
    team: Option<String>,
    app: Option<String>,
    key: Option<String>,
    time: Option<String>,
}

/// A notification of the Events API, or whatever else comes as JSON.
pub fn event(mut body: Value, config: &Config) -> Draft {
    forget(&mut body);
    let whole = body.clone();
    let kind = whole["type"].as_str().unwrap_or_default();
    let Value::Object(mut envelope) = body else { return Draft::unknown(None, &whole) };
    let Some(mut inner) = envelope.object("event").filter(|_| kind == "event_callback") else {
        return Draft::unknown(Some(kind), &whole);
    };
    let mut side = Side {
        team: envelope.text("team_id"),
        app: envelope.text("api_app_id"),
        key: envelope.text("event_id"),
        time: ["event_ts", "ts"].iter().find_map(|name| inner.get(*name).and_then(moment)),
    };
    side.time = side.time.or_else(|| envelope.get("event_time").and_then(moment));
    let topic = inner.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let told = match topic.as_str() {
        "message" => message(&mut inner, &side, config),
        "app_mention" => mention(&mut inner, &side),
        "reaction_added" | "reaction_removed" => reaction(&mut inner, &side, topic == "reaction_removed"),
        "team_join" => person(&mut inner, &side, "crm.contact.created"),
        "user_change" | "user_profile_changed" => person(&mut inner, &side, "crm.contact.updated"),
        _ => None,
    };
    let Some(Told { kind, subject, mut data }) = told else {
        let subtype = whole["event"]["subtype"].as_str();
        let topic = subtype.map_or_else(|| topic.clone(), |subtype| format!("{topic}/{subtype}"));
        return side.unknown(&topic, &whole, whole["event"]["user"].as_str());
    };
    for name in ["type", "event_time", "authed_users"] {
        envelope.shift_remove(name);
    }
    for name in ["type", "ts", "event_ts"] {
        inner.shift_remove(name);
    }
    envelope.leave("event", inner);
    data.leave("vendor", envelope);
    side.mark(Draft { subject, ..Draft::new(kind, &data) })
}

/// A slash command, or the payload of what somebody pressed or filled in.
pub fn form(body: &[u8], config: &Config) -> Result<Vec<Draft>, Fault> {
    let mut form = Fields::new();
    for (name, value) in url::form_pairs(body) {
        form.insert(name, value.into());
    }
    if let Some(payload) = form.get("payload").and_then(Value::as_str) {
        let payload: Value = serde_json::from_str(payload).map_err(|error| {
            Fault::permanent_at("/payload", format!("failed to read it as JSON: {error}"))
        })?;
        return Ok(interaction(payload));
    }
    let mut whole = Value::Object(form);
    forget(&mut whole);
    let Value::Object(mut form) = whole.clone() else { return Ok(vec![Draft::unknown(None, &whole)]) };
    let side = Side {
        team: form.text("team_id"),
        app: form.text("api_app_id"),
        key: form.text("trigger_id"),
        time: None,
    };
    let (Some(command), Some(key)) = (form.text("command"), side.key.clone()) else {
        return Ok(vec![side.unknown("form", &whole, None)]);
    };
    let user = form.text("user_id");
    let said = form.text("text");
    let mut message = side.message(&key, "inbound");
    message.leave("conversation_id", form.text("channel_id"));
    message.leave("from", user.clone());
    let text = said.map_or_else(|| command.clone(), |said| format!("{command} {said}"));
    message.insert("text".into(), text.into());
    let mut traits = Fields::new();
    traits.leave("nickname", form.text("user_name"));
    let staff = config.is_staff(side.team.as_deref());
    let kind = if staff { "contactcentre.message.sent" } else { "contactcentre.message.received" };
    let mut data = Fields::new();
    data.leave("message", message);
    side.who(&mut data, user.as_deref(), traits, staff);
    data.leave("vendor", form);
    Ok(vec![side.mark(Draft::new(kind, &data).with_subject(format!("message/{key}")))])
}

/// What was pressed in a message, one event for each. Modals and shortcuts have no word.
fn interaction(mut payload: Value) -> Vec<Draft> {
    forget(&mut payload);
    let whole = payload;
    let kind = whole["type"].as_str().unwrap_or_default();
    let side = Side {
        team: whole["team"]["id"].as_str().map(str::to_owned),
        app: whole["api_app_id"].as_str().map(str::to_owned),
        key: whole["trigger_id"].as_str().map(str::to_owned),
        time: whole["action_ts"].as_str().and_then(|ts| moment(&ts.into())),
    };
    let user = whole["user"]["id"].as_str();
    let container = whole["container"]["message_ts"].as_str().or_else(|| whole["message_ts"].as_str());
    let (Some(actions), Some(message_ts), Some(trigger)) =
        (whole["actions"].as_array(), container, side.key.as_deref())
    else {
        return vec![side.unknown(kind, &whole, user)];
    };
    let draft = |(place, action): (usize, &Value)| {
        let label = ["/text/text", "/selected_option/text/text", "/value", "/name"];
        let label = label.iter().find_map(|at| action.pointer(at).and_then(Value::as_str));
        let mut message = side.message(message_ts, "outbound");
        message.leave("conversation_id", whole["channel"]["id"].as_str());
        message.leave("button", label);
        let mut data = Fields::new();
        data.leave("message", message);
        let mut traits = whole["user"].as_object().cloned().unwrap_or_default();
        let traits = traits.texts(&[("name", "nickname"), ("username", "nickname")]);
        side.who(&mut data, user, traits, false);
        let mut rest = Fields::new();
        rest.leave("action", action.clone());
        for name in ["type", "channel", "container", "state", "response_urls"] {
            rest.leave(name, whole[name].clone());
        }
        data.leave("vendor", rest);
        let at = action["action_ts"].as_str().and_then(|ts| moment(&ts.into()));
        let draft = Draft::new("message.clicked", &data).with_subject(format!("message/{message_ts}"));
        let draft = side.mark(Draft { time: at.or_else(|| side.time.clone()), ..draft });
        Draft { key: Some(format!("{trigger}/{place}")), ..draft }
    };
    let drafts: Vec<Draft> = actions.iter().enumerate().map(draft).collect();
    if drafts.is_empty() { vec![side.unknown(kind, &whole, user)] } else { drafts }
}

/// What somebody wrote. Changed and deleted messages, joins and topics have no word.
fn message(inner: &mut Fields, side: &Side, config: &Config) -> Option<Told> {
    let subtype = inner.get("subtype").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_said =
        matches!(subtype.as_str(), "" | "file_share" | "me_message" | "thread_broadcast" | "bot_message");
    let ts = inner.get("ts").and_then(fields::text).filter(|_| is_said)?;
    let bot = inner.get("bot_id").and_then(fields::text);
    let team = ["user_team", "team"].iter().find_map(|name| inner.get(*name)?.as_str());
    let staff = bot.is_some() || config.is_staff(team.or(side.team.as_deref()));
    let private = matches!(inner.get("channel_type").and_then(Value::as_str), Some("im" | "mpim"));
    let user = inner.text("user");
    let mut message = side.message(&ts, if staff { "outbound" } else { "inbound" });
    message.leave("conversation_id", inner.text("channel"));
    // A thread is named by its first message.
    message.leave("reply_to_id", inner.take("thread_ts", fields::text).filter(|thread| *thread != ts));
    message.leave("from", user.clone().or_else(|| bot.clone()));
    message.leave("text", inner.text("text"));
    message.leave("sent_at", side.time.clone());
    let mut files = inner.list("files").unwrap_or_default();
    let attachments: Vec<Value> = files.iter_mut().filter_map(file).collect();
    message.leave("attachments", attachments);
    inner.leave("files", files);
    let kind = match (staff, private) {
        (true, _) => "contactcentre.message.sent",
        (false, true) => "social.dm.received",
        (false, false) => "contactcentre.message.received",
    };
    let mut profile = inner.object("user_profile").unwrap_or_default();
    let traits = profile.texts(&[("real_name", "name"), ("first_name", "given_name"), ("name", "nickname")]);
    inner.leave("user_profile", profile);
    let mut data = Fields::new();
    data.leave("message", message);
    match bot {
        Some(bot) => {
            let mut operator = Fields::new();
            operator.insert("id".into(), bot.into());
            operator.leave("name", inner.text("username"));
            operator.insert("kind".into(), "bot".into());
            inner.shift_remove("bot_id");
            data.leave("touchpoint", json!({"channel": "contact_center.messaging", "operator": operator}));
        }
        None => side.who(&mut data, user.as_deref(), traits, staff),
    }
    Some(Told { kind, subject: Some(format!("message/{ts}")), data })
}

fn file(one: &mut Value) -> Option<Value> {
    let one = one.as_object_mut()?;
    let mut file = one.texts(&[("name", "name"), ("mimetype", "media_type"), ("url_private", "url")]);
    file.leave("bytes", one.take("size", Value::as_u64));
    (!file.is_empty()).then_some(Value::Object(file))
}

/// The app was named. The message itself comes as a message too, if the app is told of those.
fn mention(inner: &mut Fields, side: &Side) -> Option<Told> {
    let ts = inner.get("ts").and_then(fields::text)?;
    let user = inner.text("user");
    let mut post = inner.texts(&[("text", "text"), ("channel", "account")]);
    post.insert("id".into(), ts.clone().into());
    post.insert("network".into(), "slack".into());
    post.insert("kind".into(), "mention".into());
    post.leave("author_id", user.clone());
    post.leave("parent_id", inner.take("thread_ts", fields::text).filter(|thread| *thread != ts));
    post.leave("published_at", side.time.clone());
    let mut data = Fields::new();
    data.leave("post", post);
    side.who(&mut data, user.as_deref(), Fields::new(), false);
    Some(Told { kind: "social.post.mentioned", subject: Some(format!("post/{ts}")), data })
}

fn reaction(inner: &mut Fields, side: &Side, removed: bool) -> Option<Told> {
    let name = inner.text("reaction")?;
    let user = inner.text("user");
    let mut item = inner.object("item").unwrap_or_default();
    let about = item.text("ts").or_else(|| item.text("file"));
    let mut reaction = Fields::new();
    reaction.insert("kind".into(), name.into());
    if removed {
        reaction.insert("removed".into(), true.into());
    }
    reaction.leave("post_id", about.clone());
    reaction.leave("account", item.text("channel"));
    inner.leave("item", item);
    let mut data = Fields::new();
    data.leave("reaction", reaction);
    side.who(&mut data, user.as_deref(), Fields::new(), false);
    Some(Told { kind: "social.post.reacted", subject: about.map(|about| format!("post/{about}")), data })
}

/// A member of the workspace, new or changed.
fn person(inner: &mut Fields, side: &Side, kind: &'static str) -> Option<Told> {
    let mut user = inner.object("user")?;
    let id = user.text("id")?;
    let mut profile = user.object("profile").unwrap_or_default();
    let mut traits = profile.texts(&[
        ("real_name", "name"),
        ("first_name", "given_name"),
        ("last_name", "family_name"),
        ("title", "job_title"),
        ("image_512", "avatar_url"),
    ]);
    traits.leave("nickname", profile.text("display_name").or_else(|| user.text("name")));
    traits.leave("timezone", user.text("tz"));
    traits.leave("locale", user.take("locale", |tag| locale::tag(tag.as_str()?)));
    let mail = profile.take("email", |mail| contact::email(mail.as_str()?));
    let phone = profile.take("phone", |phone| contact::phone(phone.as_str()?));
    traits.leave("email", mail.clone());
    traits.leave("phone", phone.clone());
    let gone = user.get("deleted") == Some(&Value::Bool(true));
    user.leave("profile", profile);
    inner.leave("user", user);
    let mut data = Fields::new();
    side.who(&mut data, Some(&id), traits, false);
    for (namespace, value) in [("email", mail), ("phone", phone)] {
        let known = data.get_mut("customer").and_then(|customer| customer["identifiers"].as_array_mut());
        if let Some((known, value)) = known.zip(value) {
            known.push(json!({"namespace": namespace, "value": value, "kind": "person"}));
        }
    }
    let kind = if gone { "crm.contact.deleted" } else { kind };
    Some(Told { kind, subject: Some(format!("user/{id}")), data })
}

impl Side {
    fn message(&self, id: &str, direction: &str) -> Fields {
        let mut message = Fields::new();
        message.insert("id".into(), id.into());
        message.insert("medium".into(), "chat".into());
        message.insert("direction".into(), direction.into());
        message.insert("provider".into(), "slack".into());
        message
    }

    /// A customer, or one of the company's own people.
    fn who(&self, data: &mut Fields, user: Option<&str>, traits: Fields, staff: bool) {
        let mut touchpoint = Fields::new();
        touchpoint.insert("channel".into(), "contact_center.messaging".into());
        if staff {
            let mut operator = Fields::new();
            operator.leave("id", user);
            operator.leave("name", traits.get("name").or_else(|| traits.get("nickname")).cloned());
            operator.insert("kind".into(), "human".into());
            touchpoint.leave("operator", operator);
        } else {
            let value = user.map(|user| match &self.team {
                Some(team) => format!("{team}/{user}"),
                None => user.to_owned(),
            });
            let one = value.map(|value| {
                json!({"namespace": "slack:user", "value": value, "kind": "person", "authenticated": "verified"})
            });
            let mut customer = Fields::new();
            customer.leave("identifiers", one.into_iter().collect::<Vec<_>>());
            customer.leave("traits", traits);
            data.leave("customer", customer);
        }
        data.leave("touchpoint", touchpoint);
    }

    fn mark(&self, mut draft: Draft) -> Draft {
        for (name, value) in [("slackteam", &self.team), ("slackapp", &self.app)] {
            draft.attributes.extend(value.clone().map(|value| (name.to_owned(), value)));
        }
        draft.key = self.key.clone();
        draft.time = draft.time.or_else(|| self.time.clone());
        draft
    }

    fn unknown(&self, topic: &str, body: &Value, user: Option<&str>) -> Draft {
        let mut data = Fields::new();
        data.leave("topic", topic);
        self.who(&mut data, user, Fields::new(), false);
        data.insert("body".into(), body.clone());
        data.insert("encoding".into(), "json".into());
        self.mark(Draft::new("unknown.message.received", &data))
    }
}

/// Credentials: the token of old, and addresses by which anybody may answer in the app's name.
fn forget(body: &mut Value) {
    if let Some(fields) = body.as_object_mut() {
        for name in ["token", "response_url", "bot_access_token"] {
            fields.shift_remove(name);
        }
    }
}

/// Seconds since 1970 with their fraction, as text or a number.
fn moment(value: &Value) -> Option<String> {
    time::from_epoch_seconds(fields::text(value)?)
}
