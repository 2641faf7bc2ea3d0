//! Waiting for an agent, being served by one, and what is noted afterwards.

use serde_json::{Value, json};
use snodo_connector::contact;
use snodo_connector::fields::{self, Fields, Take};

use super::{Story, agent, millis, told};

fn queue(event: &mut Fields) -> Option<Fields> {
    let mut queue = event.texts(&[("queueId", "id")]);
    if queue.is_empty() {
        return None;
    }
    queue.leave("priority", event.take("routingPriority", Value::as_i64));
    let texts = |value: &Value| value.as_array()?.iter().map(fields::text).collect::<Option<Vec<_>>>();
    queue.leave("skills", event.take("requestedRoutingSkillIds", texts));
    Some(queue)
}

pub fn entered(story: &mut Story) -> Option<&'static str> {
    let queue = queue(&mut story.event)?;
    story.interaction.insert("queue".into(), queue.into());
    story.interaction.insert("status".into(), "queued".into());
    told("contactcentre.interaction.queued", story)
}

pub fn left(story: &mut Story) -> Option<&'static str> {
    let event = &mut story.event;
    let mut queue = queue(event)?;
    let outcome = event.text("acdOutcome").unwrap_or_default();
    let waited = event.take("connectedDurationMs", Value::as_u64);
    queue.leave("wait_ms", waited);
    story.interaction.leave("agent", agent(event, "answeredUserId"));
    let abandoned = outcome.starts_with("ABANDON");
    let reason = match outcome.as_str() {
        "ANSWERED" => "answered".to_owned(),
        _ if abandoned => "abandoned".to_owned(),
        other => other.to_lowercase(),
    };
    queue.leave("reason", Some(reason).filter(|reason| !reason.is_empty()));
    story.interaction.insert("queue".into(), queue.into());
    if !abandoned {
        return told("contactcentre.interaction.dequeued", story);
    }
    story.interaction.leave("ended_at", story.at.clone());
    story.interaction.insert("end_reason".into(), "customer_left".into());
    told("contactcentre.interaction.abandoned", story)
}

pub fn assigned(story: &mut Story) -> Option<&'static str> {
    let agent = agent(&mut story.event, "userId")?;
    story.interaction.insert("agent".into(), agent);
    story.interaction.leave("queue", queue(&mut story.event));
    told("contactcentre.interaction.assigned", story)
}

/// An agent's part ends in many ways; only handing the customer on has a word of its own.
pub fn handed_on(story: &mut Story) -> Option<&'static str> {
    let word = story.event.get("disconnectType")?.as_str()?.to_owned();
    let how = word.strip_suffix("TRANSFER")?.trim_end_matches('_');
    let mut transfer = Fields::new();
    transfer.leave("from", agent(&mut story.event, "userId"));
    match how {
        "" => transfer.leave("kind", "blind"),
        "CONSULT" | "CONFERENCE" => transfer.leave("kind", how.to_lowercase()),
        // Forwarded, or nobody was there: FORWARD, NO_ANSWER, NOT_AVAILABLE, DND.
        other => transfer.leave("reason", other.to_lowercase()),
    }
    story.event.shift_remove("disconnectType");
    story.interaction.insert("transfer".into(), transfer.into());
    story.interaction.leave("queue", queue(&mut story.event));
    story.interaction.leave("talk_ms", story.event.take("interactingDurationMs", Value::as_u64));
    story.interaction.leave("hold_ms", story.event.take("heldDurationMs", Value::as_u64));
    told("contactcentre.interaction.transferred", story)
}

pub fn wrapped_up(story: &mut Story) -> Option<&'static str> {
    let event = &mut story.event;
    let mut wrapup = event.texts(&[("wrapupCode", "code"), ("wrapupNotes", "note")]);
    wrapup.leave("duration_ms", event.take("wrapupDurationMs", Value::as_u64));
    wrapup.leave("agent", agent(event, "userId"));
    if wrapup.is_empty() {
        return None;
    }
    story.interaction.leave("queue", queue(event));
    story.data.insert("wrapup".into(), wrapup.into());
    told("contactcentre.wrapup.completed", story)
}

pub fn callback(story: &mut Story) -> Option<&'static str> {
    let event = &mut story.event;
    let mut callback = Fields::new();
    callback.insert("id".into(), story.conversation.clone().into());
    let first = |numbers: &Value| match numbers.as_array()?.as_slice() {
        [one] => fields::text(one),
        _ => None,
    };
    let number = event.take("callbackNumbers", first);
    let number = number.map(|number| contact::phone(&number).unwrap_or(number));
    if let Some(phone) = number.as_deref().filter(|number| number.starts_with('+')) {
        let customer = story.data.entry("customer").or_insert_with(|| json!({}));
        if customer["identifiers"].is_null() {
            customer["identifiers"] = json!([]);
        }
        let identifier = json!({"namespace": "phone", "value": phone, "authenticated": "asserted"});
        if let Some(known) =
            customer["identifiers"].as_array_mut().filter(|known| !known.contains(&identifier))
        {
            known.push(identifier);
        }
    }
    callback.leave("phone", number);
    callback.leave("requested_at", story.at.clone());
    callback.leave("scheduled_at", event.take("callbackScheduledTime", millis));
    callback.insert("status".into(), "requested".into());
    story.data.insert("callback".into(), callback.into());
    told("contactcentre.callback.requested", story)
}

pub fn voicemail(story: &mut Story) -> Option<&'static str> {
    let event = &mut story.event;
    let mut voicemail = Fields::new();
    voicemail.leave("from", story.interaction.get("from").cloned());
    voicemail.leave("duration_ms", event.take("voicemailDurationMs", Value::as_u64));
    voicemail.leave("left_at", story.at.clone());
    voicemail.leave("queue", queue(event));
    story.interaction.leave("agent", agent(event, "userId"));
    story.data.insert("voicemail".into(), voicemail.into());
    told("contactcentre.voicemail.left", story)
}
