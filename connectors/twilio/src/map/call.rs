//! Calls: <https://www.twilio.com/docs/voice/api/call-resource#statuscallback>,
//! <https://www.twilio.com/docs/voice/twiml/gather#action>, <https://www.twilio.com/docs/voice/twiml/record#attributes-action>,
//! <https://www.twilio.com/docs/voice/twiml/enqueue#attributes-action> and
//! <https://www.twilio.com/docs/voice/twiml/conference#attributes-statusCallbackEvent>.

use serde_json::Value;
use snodo_connector::fields::{Fields, Take};
use snodo_connector::{time, url};

use super::{Told, address, customer, plain, seconds_ms, take_moment, touchpoint};

const VOICE: &str = "contact_center.voice";

/// A call as every voice webhook tells of it.
struct Call {
    id: String,
    interaction: Fields,
    customer: Fields,
    touchpoint: Fields,
    direction: Option<&'static str>,
    time: Option<String>,
}

fn call(form: &mut Fields) -> Option<Call> {
    let id = form.text("CallSid")?;
    let kind = form.get("Direction").and_then(Value::as_str).unwrap_or_default().to_owned();
    let direction = match kind.as_str() {
        "inbound" => Some("inbound"),
        kind if kind.starts_with("outbound") => Some("outbound"),
        _ => None,
    };
    let (from, to) = (address(form, "From"), address(form, "To"));
    for (name, same) in [("Caller", &from), ("Called", &to)] {
        form.take(name, |value| (value.as_str() == same.as_ref().map(|one| one.text.as_str())).then_some(()));
    }
    // Of a leg that was dialled for another call nobody can tell which end the customer is at.
    let (them, us) = match kind.as_str() {
        "outbound-dial" => (None, None),
        "outbound-api" => (to.as_ref(), from.as_ref()),
        _ => (from.as_ref(), to.as_ref()),
    };
    let name = form.text("CallerName").filter(|_| direction != Some("outbound"));
    let customer = customer(them, name);
    let touchpoint = touchpoint(VOICE, plain(us));
    let mut interaction = Fields::new();
    interaction.insert("id".into(), id.clone().into());
    interaction.leave("parent_id", form.text("ParentCallSid"));
    interaction.insert("medium".into(), "voice".into());
    interaction.leave("direction", direction);
    interaction.leave("from", plain(from.as_ref()));
    interaction.leave("to", plain(to.as_ref()));
    let time = take_moment(form);
    Some(Call { id, interaction, customer, touchpoint, direction, time })
}

