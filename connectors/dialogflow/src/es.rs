//! Fulfilment requests of Dialogflow ES: one for each turn whose intent calls the webhook.

use serde_json::{Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use crate::Config;
use crate::said::{self, Turn};

pub fn tell(mut request: Fields, config: &Config) -> Option<Vec<Draft>> {
    let mut result = request.object("queryResult")?;
    let session = request.get("session")?.as_str()?.to_owned();
    let key = request.text("responseId");
    let mut turn = Turn::new(key, &session, result.text("languageCode"), config)?;
    let mut parameters = result.object("parameters").unwrap_or_default();
    let mut original = request.object("originalDetectIntentRequest").unwrap_or_default();
    let mut payload = original.object("payload").unwrap_or_default();
    let source = original.get("source").and_then(fields::text);
    let who = said::customer(&turn, &mut parameters, &mut payload, source.as_deref(), config);
    turn.with_customer(who);
    original.leave("payload", payload);

    let text = result.text("queryText");
    let heard = result.get("speechRecognitionConfidence").and_then(Value::as_f64);
    let mut intent = result.object("intent").unwrap_or_default();
    let is_fallback = intent.get("isFallback") == Some(&Value::Bool(true))
        || result.get("action").and_then(Value::as_str) == Some("input.unknown");
    if result.get("action").and_then(Value::as_str) == Some("input.welcome") {
        turn.tell("/started", "bot.conversation.started", Fields::new());
    }
    if let Some(text) = &text {
        let modality = if heard.is_some_and(|sure| sure > 0.0) { "voice" } else { "text" };
        let mut turned = json_fields(json!({"role": "customer", "text": text, "modality": modality}));
        turned.leave("sentiment", sentiment(&mut result));
        turn.tell("turn", "bot.conversation.turn", turned);
    }
    let flag = |intent: &mut Fields, name: &str| intent.take(name, Value::as_bool) == Some(true);
    let (hands_over, ends) = (flag(&mut intent, "liveAgentHandoff"), flag(&mut intent, "endInteraction"));
    let ends = ends | ended(&mut result);
    let understood = understood(&mut result, &mut intent, &mut parameters, is_fallback, text.as_deref());
    let (place, kind, part) = understood?;
    turn.tell(place, kind, part);
    if hands_over {
        turn.tell(
            "handover",
            "bot.conversation.handover_requested",
            json_fields(json!({"handover": {"reason": "policy"}})),
        );
    }
    if ends {
        turn.tell("ended", "bot.conversation.ended", Fields::new());
    }
    result.leave("intent", intent);
    result.leave("parameters", parameters);
    request.leave("queryResult", result);
    request.leave("originalDetectIntentRequest", original);
    Some(turn.drafts(&request))
}

fn understood(
    result: &mut Fields,
    intent: &mut Fields,
    parameters: &mut Fields,
    is_fallback: bool,
    text: Option<&str>,
) -> Option<(&'static str, &'static str, Fields)> {
    if is_fallback {
        intent.shift_remove("isFallback");
        let part = json!({"fallback": {"reason": "no_match", "text": text}});
        return Some(("fallback", "bot.conversation.fallback", json_fields(part)));
    }
    let mut found = intent.texts(&[("displayName", "name")]);
    found.get("name")?;
    found.leave("confidence", result.take("intentDetectionConfidence", said::confidence));
    found.leave("slots", said::slots(parameters));
    let part = Fields::from_iter([("intent".to_owned(), found.into())]);
    Some(("intent", "bot.conversation.intent_detected", part))
}

fn sentiment(result: &mut Fields) -> Option<Value> {
    let mut analysis = result.object("sentimentAnalysisResult")?;
    let mut query = analysis.object("queryTextSentiment").unwrap_or_default();
    let found = said::sentiment(&mut query);
    analysis.leave("queryTextSentiment", query);
    result.leave("sentimentAnalysisResult", analysis);
    found
}

/// An intent that is set to end the conversation says so here.
fn ended(result: &mut Fields) -> bool {
    let Some(mut diagnostic) = result.object("diagnosticInfo") else { return false };
    let ends = diagnostic.take("end_conversation", Value::as_bool) == Some(true);
    result.leave("diagnosticInfo", diagnostic);
    ends
}

/// Without what says nothing.
pub fn json_fields(part: Value) -> Fields {
    let mut fields = Fields::new();
    if let Value::Object(part) = part {
        for (name, value) in part {
            fields.leave(&name, value);
        }
    }
    fields
}
