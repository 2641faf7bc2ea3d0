//! Gift cards: <https://developer.squareup.com/reference/square/objects/GiftCardActivity>.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use super::person::Person;
use super::{Story, Told, money, part, store};

/// A card is made before it can be used; it is told once it can.
pub fn created(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    if from.get("state")?.as_str()? != "ACTIVE" {
        return None;
    }
    let id = from.get("id").and_then(fields::text)?;
    let mut card = from.texts(&[("id", "id"), ("gan", "number")]);
    let kind = |word: &Value| word.as_str().map(str::to_lowercase);
    card.leave("kind", from.take("type", kind));
    card.leave("status", from.take("state", kind));
    card.leave("balance", money(from, "balance_money"));
    let time = from.get("created_at").and_then(fields::moment);
    let mut data = Fields::new();
    data.insert("gift_card".into(), card.into());
    let told = Told::new("giftcard.card.activated", format!("gift_card/{id}"), data)?.at(time);
    Some(Told { fact: Some(format!("gift_card/{id}/activated")), ..told })
}

pub fn activity(story: &mut Story) -> Option<Told> {
    let from = &mut story.object;
    let name = match from.get("type")?.as_str()? {
        "ACTIVATE" => "activate_activity_details",
        "IMPORT" => "import_activity_details",
        _ => return None,
    };
    let id = from.text("gift_card_id")?;
    let mut card = from.texts(&[("gift_card_gan", "number")]);
    card.insert("id".into(), id.clone().into());
    card.insert("status".into(), "active".into());
    card.leave("balance", money(from, "gift_card_balance_money"));
    let mut person = Person::default();
    if let Some(mut details) = from.object(name) {
        card.leave("initial_value", money(&mut details, "amount_money"));
        card.extend(details.texts(&[("order_id", "order_id"), ("line_item_uid", "line_id")]));
        from.leave(name, details);
    }
    person.sale("square:order", card.get("order_id").and_then(Value::as_str));
    let time = from.moment("created_at");
    card.leave("activated_at", time.clone());
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    if let Some(place) = store(from) {
        data.insert("touchpoint".into(), json!({"channel": "pos", "location": {"store": place}}));
    }
    data.insert("gift_card".into(), card.into());
    let told = Told::new("giftcard.card.activated", format!("gift_card/{id}"), data)?.at(time);
    Some(Told { fact: Some(format!("gift_card/{id}/activated")), ..told })
}

/// The card on file became, or is no longer, a part of that profile.
pub fn linked(story: &mut Story) -> Option<Told> {
    let names = ["linked_customer_id", "unlinked_customer_id"];
    let id = names.iter().find_map(|name| story.beside.text(name))?;
    let mut person = Person::default();
    person.profile(&id);
    let side = if story.kind.ends_with("unlinked") { "old" } else { "new" };
    let fields = part("gift_card", &mut story.object, side);
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.insert("contact_change".into(), json!({"record_id": id, "fields": fields}));
    Told::new("crm.contact.updated", format!("customer/{id}"), data)
}
