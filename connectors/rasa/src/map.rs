//! Which event of a tracker is which canonical event. What a user said is several: that it was said, and what was understood.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, time};

use crate::config::Config;

/// What an event says, with the place that tells it from others of the same event.
type Told = (&'static str, &'static str, Fields);

/// An event without a canonical one is kept whole.
pub fn tell(whole: &Value, config: &Config) -> Vec<Draft> {
    let told = whole.as_object().and_then(|fields| event(fields.clone(), config));
    told.filter(|told| !told.is_empty()).unwrap_or_else(|| {
        let topic = whole.get("event").and_then(Value::as_str);
        let mut draft = Draft::unknown(topic, whole);
        draft.time = whole.get("timestamp").and_then(moment);
        draft.key = whole.as_object().and_then(|fields| key(fields, topic?));
        vec![draft]
    })
}

fn event(mut event: Fields, config: &Config) -> Option<Vec<Draft>> {
    let is_callback = !event.contains_key("event") && event.contains_key("recipient_id");
    let word = event.get("event").and_then(Value::as_str).unwrap_or_default().to_owned();
    // Rasa has no id for events but a user's message: who, what and when make one.
    let key = event.get("message_id").and_then(fields::text).or_else(|| key(&event, &word));
    let time = event.get("timestamp").and_then(moment);
    let told: Vec<Told> = match word.as_str() {
        "user" => user(&mut event)?,
        "bot" => vec![("", "bot.conversation.turn", said(&mut event, "bot"))],
        "agent" => vec![("", "bot.conversation.turn", said(&mut event, "agent"))],
        "session_started" => vec![("", "bot.conversation.started", Fields::new())],
        "session_ended" => vec![("", "bot.conversation.ended", Fields::new())],
        "action" => vec![action(&mut event, config)?],
        "action_execution_rejected" => {
            let name = event.text("name")?;
            let part = fields::of(json!({"tool": {"name": name, "outcome": "refused"}}));
            vec![("", "bot.conversation.tool_executed", part)]
        }
        _ if is_callback => vec![("", "bot.conversation.turn", said(&mut event, "bot"))],
        _ => return None,
    };
    let sender = event.text(if is_callback { "recipient_id" } else { "sender_id" })?;
    for name in ["event", "timestamp"] {
        event.shift_remove(name);
    }
    let last = told.len().saturating_sub(1);
    let mut drafts = Vec::with_capacity(told.len());
    for (number, (place, kind, part)) in told.into_iter().enumerate() {
        let mut conversation = Fields::from_iter([("id".to_owned(), sender.as_str().into())]);
        conversation.leave("bot", config.bot.as_deref());
        conversation.extend(part);
        let mut data = Fields::from_iter([("conversation".to_owned(), conversation.into())]);
        data.leave("customer", customer(&sender, config));
        data.leave("touchpoint", json!({"channel": "chatbot"}));
        // What has no place of its own goes with the event that says most: the last.
        if number == last {
            data.leave("vendor", std::mem::take(&mut event));
        }
        let mut draft = Draft::new(kind, &data)
            .with_subject(format!("conversation/{sender}"))
            .with_attribute("correlationid", sender.as_str());
        draft.time.clone_from(&time);
        draft.key =
            key.as_ref().map(|key| if place.is_empty() { key.clone() } else { format!("{key}/{place}") });
        drafts.push(draft);
    }
    Some(drafts)
}

fn key(event: &Fields, word: &str) -> Option<String> {
    let text = |name: &str| event.get(name).and_then(fields::text);
    let (sender, at) = (text("sender_id")?, text("timestamp")?);
    let name = text("name").map(|name| format!("/{name}")).unwrap_or_default();
    Some(format!("{sender}/{word}/{at}{name}"))
}

/// Seconds since 1970, with their fraction.
fn moment(value: &Value) -> Option<String> {
    value.as_f64()?;
    time::from_epoch_seconds(value)
}

