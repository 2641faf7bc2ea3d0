//! Calls by WhatsApp: <https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/reference>.

use snodo_connector::Draft;
use snodo_connector::fields::{Fields, Take};

use super::people::{Names, People};
use super::{Side, moment, phone, unknown};

pub fn draft(mut one: Fields, people: &mut People, side: &Side) -> Draft {
    let whole = one.clone();
    let direction = match one.text("direction").as_deref() {
        Some("USER_INITIATED") => Some("inbound"),
        Some("BUSINESS_INITIATED") => Some("outbound"),
        _ => None,
    };
    let outbound = direction == Some("outbound");
    let names = match outbound {
        true => Names::take(&mut one, "to", "to_user_id", "to_parent_user_id"),
        false => Names::take(&mut one, "from", "from_user_id", "from_parent_user_id"),
    };
    let (customer, contact) = people.customer(&names);
    let event = one.text("event").unwrap_or_default();
    let id = one.text("id");
    let key = id.as_ref().map(|id| format!("{id}/{event}"));
    let kind = match event.as_str() {
        "connect" => Some("contactcentre.interaction.started"),
        "terminate" => Some("contactcentre.interaction.ended"),
        _ => None,
    };
    let (Some(kind), Some(id), Some(direction)) = (kind, id, direction) else {
        return unknown(format!("calls/{event}"), whole, customer, side, key);
    };
    let time = one.take("timestamp", moment);
    let mut call = Fields::new();
    call.insert("id".into(), id.clone().into());
    call.insert("medium".into(), "voice".into());
    call.insert("direction".into(), direction.into());
    let company = one.text(if outbound { "from" } else { "to" });
    let company = company.map(|one| phone(&one).unwrap_or(one)).or_else(|| side.number.clone());
    let (from, to) = if outbound { (company, names.written()) } else { (names.written(), company) };
    call.leave("from", from);
    call.leave("to", to);
    let began = one.take("start_time", moment);
    if kind == "contactcentre.interaction.started" {
        call.leave("started_at", began.or_else(|| time.clone()));
    } else {
        call.leave("started_at", began);
        call.leave("ended_at", one.take("end_time", moment).or_else(|| time.clone()));
        call.leave("end_reason", one.text("status").map(|status| status.to_lowercase()));
        call.insert("status".into(), "ended".into());
        let seconds = one.take("duration", serde_json::Value::as_u64);
        call.leave("duration_ms", seconds.map(|seconds| seconds.saturating_mul(1_000)));
    }
    let told = one.text("biz_opaque_callback_data");
    one.leave("contact", contact);
    let mut data = Fields::new();
    data.insert("interaction".into(), call.into());
    data.leave("customer", customer);
    data.leave("touchpoint", side.touchpoint("contact_center.voice"));
    data.leave("vendor", one);
    let mut draft = side.mark(Draft::new(kind, &data)).with_subject(format!("interaction/{id}"));
    draft.attributes.extend(told.map(|told| ("correlationid".to_owned(), told)));
    Draft { key, time: time.or_else(|| side.time.clone()), ..draft }
}
