//! An event in words, for whoever opens the ticket.

use serde_json::Value;

use super::Config;

pub struct Told {
    pub subject: String,
    pub body: String,
    /// `urgent`, `high`, `normal`, `low`.
    pub priority: &'static str,
    /// `question`, `incident`, `problem`, `task`.
    pub kind: &'static str,
}

/// Or why nobody need look after it.
pub fn told(config: &Config, kind: &str, data: &Value) -> Result<Told, &'static str> {
    let at = |pointer: &str| data.pointer(pointer).and_then(word);
    let or = |pointers: &[&str], else_: &str| {
        pointers.iter().find_map(|pointer| at(pointer)).unwrap_or_else(|| else_.to_owned())
    };
    let (subject, text, facts, priority, kind): (String, Option<String>, &[(&str, &str)], _, _) = match kind {
        "voc.complaint.raised" => (
            format!(
                "Complaint: {}",
                or(&["/complaint/subject", "/complaint/category"], "without a headline")
            ),
            at("/complaint/text"),
            &[
                ("Category", "/complaint/category"),
                ("Severity", "/complaint/severity"),
                ("Order", "/complaint/order_id"),
                ("Product", "/complaint/product/name"),
                ("Shop", "/complaint/store/name"),
                ("Wants", "/complaint/demand"),
                ("Value", "/complaint/value"),
                ("To be answered by", "/complaint/due_at"),
                ("Number", "/complaint/id"),
            ],
            "urgent",
            "incident",
        ),
        "voc.critical.detected" => (
            format!(
                "Critical: {}",
                or(&["/critical/reason", "/critical/rule"], "a customer is about to be lost")
            ),
            at("/critical/reason"),
            &[
                ("Severity", "/critical/severity"),
                ("Signal", "/critical/signals/0/kind"),
                ("What was seen", "/critical/signals/0/detail"),
                ("Value at risk", "/critical/value_at_risk"),
                ("Act by", "/critical/act_by"),
                ("Rule", "/critical/rule"),
            ],
            "urgent",
            "incident",
        ),
        "voc.score.recorded" if is_bad(config, &data["score"]) => (
            format!(
                "Bad score: {} {}",
                or(&["/score/metric", "/score/name"], "score"),
                or(&["/score/value"], "")
            ),
            at("/score/comment"),
            &[
                ("Question", "/score/question"),
                ("Score", "/score/value"),
                ("Of", "/score/maximum"),
                ("About", "/score/about"),
                ("Survey", "/survey/name"),
            ],
            "urgent",
            "incident",
        ),
        "voc.score.recorded" => return Err("a score that nobody need look after"),
        "commerce.return.requested" => (
            format!(
                "Return: {}",
                or(&["/return/number", "/return/order_id", "/order/id", "/return/id"], "requested")
            ),
            at("/return/note"),
            &[
                ("Reason", "/return/reason"),
                ("Order", "/return/order_id"),
                ("Return", "/return/id"),
                ("Value", "/return/total"),
                ("By", "/return/method"),
            ],
            "normal",
            "task",
        ),
        "contactcentre.callback.requested" => (
            "Callback requested".to_owned(),
            at("/callback/reason"),
            &[
                ("Call", "/callback/phone"),
                ("Requested", "/callback/requested_at"),
                ("From", "/callback/scheduled_at"),
                ("Until", "/callback/until"),
            ],
            "high",
            "task",
        ),
        "bot.conversation.handover_requested" => (
            "The chatbot hands a customer over".to_owned(),
            at("/conversation/handover/summary").or_else(|| at("/conversation/text")),
            &[
                ("Why", "/conversation/handover/reason"),
                ("To", "/conversation/handover/to"),
                ("Urgency", "/conversation/handover/urgency"),
                ("Conversation", "/conversation/id"),
            ],
            "high",
            "question",
        ),
        "iot.alert.raised" => (
            format!(
                "{}: {}",
                or(&["/device/name", "/device/product/name", "/device/id"], "Product"),
                or(&["/alert/name", "/alert/code"], "fault")
            ),
            at("/alert/text"),
            &[
                ("Code", "/alert/code"),
                ("Severity", "/alert/severity"),
                ("Device", "/device/id"),
                ("Serial number", "/device/serial_number"),
                ("Raised", "/alert/raised_at"),
            ],
            match data["alert"]["severity"].as_str() {
                Some("critical") => "urgent",
                Some("high") => "high",
                Some("info" | "low") => "low",
                _ => "normal",
            },
            "incident",
        ),
        "privacy.request.received" => (
            format!("Privacy request: {}", or(&["/privacy_request/kind"], "without a kind")),
            at("/privacy_request/text"),
            &[
                ("Law", "/privacy_request/law"),
                ("Received", "/privacy_request/received_at"),
                ("To be answered by", "/privacy_request/due_at"),
                ("Number", "/privacy_request/id"),
            ],
            "high",
            "task",
        ),
        "social.dm.received" => (
            format!("Message by {}", or(&["/message/medium"], "direct message")),
            at("/message/text"),
            &[("From", "/message/from"), ("Conversation", "/message/conversation_id")],
            "normal",
            "question",
        ),
        "web.form.submitted" => {
            let subject = format!("Form: {}", or(&["/form/name", "/form/purpose", "/form/id"], "sent"));
            return Ok(Told { subject, body: filled_in(data), priority: "normal", kind: "question" });
        }
        _ => return Err("it is nothing that somebody must look after"),
    };
    Ok(Told { subject, body: body(text, facts, at), priority, kind })
}

fn body(text: Option<String>, facts: &[(&str, &str)], at: impl Fn(&str) -> Option<String>) -> String {
    let told = facts.iter().filter_map(|(name, pointer)| Some(format!("{name}: {}", at(pointer)?)));
    let facts = told.collect::<Vec<_>>().join("\n");
    let parts: Vec<String> = text.into_iter().chain([facts]).filter(|part| !part.is_empty()).collect();
    // Zendesk takes no comment without words.
    if parts.is_empty() { "Nothing more is known.".to_owned() } else { parts.join("\n\n") }
}

fn filled_in(data: &Value) -> String {
    let fields = data["form"]["fields"].as_array().into_iter().flatten();
    let told = fields.filter_map(|field| {
        let name = word(&field["label"]).or_else(|| word(&field["name"]))?;
        Some(format!("{name}: {}", word(&field["value"])?))
    });
    let page = data.pointer("/form/url").and_then(word).map(|url| format!("Page: {url}"));
    let lines: Vec<String> = told.chain(page).collect();
    if lines.is_empty() { "Nothing was filled in.".to_owned() } else { lines.join("\n") }
}

/// A detractor, somebody dissatisfied, or whoever gave less than half.
fn is_bad(config: &Config, score: &Value) -> bool {
    match score["group"].as_str() {
        Some("detractor" | "dissatisfied") => return true,
        Some("promoter" | "passive" | "satisfied") => return false,
        _ => {}
    }
    let Some(value) = score["value"].as_f64() else { return false };
    if score["metric"] == "nps" {
        return value <= config.nps_at_most;
    }
    let (Some(least), Some(most)) = (score["minimum"].as_f64(), score["maximum"].as_f64()) else {
        return false;
    };
    most > least && (value - least) / (most - least) < 0.5
}

/// A text, a number, or a sum of money.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
        Value::Object(money) => {
            let part = |name: &str| money.get(name).and_then(Value::as_str);
            Some(format!("{} {}", part("amount")?, part("currency")?))
        }
        _ => None,
    }
}