/// A sender id is the channel's own. By `rasa:sender` a destination finds the way back into the conversation.
fn customer(sender: &str, config: &Config) -> Value {
    let way_back = json!({"namespace": "rasa:sender", "value": sender, "kind": "anonymous"});
    match &config.customer_namespace {
        Some(namespace) => {
            let own = json!({"namespace": namespace, "value": sender, "kind": "person", "authenticated": "asserted"});
            json!({"identifiers": [own, way_back]})
        }
        None => json!({"identifiers": [way_back], "anonymous": true}),
    }
}

fn user(event: &mut Fields) -> Option<Vec<Told>> {
    // Triggered from outside: the customer said nothing.
    let is_external =
        event.get("metadata").and_then(|metadata| metadata.get("is_external")) == Some(&Value::Bool(true));
    let text = event.get("text").and_then(fields::text);
    if is_external || text.as_deref().is_some_and(|text| ["/session_start", "/restart"].contains(&text)) {
        return None;
    }
    event.shift_remove("text");
    event.text("message_id");
    let mut parsed = event.object("parse_data").unwrap_or_default();
    // It says the same as the event.
    for name in ["text", "message_id"] {
        parsed.shift_remove(name);
    }
    let mut told = Vec::new();
    if let Some(text) = &text {
        told.push(("turn", "bot.conversation.turn", fields::of(json!({"role": "customer", "text": text}))));
    }
    let commands = commands(&parsed);
    if commands.hands_over {
        let part = fields::of(json!({"handover": {"reason": "asked_for"}}));
        told.push(("handover", "bot.conversation.handover_requested", part));
    }
    if let Some((place, kind, part)) = understood(&mut parsed, text.as_deref(), &commands) {
        told.push((place, kind, part));
    }
    event.leave("parse_data", parsed);
    Some(told)
}

/// What the language model of an assistant with CALM made of a message:
/// <https://rasa.com/docs/reference/config/components/llm-command-generators#command-reference>.
#[derive(Default)]
struct Commands {
    flow: Option<String>,
    hands_over: bool,
    is_lost: bool,
}

fn commands(parsed: &Fields) -> Commands {
    let mut found = Commands::default();
    for command in parsed.get("commands").and_then(Value::as_array).into_iter().flatten() {
        match command.get("command").and_then(Value::as_str) {
            Some("start flow") => {
                found.flow = found.flow.or_else(|| command.get("flow").and_then(fields::text));
            }
            Some("human handoff") => found.hands_over = true,
            Some("cannot handle") => found.is_lost = true,
            _ => {}
        }
    }
    found
}

fn understood(parsed: &mut Fields, text: Option<&str>, commands: &Commands) -> Option<Told> {
    let mut intent = parsed.object("intent").unwrap_or_default();
    let name = intent.get("name").and_then(fields::text);
    let reason = match name.as_deref() {
        Some("nlu_fallback") => Some("low_confidence"),
        Some("out_of_scope") => Some("out_of_scope"),
        _ => commands.is_lost.then_some("no_match"),
    };
    if let Some(reason) = reason {
        parsed.leave("intent", intent);
        let part = fields::of(json!({"fallback": {"reason": reason, "text": text}}));
        return Some(("fallback", "bot.conversation.fallback", part));
    }
    intent.shift_remove("name");
    let mut found = Fields::new();
    let flow = commands.flow.clone().filter(|_| name.is_none()).map(Value::from);
    found.leave("name", name.map(Value::from).or_else(|| flow.clone()));
    if found.is_empty() {
        parsed.leave("intent", intent);
        return None;
    }
    // How sure it was of an intent says nothing about a flow.
    let of_intent = intent.take("confidence", sure).filter(|_| found.get("name") != flow.as_ref());
    found.leave("confidence", of_intent);
    found.leave("slots", entities(parsed));
    found.leave("alternatives", alternatives(parsed, &found));
    parsed.leave("intent", intent);
    Some((
        "intent",
        "bot.conversation.intent_detected",
        Fields::from_iter([("intent".to_owned(), found.into())]),
    ))
}

fn sure(value: &Value) -> Option<Value> {
    value.as_f64().filter(|sure| (0.0..=1.0).contains(sure)).map(|_| value.clone())
}

