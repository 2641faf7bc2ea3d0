//! Messenger and Instagram messages:
//! <https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events>.

use serde_json::{Number, Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use super::{Side, Told, customer, moment};

/// One thing that happened in a conversation. What it is, the one field tells that the others do not have.
struct Item {
    fields: Fields,
    customer: Fields,
    /// The customer's id, for keys.
    who: String,
    time: Option<String>,
    medium: &'static str,
}

type Read = fn(&mut Item, Fields, &Side) -> Option<Told>;

pub fn drafts(list: &str, one: &Value, side: &Side) -> Vec<Draft> {
    let Some(fields) = one.as_object().cloned() else {
        return vec![side.unknown(list, one, Fields::new(), None)];
    };
    if let Some(drafts) = delivered(&fields, side) {
        return drafts;
    }
    let mut item = item(fields, side);
    let parts: [(&str, Read); 7] = [
        ("message", message),
        ("postback", postback),
        ("reaction", reaction),
        ("read", read),
        ("optin", optin),
        ("referral", referral),
        ("messaging_feedback", feedback),
    ];
    for (name, tell) in parts {
        let Some(part) = item.fields.object(name) else { continue };
        let Some(told) = tell(&mut item, part, side) else {
            let known = one[name]["mid"].as_str().map(|mid| format!("{mid}/{name}"));
            return vec![side.unknown(name, one, item.customer, known)];
        };
        let touchpoint = touchpoint(&mut item.fields, side);
        let Item { customer, fields, .. } = item;
        return vec![side.draft(told, customer, touchpoint, fields)];
    }
    let topic = one.as_object().into_iter().flat_map(Fields::keys);
    let topic = topic.filter(|name| !["sender", "recipient", "timestamp"].contains(&name.as_str())).min();
    vec![side.unknown(topic.map_or(list, String::as_str), one, item.customer, None)]
}

/// Sender and recipient, of which one is the company.
fn item(mut fields: Fields, side: &Side) -> Item {
    let mut sender = fields.object("sender").unwrap_or_default();
    let mut recipient = fields.object("recipient").unwrap_or_default();
    let echo = fields.get("message").is_some_and(|message| message["is_echo"] == true);
    let namespace = if side.network() == "instagram" { "instagram:user" } else { "messenger:psid" };
    let them = if echo { &mut recipient } else { &mut sender };
    let id = them.text("id");
    // Of a plugin on a web site, before Meta knows who it is.
    let (namespace, id) = match id {
        None => ("messenger:user_ref", them.text("user_ref")),
        id => (namespace, id),
    };
    let who = id.clone().unwrap_or_default();
    let customer = customer(namespace, id, them.texts(&[("name", "name"), ("username", "nickname")]));
    // The other side is the account, which the touchpoint names.
    let us = if echo { &mut sender } else { &mut recipient };
    us.take("id", |id| (fields::text(id) == side.account).then_some(()));
    let time = fields.take("timestamp", moment);
    fields.leave("sender", sender);
    fields.leave("recipient", recipient);
    let medium = if side.network() == "instagram" { "instagram" } else { "messenger" };
    Item { fields, customer, who, time, medium }
}

impl Item {
    fn message(&self, id: Option<String>, direction: &str, side: &Side) -> Fields {
        let mut message = Fields::new();
        message.leave("id", id);
        message.insert("medium".into(), self.medium.into());
        message.insert("direction".into(), direction.into());
        let them = Some(self.who.clone()).filter(|who| !who.is_empty());
        let us = side.account.clone();
        let (from, to) = if direction == "inbound" { (them, us) } else { (us, them) };
        message.leave("from", from);
        message.leave("to", to.into_iter().collect::<Vec<_>>());
        message
    }

    fn told(&self, kind: &'static str, key: String, noun: &str, value: Fields) -> Told {
        let mut data = Fields::new();
        data.leave(noun, value);
        Told { kind, subject: None, key: Some(key), time: self.time.clone(), data }
    }
}

fn touchpoint(fields: &mut Fields, side: &Side) -> Fields {
    let mut touchpoint = side.touchpoint();
    if let Some(mut came) = fields.object("came_from") {
        touchpoint
            .leave("campaign", came.texts(&[("source", "source"), ("type", "kind"), ("ref", "content")]));
    }
    touchpoint
}

/// Keeps what brought the customer for the touchpoint, and the rest for the vendor's own.
fn came_from(item: &mut Item, part: &mut Fields) {
    let Some(mut referral) = part.object("referral") else { return };
    let mut came = Fields::new();
    for name in ["source", "type", "ref"] {
        came.leave(name, referral.text(name));
    }
    item.fields.leave("came_from", came);
    part.leave("referral", referral);
}

fn message(item: &mut Item, mut part: Fields, side: &Side) -> Option<Told> {
    let echo = part.get("is_echo") == Some(&Value::Bool(true));
    // Taken back, or of a form that Meta does not tell.
    let says_nothing =
        ["is_deleted", "is_unsupported"].into_iter().any(|name| part.get(name) == Some(&Value::Bool(true)));
    if says_nothing {
        return None;
    }
    let id = part.text("mid");
    let mut message = item.message(id.clone(), if echo { "outbound" } else { "inbound" }, side);
    message.leave("sent_at", item.time.clone());
    message.leave("text", part.text("text"));
    if let Some(mut quick) = part.object("quick_reply") {
        message.leave("button", message.get("text").cloned());
        quick.retain(|_, value| !value.is_null());
        part.leave("quick_reply", quick);
    }
    let mut story = Fields::new();
    if let Some(mut answered) = part.object("reply_to") {
        message.leave("reply_to_id", answered.text("mid"));
        if let Some(mut told) = answered.object("story") {
            story = told.texts(&[("id", "id"), ("url", "url")]);
            answered.leave("story", told);
        }
        part.leave("reply_to", answered);
    }
    let mut sent = part.list("attachments").unwrap_or_default();
    let mentioned = sent.iter_mut().find_map(story_mention).filter(|_| !echo);
    let attached: Vec<Value> = sent.iter_mut().filter_map(attachment).collect();
    message.leave("attachments", attached);
    part.leave("attachments", sent);
    came_from(item, &mut part);
    part.shift_remove("is_echo");
    let (key, subject) = match &id {
        Some(id) => (id.clone(), Some(format!("message/{id}"))),
        None => (format!("message/{}/{}", item.who, item.time.as_deref()?), None),
    };
    let mut told = if let Some(url) = mentioned {
        let post = json!({"network": "instagram", "kind": "story", "url": url, "author_id": item.who});
        let mut told = item.told("social.post.mentioned", key, "post", Fields::new());
        told.data.leave("post", post);
        part.leave("mid", id);
        told
    } else if !story.is_empty() && !echo {
        story.insert("network".into(), side.network().into());
        story.insert("kind".into(), "story".into());
        let mut told = item.told("social.story.replied", key, "message", message);
        told.data.leave("post", story);
        told
    } else {
        let says = ["id", "text", "attachments"].into_iter().any(|name| message.contains_key(name));
        let kind = if echo { "contactcentre.message.sent" } else { "social.dm.received" };
        says.then(|| item.told(kind, key, "message", message))?
    };
    told.subject = subject;
    item.fields.leave("message", part);
    Some(told)
}

/// The customer has named the account in a story of their own, which Meta tells as a message.
fn story_mention(one: &mut Value) -> Option<String> {
    let one = one.as_object_mut()?;
    (one.get("type")? == "story_mention").then_some(())?;
    one.get_mut("payload")?.as_object_mut()?.text("url")
}

/// What Meta calls image, video, audio or file is all that it tells of the kind; so that stays where it is.
fn attachment(one: &mut Value) -> Option<Value> {
    let payload = one.as_object_mut()?.get_mut("payload")?.as_object_mut()?;
    let attachment = payload.texts(&[("url", "url"), ("title", "name")]);
    (!attachment.is_empty()).then_some(Value::Object(attachment))
}

/// A button of a message, of the menu, or "Get started".
fn postback(item: &mut Item, mut part: Fields, side: &Side) -> Option<Told> {
    let id = part.text("mid");
    let mut message = item.message(id.clone(), "inbound", side);
    message.leave("sent_at", item.time.clone());
    let title = part.text("title");
    message.leave("text", title.clone());
    message.leave("button", title);
    came_from(item, &mut part);
    item.fields.leave("postback", part);
    let says = ["id", "text"].into_iter().any(|name| message.contains_key(name));
    let key = match &id {
        Some(id) => format!("{id}/postback"),
        None => format!("postback/{}/{}", item.who, item.time.as_deref()?),
    };
    says.then(|| item.told("social.dm.received", key, "message", message))
}

/// A message was answered with an emoji. It has no id of its own but the message's.
fn reaction(item: &mut Item, mut part: Fields, side: &Side) -> Option<Told> {
    let id = part.text("mid")?;
    let action = part.get("action").and_then(fields::text).unwrap_or_default();
    let mut message = item.message(Some(id.clone()), "inbound", side);
    if action == "react" {
        message.leave("reaction", part.text("emoji").or_else(|| part.text("reaction")));
    }
    item.fields.leave("reaction", part);
    let key = format!("{id}/{action}/{}", item.time.as_deref().unwrap_or_default());
    Some(Told {
        subject: Some(format!("message/{id}")),
        ..item.told("social.dm.received", key, "message", message)
    })
}

/// Everything up to a moment on Messenger, one message on Instagram.
fn read(item: &mut Item, mut part: Fields, side: &Side) -> Option<Told> {
    let id = part.text("mid");
    let until = part.get("watermark").and_then(fields::text);
    let mut message = item.message(id.clone(), "outbound", side);
    message.insert("status".into(), "read".into());
    message.leave("opened_at", item.time.clone());
    item.fields.leave("read", part);
    let key = format!("read/{}/{}", item.who, id.clone().or(until)?);
    let subject = id.map(|id| format!("message/{id}"));
    Some(Told { subject, ..item.told("message.opened", key, "message", message) })
}

/// One receipt may be for several messages.
fn delivered(fields: &Fields, side: &Side) -> Option<Vec<Draft>> {
    let receipt = fields.get("delivery")?.as_object()?;
    let mids = receipt.get("mids").and_then(Value::as_array);
    let mids: Vec<String> = mids.into_iter().flatten().filter_map(fields::text).collect();
    let until = receipt.get("watermark");
    let draft = |mid: Option<String>| {
        let mut item = item(fields.clone(), side);
        let mut message = item.message(mid.clone(), "outbound", side);
        message.insert("status".into(), "delivered".into());
        let at = until.and_then(moment).or_else(|| item.time.clone());
        message.leave("delivered_at", at.clone());
        let mut rest = item.fields.object("delivery").unwrap_or_default();
        rest.shift_remove("mids");
        item.fields.leave("delivery", rest);
        let name = mid.clone().or_else(|| Some(format!("{}/{}", item.who, fields::text(until?)?)))?;
        let told = item.told("message.delivered", format!("{name}/delivered"), "message", message);
        let subject = mid.map(|mid| format!("message/{mid}"));
        let told = Told { subject, time: item.time.clone().or(at), ..told };
        Some(side.draft(told, item.customer, side.touchpoint(), item.fields))
    };
    let drafts: Vec<Draft> = match mids.is_empty() {
        true => draft(None).into_iter().collect(),
        false => mids.into_iter().filter_map(|mid| draft(Some(mid))).collect(),
    };
    (!drafts.is_empty()).then_some(drafts)
}

/// Marketing messages were allowed, stopped or allowed again.
fn optin(item: &mut Item, part: Fields, _: &Side) -> Option<Told> {
    if part.get("type")? != "notification_messages" {
        return None;
    }
    let status = part.get("notification_messages_status").and_then(Value::as_str).unwrap_or_default();
    let state = if status.starts_with("STOP") { "withdrawn" } else { "granted" };
    item.customer.get("identifiers")?;
    let topic = part.get("notification_messages_token").and_then(fields::text).unwrap_or_default();
    let key = format!("optin/{}/{topic}/{state}/{}", item.who, item.time.as_deref()?);
    let purpose = format!("marketing.{}", item.medium);
    let decision = json!({"state": state, "at": item.time, "source": item.medium});
    let mut told = item.told("consent.preference.updated", key, "consent", Fields::new());
    told.data.insert("consent".into(), json!({"purposes": {purpose: decision}}));
    item.fields.leave("optin", part);
    Some(told)
}

/// Came into a conversation by an ad. Other links are nothing that the vocabulary has a word for.
fn referral(item: &mut Item, mut part: Fields, _: &Side) -> Option<Told> {
    let is_ad = part.get("source").and_then(Value::as_str) == Some("ADS");
    let mut ad = part.texts(&[("ad_id", "id")]);
    if !is_ad || ad.is_empty() {
        return None;
    }
    ad.insert("platform".into(), "meta".into());
    let key = format!("referral/{}/{}", item.who, item.time.as_deref()?);
    item.fields.leave("referral", part);
    Some(item.told("ad.impression.clicked", key, "ad", ad))
}

/// The answers to a survey that was sent as a message.
fn feedback(item: &mut Item, mut part: Fields, _: &Side) -> Option<Told> {
    let mut screens = part.list("feedback_screens")?;
    let mut answers = Vec::new();
    for screen in screens.iter_mut().filter_map(Value::as_object_mut) {
        let mut questions = screen.object("questions").unwrap_or_default();
        for (id, question) in &mut questions {
            let Some(question) = question.as_object_mut() else { continue };
            let mut answer = Fields::new();
            answer.insert("question_id".into(), id.as_str().into());
            let metric = question.take("type", |kind| {
                let kind = kind.as_str()?;
                ["csat", "nps", "ces"].contains(&kind).then(|| kind.to_owned())
            });
            match question
                .take("payload", |payload| Some(Number::from(fields::text(payload)?.parse::<i64>().ok()?)))
            {
                Some(number) => {
                    answer.insert("kind".into(), "scale".into());
                    answer.insert("number".into(), number.into());
                }
                None => answer.leave("text", question.text("payload")),
            }
            answer.leave("metric", metric);
            if let Some(mut more) = question.object("follow_up") {
                answer.leave("text", more.text("payload"));
                question.leave("follow_up", more);
            }
            answers.push(Value::Object(answer));
        }
        screen.leave("questions", questions);
    }
    if answers.is_empty() {
        return None;
    }
    let mut survey = Fields::new();
    survey.leave("answers", answers);
    part.leave("feedback_screens", screens);
    item.fields.leave("messaging_feedback", part);
    let key = format!("feedback/{}/{}", item.who, item.time.as_deref()?);
    Some(item.told("voc.survey.answered", key, "survey", survey))
}
