//! Bookings: <https://developer.squareup.com/reference/square/objects/Booking>. An appointment is a visit that was agreed on.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use super::person::Person;
use super::{Story, Told, store, touched};

pub fn told(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    let id = from.get("id").and_then(fields::text)?;
    let time = touched(from);
    let person = Person::of(from);
    let mut activity = from.texts(&[("id", "id"), ("customer_note", "text")]);
    activity.insert("kind".into(), "appointment".into());
    activity.leave("outcome", from.take("status", |word| word.as_str().map(str::to_lowercase)));
    activity.leave("started_at", from.moment("start_at"));
    let segments = from.get_mut("appointment_segments").and_then(Value::as_array_mut);
    if let Some([Value::Object(segment)]) = segments.map(Vec::as_mut_slice) {
        let minutes = segment.take("duration_minutes", |value| value.as_u64()?.checked_mul(60_000));
        activity.leave("duration_ms", minutes);
        activity.leave("owner", segment.text("team_member_id").map(|id| json!({"id": id})));
    }
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    if let Some(place) = store(from) {
        data.insert("touchpoint".into(), json!({"location": {"store": place}}));
    }
    data.insert("activity".into(), activity.into());
    Some(Told::new("crm.activity.logged", format!("booking/{id}"), data)?.at(time))
}
