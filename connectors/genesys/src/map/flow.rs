//! Architect's flows: menus of the telephone and their like, and bots.

use serde_json::Value;
use snodo_connector::fields::{Fields, Take};

use super::{Story, millis, told};

fn is_bot(event: &Fields) -> bool {
    matches!(event.get("flowType").and_then(Value::as_str), Some("BOT" | "DIGITALBOT"))
}

/// The flow, by its id; what it is called is not told.
fn flow(event: &mut Fields) -> Option<Fields> {
    let flow = event.texts(&[("flowId", "flow_id")]);
    (!flow.is_empty()).then_some(flow)
}

pub fn began(story: &mut Story) -> Option<&'static str> {
    if is_bot(&story.event) {
        return bot("bot.conversation.started", "started_at", story);
    }
    let mut ivr = flow(&mut story.event)?;
    ivr.insert("step".into(), "start".into());
    story.data.insert("ivr".into(), ivr.into());
    told("contactcentre.ivr.step_entered", story)
}

pub fn ended(story: &mut Story) -> Option<&'static str> {
    if is_bot(&story.event) {
        return bot("bot.conversation.ended", "ended_at", story);
    }
    let event = &mut story.event;
    let mut ivr = flow(event)?;
    ivr.insert("step".into(), "exit".into());
    let handed =
        event.get("exitReason").and_then(Value::as_str).is_some_and(|word| word.contains("TRANSFER"));
    ivr.leave("outcome", handed.then_some("transferred"));
    ivr.leave("duration_ms", event.take("connectedDurationMs", Value::as_u64));
    story.data.insert("ivr".into(), ivr.into());
    told("contactcentre.ivr.step_entered", story)
}

/// What the flow's makers wanted to know: an outcome that was reached, or was not.
pub fn outcome(story: &mut Story) -> Option<&'static str> {
    let event = &mut story.event;
    let mut ivr = event.texts(&[("flowId", "flow_id"), ("flowOutcomeId", "step")]);
    ivr.get("step")?;
    ivr.leave("outcome", event.take("flowOutcomeValue", |word| word.as_str().map(str::to_lowercase)));
    let at = |event: &Fields, name: &str| event.get(name).and_then(Value::as_u64);
    let began = at(event, "flowOutcomeStartTime");
    ivr.leave("duration_ms", at(event, "flowOutcomeEndTime").and_then(|end| end.checked_sub(began?)));
    story.data.insert("ivr".into(), ivr.into());
    told("contactcentre.ivr.step_entered", story)
}

fn bot(kind: &'static str, moment: &str, story: &mut Story) -> Option<&'static str> {
    let event = &mut story.event;
    let mut found = event.texts(&[("flowId", "bot_id")]);
    found.insert("id".into(), story.conversation.clone().into());
    found.leave(moment, event.get("eventTime").and_then(millis));
    if kind == "bot.conversation.ended" {
        let reason = event.text("exitReason");
        let handed = reason.as_deref().is_some_and(|word| word.contains("TRANSFER"));
        found.leave("outcome", handed.then_some("handed_over"));
        found.leave("end_reason", reason.map(|word| word.to_lowercase()));
    }
    // The type has a place for the conversation with the bot only; by whom and how stays with it.
    let interaction = std::mem::take(&mut story.interaction);
    for (name, theirs) in
        [("direction", "direction"), ("subject", "subject"), ("from", "addressFrom"), ("to", "addressTo")]
    {
        event.leave(theirs, interaction.get(name).cloned());
    }
    if interaction.get("medium").and_then(Value::as_str) == Some("voice") {
        found.insert("modality".into(), "voice".into());
    }
    story.data.insert("conversation".into(), found.into());
    Some(kind)
}
