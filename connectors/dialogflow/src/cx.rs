//! Webhook requests of Dialogflow CX: one for each fulfilment that calls the webhook, of which a turn may have several.

use serde_json::{Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use crate::Config;
use crate::es::json_fields;
use crate::said::{self, Turn};

/// The ids of the intents that every agent is born with.
const WELCOME: &str = "/intents/00000000-0000-0000-0000-000000000000";
const NEGATIVE: &str = "/intents/00000000-0000-0000-0000-000000000001";

/// The built-in event of a customer who asks for a person: <https://cloud.google.com/agent-assist/docs/handoff-cx>.
const ESCALATED: &str = "flow-failed-human-escalation";

pub fn tell(mut request: Fields, config: &Config) -> Option<Vec<Draft>> {
    let mut info = request.object("sessionInfo")?;
    let session = info.get("session")?.as_str()?.to_owned();
    let key = request.text("detectIntentResponseId");
    let mut turn = Turn::new(key, &session, request.text("languageCode"), config)?;
    let mut parameters = info.object("parameters").unwrap_or_default();
    let mut payload = request.object("payload").unwrap_or_default();
    let who = said::customer(&turn, &mut parameters, &mut payload, None, config);
    turn.with_customer(who);
    request.leave("payload", payload);

    let event = request.get("triggerEvent").and_then(fields::text);
    let text = said_by_customer(&mut request, &mut turn);
    let mut intent = request.object("intentInfo").unwrap_or_default();
    let matched = intent.get("lastMatchedIntent").and_then(Value::as_str).unwrap_or_default().to_owned();
    if matched.ends_with(WELCOME) {
        turn.tell("/started", "bot.conversation.started", Fields::new());
    }
    if let Some((reason, count)) = event.as_deref().and_then(not_understood) {
        let part = json!({"fallback": {"reason": reason, "count": count, "text": text}});
        turn.tell("fallback", "bot.conversation.fallback", json_fields(part));
        request.shift_remove("triggerEvent");
    } else if matched.ends_with(NEGATIVE) {
        let part = json!({"fallback": {"reason": "no_match", "text": text}});
        turn.tell("fallback", "bot.conversation.fallback", json_fields(part));
    } else if let Some(part) = understood(&mut intent) {
        turn.tell("intent", "bot.conversation.intent_detected", part);
    }
    request.leave("intentInfo", intent);
    if let Some((place, part)) = tool(&mut request, &mut parameters) {
        turn.tell(&place, "bot.conversation.tool_executed", part);
    }
    signals(&mut request, &mut turn, event.as_deref() == Some(ESCALATED));
    info.leave("parameters", parameters);
    request.leave("sessionInfo", info);
    Some(turn.drafts(&request))
}

/// One of three ways to speak; an event or an intent that the integration names is nothing that the customer said.
fn said_by_customer(request: &mut Fields, turn: &mut Turn) -> Option<String> {
    let ways = [("text", "text"), ("transcript", "voice"), ("dtmfDigits", "voice")];
    let (text, modality) = ways.iter().find_map(|(name, way)| Some((request.text(name)?, *way)))?;
    let mut part = json_fields(json!({"role": "customer", "text": text, "modality": modality}));
    if let Some(mut analysis) = request.object("sentimentAnalysisResult") {
        part.leave("sentiment", said::sentiment(&mut analysis));
        request.leave("sentimentAnalysisResult", analysis);
    }
    turn.tell("turn", "bot.conversation.turn", part);
    Some(text)
}

fn understood(intent: &mut Fields) -> Option<Fields> {
    let mut found = intent.texts(&[("displayName", "name")]);
    found.get("name")?;
    found.leave("confidence", intent.take("confidence", said::confidence));
    if let Some(mut parameters) = intent.object("parameters") {
        let mut resolved = Fields::new();
        for (name, parameter) in &mut parameters {
            let Some(parameter) = parameter.as_object_mut() else { continue };
            let plain =
                |value: &Value| (value.is_boolean() || fields::text(value).is_some()).then(|| value.clone());
            if let Some(value) = parameter.take("resolvedValue", plain) {
                resolved.insert(name.clone(), value);
            }
        }
        found.leave("slots", said::slots(&mut resolved));
        intent.leave("parameters", parameters);
    }
    Some(Fields::from_iter([("intent".to_owned(), found.into())]))
}

/// `sys.no-match-default`, `sys.no-input-2`: <https://cloud.google.com/dialogflow/cx/docs/concept/handler#event-built-in>.
fn not_understood(event: &str) -> Option<(&'static str, Option<u64>)> {
    let (reason, rest) = match event.strip_prefix("sys.no-match-") {
        Some(rest) => ("no_match", rest),
        None => ("no_input", event.strip_prefix("sys.no-input-")?),
    };
    Some((reason, rest.parse().ok()))
}

/// Signals stand among the answers: to hand over, to transfer the call, to end.
fn signals(request: &mut Fields, turn: &mut Turn, is_escalated: bool) {
    let mut messages = request.list("messages").unwrap_or_default();
    let mut handover =
        is_escalated.then(|| Fields::from_iter([("reason".to_owned(), Value::from("asked_for"))]));
    let (mut ends, mut succeeded) = (false, false);
    for message in messages.iter_mut().filter_map(Value::as_object_mut) {
        if message.get("liveAgentHandoff").is_some_and(Value::is_object) {
            handover.get_or_insert_default().entry("reason").or_insert_with(|| "policy".into());
        }
        if let Some(mut call) = message.object("telephonyTransferCall") {
            let to = call.text("phoneNumber");
            handover.get_or_insert_default().leave("to", to);
            message.leave("telephonyTransferCall", call);
        }
        succeeded |= message.get("conversationSuccess").is_some_and(Value::is_object);
        ends |= message.shift_remove("endInteraction").is_some_and(|signal| signal.is_object());
    }
    request.leave("messages", messages);
    if let Some(handover) = handover.filter(|handover| !handover.is_empty()) {
        let part = Fields::from_iter([("handover".to_owned(), handover.into())]);
        turn.tell("handover", "bot.conversation.handover_requested", part);
    }
    if ends {
        let outcome = if succeeded { "contained" } else { "" };
        turn.tell("ended", "bot.conversation.ended", json_fields(json!({"outcome": outcome})));
    }
}

/// The call itself: what the bot looks up or does. Which page it stands on tells two calls of a turn apart.
fn tool(request: &mut Fields, parameters: &mut Fields) -> Option<(String, Fields)> {
    let mut fulfilment = request.object("fulfillmentInfo")?;
    let tag = fulfilment.text("tag");
    request.leave("fulfillmentInfo", fulfilment);
    let tag = tag?;
    let page = request.get("pageInfo").and_then(|page| page.get("currentPage")?.as_str());
    let page = page.and_then(|page| page.rsplit('/').next()).unwrap_or_default().to_owned();
    let place = format!("tool/{tag}/{page}");
    let part = json!({"tool": {"name": tag, "arguments": said::slots(parameters)}});
    Some((place, json_fields(part)))
}