/// Entities with plain values, where the message has them; where and how each was found stays.
fn entities(parsed: &mut Fields) -> Vec<Value> {
    let Some(mut entities) = parsed.list("entities") else { return Vec::new() };
    let plain = |value: &Value| (value.is_boolean() || fields::text(value).is_some()).then(|| value.clone());
    let mut slots = Vec::new();
    for entity in entities.iter_mut().filter_map(Value::as_object_mut) {
        let Some(name) = entity.get("entity").and_then(fields::text) else { continue };
        if let Some(value) = entity.take("value", plain) {
            entity.shift_remove("entity");
            slots.push(json!({"name": name, "value": value}));
        }
    }
    parsed.leave("entities", entities);
    slots
}

/// The ranking without its first, which is the intent itself.
fn alternatives(parsed: &mut Fields, intent: &Fields) -> Vec<Value> {
    let Some(ranking) = parsed.get("intent_ranking").and_then(Value::as_array) else { return Vec::new() };
    let read = |one: &Value| {
        let (name, sure) = (fields::text(one.get("name")?)?, sure(one.get("confidence")?)?);
        let known = one.as_object()?.keys().all(|key| ["name", "confidence", "id"].contains(&key.as_str()));
        known.then(|| json!({"name": name, "confidence": sure}))
    };
    let Some(all) = ranking.iter().map(read).collect::<Option<Vec<Value>>>() else { return Vec::new() };
    parsed.shift_remove("intent_ranking");
    all.into_iter().filter(|one| one.get("name") != intent.get("name")).collect()
}

fn said(event: &mut Fields, role: &str) -> Fields {
    let mut part = Fields::from_iter([("role".to_owned(), role.into())]);
    part.leave("text", event.text("text"));
    let has = |name: &str| {
        let nested = event.get("data").and_then(|data| data.get(name));
        event.get(name).or(nested).is_some_and(|value| !value.is_null())
    };
    let card = ["buttons", "elements", "quick_replies", "custom"].into_iter().any(has);
    let modality = if card {
        Some("card")
    } else if has("image") || has("attachment") {
        Some("image")
    } else {
        part.contains_key("text").then_some("text")
    };
    part.leave("modality", modality);
    part
}

/// What Rasa itself brings: <https://github.com/RasaHQ/rasa/blob/main/rasa/shared/core/constants.py>. None of these does anything for a
/// customer.
const OWN_ACTIONS: [&str; 23] = [
    "action_back",
    "action_cancel_flow",
    "action_clarify_flows",
    "action_clean_stack",
    "action_correct_flow_slot",
    "action_deactivate_loop",
    "action_default_ask_affirmation",
    "action_default_ask_rephrase",
    "action_extract_slots",
    "action_hangup",
    "action_listen",
    "action_metadata_extractor",
    "action_repeat_bot_messages",
    "action_restart",
    "action_revert_fallback_events",
    "action_run_slot_rejections",
    "action_send_text",
    "action_session_end",
    "action_session_start",
    "action_trigger_chitchat",
    "action_trigger_search",
    "action_unlikely_intent",
    "action_validate_slot_mappings",
];

fn action(event: &mut Fields, config: &Config) -> Option<Told> {
    let name = event.get("name").and_then(fields::text)?;
    if config.handover_actions.contains(&name) {
        let part = fields::of(json!({"handover": {"reason": "policy"}}));
        return Some(("", "bot.conversation.handover_requested", part));
    }
    if ["action_default_fallback", "action_two_stage_fallback"].contains(&name.as_str()) {
        let part = fields::of(json!({"fallback": {"reason": "low_confidence"}}));
        return Some(("", "bot.conversation.fallback", part));
    }
    // An utterance is told by the bot's own event, a form asks for what it needs.
    let says = ["utter_", "validate_"].iter().any(|start| name.starts_with(start)) || name.ends_with("_form");
    if says || OWN_ACTIONS.contains(&name.as_str()) {
        return None;
    }
    event.shift_remove("name");
    Some(("", "bot.conversation.tool_executed", fields::of(json!({"tool": {"name": name}}))))
}
