//! What a message says where the channel has no text of its own for a type of event: a headline and what matters of it.

use serde_json::Value;
use snodo_connector::Event;

use super::{escaped, shown};

/// A headline, and lines of a label and the place in the event's data.
type Summary = (&'static str, &'static [(&'static str, &'static str)]);

fn summary(kind: &str) -> Option<Summary> {
    Some(match kind {
        "voc.critical.detected" => (
            ":rotating_light: Critical situation",
            &[
                ("Severity", "/critical/severity"),
                ("What", "/critical/reason"),
                ("Rule", "/critical/rule"),
                ("At risk", "/critical/value_at_risk"),
                ("Act by", "/critical/act_by"),
                ("Owner", "/critical/owner/name"),
                ("Team", "/critical/owner/team"),
            ],
        ),
        "voc.complaint.raised" => (
            ":warning: Complaint",
            &[
                ("Severity", "/complaint/severity"),
                ("Subject", "/complaint/subject"),
                ("Text", "/complaint/text"),
                ("Category", "/complaint/category"),
                ("Wants", "/complaint/demand"),
                ("Order", "/complaint/order_id"),
                ("Product", "/complaint/product/name"),
                ("Shop", "/complaint/store/name"),
                ("Answer by", "/complaint/due_at"),
            ],
        ),
        "voc.score.recorded" => (
            "Score",
            &[("Metric", "/score/metric"), ("Value", "/score/value"), ("Comment", "/score/comment")],
        ),
        "iot.alert.raised" => (
            ":warning: A product reports a fault",
            &[
                ("Severity", "/alert/severity"),
                ("Alert", "/alert/name"),
                ("Code", "/alert/code"),
                ("Text", "/alert/text"),
                ("Product", "/device/model"),
                ("Device", "/device/id"),
                ("Serial number", "/device/serial_number"),
                ("To do", "/alert/action"),
            ],
        ),
        "iot.alert.cleared" => (
            ":white_check_mark: A product's fault is over",
            &[
                ("Alert", "/alert/name"),
                ("Code", "/alert/code"),
                ("Device", "/device/id"),
                ("By", "/alert/cleared_by"),
            ],
        ),
        "iot.threshold.crossed" => (
            ":warning: A limit was crossed",
            &[
                ("What", "/telemetry/name"),
                ("Value", "/telemetry/value"),
                ("Unit", "/telemetry/unit"),
                ("Limit", "/telemetry/threshold"),
                ("Which way", "/telemetry/direction"),
                ("Device", "/device/id"),
            ],
        ),
        "iot.consumable.low" => (
            "Something runs out",
            &[("What", "/consumable/name"), ("Device", "/device/id"), ("Product", "/device/model")],
        ),
        "contactcentre.ticket.created" => (
            "Ticket",
            &[
                ("Number", "/ticket/number"),
                ("Subject", "/ticket/subject"),
                ("Priority", "/ticket/priority"),
                ("Group", "/ticket/group"),
                ("Where", "/ticket/url"),
            ],
        ),
        "social.review.posted" => (
            "Review",
            &[
                ("Where", "/review/platform"),
                ("Points", "/review/rating"),
                ("Of", "/review/rating_max"),
                ("Text", "/review/text"),
                ("By", "/review/author"),
                ("Link", "/review/url"),
            ],
        ),
        "crm.lead.created" | "social.lead.submitted" => (
            "Lead",
            &[
                ("From", "/lead/source"),
                ("Interest", "/lead/interest"),
                ("Form", "/form/name"),
                ("Id", "/lead/id"),
            ],
        ),
        "crm.opportunity.stage_changed" => (
            "Deal moved",
            &[
                ("Deal", "/opportunity/name"),
                ("Stage", "/opportunity/stage"),
                ("Worth", "/opportunity/value"),
            ],
        ),
        "commerce.order.placed" | "commerce.order.cancelled" => (
            "Order",
            &[
                ("Number", "/order/number"),
                ("Total", "/order/total"),
                ("Why cancelled", "/order/cancel_reason"),
            ],
        ),
        "quality.violation.detected" => (
            ":warning: Faulty data",
            &[
                ("Channel", "/violation/channel"),
                ("Type", "/violation/event_type"),
                ("Rule", "/violation/rule"),
                ("Place", "/violation/pointer"),
                ("What", "/violation/message"),
            ],
        ),
        _ => return None,
    })
}

pub fn of(event: &Event, data: &Value) -> String {
    let (title, lines) = summary(&event.kind).unwrap_or((&event.kind, &[]));
    let mut out = format!("*{}*", escaped(title));
    if title != event.kind {
        out.push_str(&format!(" ({})", event.kind));
    }
    let about: Vec<String> = event.subject.iter().chain([&event.time]).map(|part| escaped(part)).collect();
    out.push('\n');
    out.push_str(&about.join(" · "));
    let who = ["/customer/traits/name", "/customer/traits/given_name", "/customer/id"];
    let who = who.into_iter().find_map(|at| data.pointer(at).and_then(shown));
    let lines = lines.iter().map(|(label, at)| (*label, data.pointer(at).and_then(shown)));
    for (label, value) in [("Customer", who)].into_iter().chain(lines) {
        if let Some(value) = value {
            out.push_str(&format!("\n{label}: {}", escaped(&value)));
        }
    }
    out
}
