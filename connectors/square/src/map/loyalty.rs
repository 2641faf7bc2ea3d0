//! Loyalty: <https://developer.squareup.com/reference/square/objects/LoyaltyEvent>.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::money;

use super::person::Person;
use super::{Story, Told, part, store};

fn account(person: &mut Person, id: &str) {
    person.identify(json!({"namespace": "square:loyalty", "value": id, "kind": "loyalty"}));
}

fn holder(from: &mut Fields, id: &str) -> Person {
    let mut person = Person::of(from);
    account(&mut person, id);
    if let Some(mut mapping) = from.object("mapping") {
        person.phone(mapping.text("phone_number"));
        from.leave("mapping", mapping);
    }
    person
}

pub fn enrolled(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    let id = from.text("id")?;
    let person = holder(from, &id);
    let mut loyalty = from.texts(&[("program_id", "program_id")]);
    loyalty.insert("account_id".into(), id.clone().into());
    loyalty.leave("balance", from.decimal("balance"));
    loyalty.leave("lifetime_points", from.decimal("lifetime_points"));
    loyalty.leave("enrolled_at", from.moment("enrolled_at"));
    let time = loyalty.get("enrolled_at").and_then(Value::as_str).map(str::to_owned);
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.insert("loyalty".into(), loyalty.into());
    Some(Told::new("loyalty.account.enrolled", format!("loyalty/{id}"), data)?.at(time))
}

/// By how many points it changed is told by a loyalty event; here something about its holder did.
pub fn changed(story: &mut Story) -> Option<Told> {
    let id = story.object.text("id")?;
    let person = holder(&mut story.object, &id);
    let side = if story.kind.ends_with("deleted") { "old" } else { "new" };
    let fields = part("loyalty_account", &mut story.object, side);
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.leave("contact_change", json!({"record_id": id, "fields": fields}));
    Told::new("crm.contact.updated", format!("loyalty/{id}"), data)
}

/// What happened, by the type: the name of the object that tells of it, and why the points changed.
fn detail(kind: &str) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        "ACCUMULATE_POINTS" => ("accumulate_points", "purchase"),
        "ACCUMULATE_PROMOTION_POINTS" => ("accumulate_promotion_points", "promotion"),
        "CREATE_REWARD" => ("create_reward", "redemption"),
        "REDEEM_REWARD" => ("redeem_reward", "redemption"),
        "DELETE_REWARD" => ("delete_reward", "reward_deleted"),
        "ADJUST_POINTS" => ("adjust_points", "adjustment"),
        "EXPIRE_POINTS" => ("expire_points", "expiry"),
        "OTHER" => ("other_event", "other"),
        _ => return None,
    })
}

pub fn points(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    let kind = from.text("type")?;
    let (name, reason) = detail(&kind)?;
    let mut inner = from.object(name)?;
    let id = from.text("loyalty_account_id");
    let mut loyalty = inner.texts(&[
        ("loyalty_program_id", "program_id"),
        ("reward_id", "reward_id"),
        ("order_id", "order_id"),
        ("reason", "reason"),
    ]);
    loyalty.entry("reason").or_insert_with(|| reason.into());
    loyalty.leave("account_id", id.clone());
    let points = inner.decimal("points");
    // Whoever makes a reward of points, or lets them expire, has fewer of them, whatever the sign.
    let spent = matches!(kind.as_str(), "CREATE_REWARD" | "EXPIRE_POINTS");
    let points = match points {
        Some(points) if spent && !points.starts_with('-') => money::negative(&points),
        points => points,
    };
    loyalty.leave("points", points.clone());
    from.leave(name, inner);
    let mut person = Person::default();
    if let Some(id) = &id {
        account(&mut person, id);
    }
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.insert("loyalty".into(), loyalty.into());
    let event = from.get("id").and_then(fields::text);
    let place = store(from);
    let time = from.get("created_at").and_then(fields::moment);
    let subject = format!("loyalty/{}", id.or(event)?);
    if kind == "REDEEM_REWARD" {
        data.leave("store", place);
        data.insert("touchpoint".into(), json!({"channel": "pos"}));
        return Some(Told::new("pos.loyalty.redeemed", subject, data)?.at(time));
    }
    points?;
    if let Some(place) = place {
        data.insert("touchpoint".into(), json!({"channel": "pos", "location": {"store": place}}));
    }
    Some(Told::new("loyalty.points.changed", subject, data)?.at(time))
}