impl Call {
    /// With the call as `interaction`, and what else the type has.
    fn told(
        self,
        kind: &'static str,
        key: String,
        more: impl IntoIterator<Item = (&'static str, Fields)>,
    ) -> Told {
        let mut data = Fields::new();
        for (noun, value) in more {
            data.leave(noun, value);
        }
        data.leave("interaction", self.interaction);
        data.leave("customer", self.customer);
        data.leave("touchpoint", self.touchpoint);
        Told { kind, key, subject: Some(format!("interaction/{}", self.id)), time: self.time, data }
    }
}

pub fn status(form: &mut Fields) -> Option<Told> {
    let status = form.get("CallStatus")?.as_str()?.to_owned();
    let mut call = call(form)?;
    let inbound = call.direction == Some("inbound");
    let kind = match status.as_str() {
        "initiated" | "queued" => "contactcentre.interaction.started",
        // An outbound call was begun before it rings.
        "ringing" if inbound => "contactcentre.interaction.started",
        "no-answer" | "canceled" if inbound => "contactcentre.interaction.abandoned",
        "completed" | "busy" | "failed" | "no-answer" | "canceled" => "contactcentre.interaction.ended",
        _ => return None,
    };
    let key = format!("{}/{status}", call.id);
    form.shift_remove("CallStatus");
    let begins = kind == "contactcentre.interaction.started";
    call.interaction.insert("status".into(), if begins { "alerting" } else { "ended" }.into());
    if begins {
        call.interaction.leave("started_at", call.time.clone());
    } else {
        call.interaction.leave("end_reason", status);
        call.interaction.leave("ended_at", call.time.clone());
        call.interaction.leave("duration_ms", seconds_ms(form, "CallDuration"));
        call.interaction.leave("recording_url", form.text("RecordingUrl"));
    }
    Some(call.told(kind, key, []))
}

/// What a caller keyed or said at a `<Gather>`. Which one it was, the address may say: `?step=main-menu`.
pub fn keyed(form: &mut Fields, query: &str) -> Option<Told> {
    let call = call(form)?;
    let mut ivr = Fields::new();
    // The form does not say which menu it was; the address may.
    let mut query = url::form_pairs(query.as_bytes()).into_iter();
    let step = query.find(|(name, value)| name == "step" && !value.is_empty());
    let step = step.map_or_else(|| "gather".to_owned(), |(_, step)| step);
    ivr.insert("step".into(), step.as_str().into());
    let said = form.text("SpeechResult");
    ivr.insert("input_kind".into(), if said.is_some() { "speech" } else { "keys" }.into());
    let input = said.or_else(|| form.text("Digits"));
    ivr.insert("outcome".into(), if input.is_some() { "matched" } else { "no_input" }.into());
    let key = format!("{}/{step}/{}", call.id, input.as_deref().unwrap_or_default());
    ivr.leave("input", input);
    Some(call.told("contactcentre.ivr.step_entered", key, [("ivr", ivr)]))
}

/// A message after the tone: what `<Record>` has recorded. Recordings of whole calls have no word.
pub fn recorded(form: &mut Fields) -> Option<Told> {
    let text = |name: &str| form.get(name).and_then(Value::as_str);
    let done = matches!(text("RecordingStatus"), None | Some("completed"));
    let left = matches!(text("RecordingSource"), None | Some("RecordVerb"));
    // The end of a call that was recorded.
    if form.contains_key("CallDuration") {
        return status(form);
    }
    if !done || !left || form.contains_key("DialCallStatus") {
        return None;
    }
    let mut call = call(form)?;
    let mut voicemail = Fields::new();
    let url = form.text("RecordingUrl");
    let id = form.text("RecordingSid").or_else(|| Some(url.as_ref()?.rsplit('/').next()?.to_owned()))?;
    voicemail.insert("id".into(), id.clone().into());
    voicemail.leave("from", call.interaction.get("from").cloned());
    voicemail.leave("duration_ms", seconds_ms(form, "RecordingDuration"));
    voicemail.leave("recording_url", url);
    let at = form.take("RecordingStartTime", |at| time::rfc2822(at.as_str()?));
    call.time = call.time.or_else(|| at.clone());
    voicemail.leave("left_at", at);
    Some(call.told("contactcentre.voicemail.left", format!("voicemail/{id}"), [("voicemail", voicemail)]))
}

pub fn transcribed(form: &mut Fields) -> Option<Told> {
    if form.get("TranscriptionStatus").is_some_and(|status| status != "completed") {
        return None;
    }
    let mut call = call(form)?;
    let mut transcript =
        form.texts(&[("TranscriptionSid", "id"), ("TranscriptionText", "text"), ("TranscriptionUrl", "url")]);
    transcript.insert("provider".into(), "twilio".into());
    call.interaction.leave("recording_url", form.text("RecordingUrl"));
    let key = transcript.get("id")?.as_str()?.to_owned();
    Some(call.told("contactcentre.transcript.available", key, [("transcript", transcript)]))
}

/// The end of an `<Enqueue>`: somebody answered, or the caller hung up.
pub fn left_queue(form: &mut Fields) -> Option<Told> {
    let mut call = call(form)?;
    let result = form.text("QueueResult")?;
    let mut queue = form.texts(&[("QueueSid", "id")]);
    let waited = seconds_ms(form, "QueueTime");
    queue.leave("wait_ms", waited);
    let reason = match result.as_str() {
        "hangup" => "abandoned",
        "bridged" | "bridging-in-process" => "answered",
        "redirected" | "redirected-from-bridged" => "transferred",
        other => other,
    };
    queue.insert("reason".into(), reason.into());
    call.interaction.leave("queue", queue);
    call.interaction.leave("wait_ms", waited);
    let key = format!("{}/queue/{result}", call.id);
    let kind = match reason {
        "abandoned" => "contactcentre.interaction.abandoned",
        _ => "contactcentre.interaction.dequeued",
    };
    Some(call.told(kind, key, []))
}

/// Of what happens in a conference, the vocabulary has a word for holding.
pub fn in_conference(form: &mut Fields) -> Option<Told> {
    (form.get("StatusCallbackEvent")? == "participant-hold").then_some(())?;
    let turn = form.get("SequenceNumber").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut call = call(form)?;
    call.interaction.leave("parent_id", form.text("ConferenceSid"));
    call.interaction.insert("status".into(), "held".into());
    let key = format!("{}/hold/{turn}", call.id);
    Some(call.told("contactcentre.interaction.held", key, []))
}
