//! One message, from a customer or (as an echo) to one:
//! <https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages>.

use serde_json::{Number, Value, json};
use snodo_connector::fields::{Fields, Take};
use snodo_connector::{Draft, money};

use super::people::{Names, People};
use super::{MESSAGING, Side, identifier, moment, phone, unknown};

/// What is told for each message, whatever is in it.
struct Told {
    message: Fields,
    customer: Fields,
    touchpoint: Fields,
    time: Option<String>,
}

pub fn received(one: Fields, people: &mut People, side: &Side) -> Draft {
    draft("social.dm.received", one, people, side)
}

/// Written by somebody of the company, in the WhatsApp Business app.
pub fn echoed(one: Fields, people: &mut People, side: &Side) -> Draft {
    draft("contactcentre.message.sent", one, people, side)
}

fn draft(kind: &'static str, mut one: Fields, people: &mut People, side: &Side) -> Draft {
    let whole = one.clone();
    let sent = kind == "contactcentre.message.sent";
    let names = match sent {
        true => Names::take(&mut one, "to", "to_user_id", "to_parent_user_id"),
        false => Names::take(&mut one, "from", "from_user_id", "from_parent_user_id"),
    };
    let (customer, contact) = people.customer(&names);
    let form = one.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = one.text("id");
    let key = id.as_ref().map(|id| match form.as_str() {
        // What stands in for a picture that Meta tells of later, under the same id.
        "media_placeholder" => format!("{id}/placeholder"),
        _ => id.clone(),
    });
    let Some(id) = id else { return unknown(topic(&form), whole, customer, side, key) };
    let time = one.take("timestamp", moment);
    let mut message = Fields::new();
    message.insert("id".into(), id.clone().into());
    message.leave("conversation_id", one.text("group_id"));
    message.insert("medium".into(), "whatsapp".into());
    message.insert("direction".into(), if sent { "outbound" } else { "inbound" }.into());
    let company = side.number.clone();
    let (from, to) = if sent {
        (one.text("from").map(|from| phone(&from).unwrap_or(from)).or(company), names.written())
    } else {
        (names.written(), company)
    };
    message.leave("from", from);
    message.leave("to", to.into_iter().collect::<Vec<_>>());
    message.leave("sent_at", time.clone());
    if let Some(mut context) = one.object("context") {
        message.leave("reply_to_id", context.text("id"));
        one.leave("context", context);
    }
    if let Some(mut history) = one.object("history_context") {
        let status = history.text("status").map(|status| status.to_lowercase());
        message.leave("status", status);
        one.leave("history_context", history);
    }
    let touchpoint = touchpoint(&mut one, side);
    let mut told = Told { message, customer, touchpoint, time };
    let mut content = one.object(&form).unwrap_or_default();
    let mapped = match form.as_str() {
        "system" => alias(&mut content, &names, &mut told),
        "order" if !sent => Some(order(&id, &mut content, &told)),
        _ => said(&form, &mut content, &mut told).then(|| {
            let noun = ("message", Value::Object(std::mem::take(&mut told.message)));
            (kind, format!("message/{id}"), noun)
        }),
    };
    let Some((kind, subject, (noun, value))) = mapped else {
        return unknown(topic(&form), whole, told.customer, side, key);
    };
    one.leave(&form, content);
    one.leave("contact", contact);
    let mut data = Fields::new();
    data.insert(noun.into(), value);
    data.leave("customer", told.customer);
    data.leave("touchpoint", told.touchpoint);
    data.leave("vendor", one);
    let draft = side.mark(Draft::new(kind, &data)).with_subject(subject);
    Draft { key, time: told.time.or_else(|| side.time.clone()), ..draft }
}

fn topic(form: &str) -> String {
    format!("messages/{}", if form.is_empty() { "unknown" } else { form })
}

/// The ad or post that the customer came from.
fn touchpoint(one: &mut Fields, side: &Side) -> Fields {
    let mut touchpoint = side.touchpoint(MESSAGING);
    if let Some(mut referral) = one.object("referral") {
        let names = [("source_id", "id"), ("source_type", "kind"), ("headline", "name"), ("body", "content")];
        let mut campaign = referral.texts(&names);
        let mut clicks = Fields::new();
        clicks.leave("ctwa_clid", referral.text("ctwa_clid"));
        campaign.leave("click_ids", clicks);
        touchpoint.leave("campaign", campaign);
        touchpoint.leave("page", referral.texts(&[("source_url", "referrer")]));
        one.leave("referral", referral);
    }
    touchpoint
}

/// Takes out of the content what a message has a place for. `false` for what Meta cannot show, or we do not know.
fn said(form: &str, content: &mut Fields, told: &mut Told) -> bool {
    let message = &mut told.message;
    match form {
        "text" => message.leave("text", content.text("body")),
        "image" | "video" | "audio" | "voice" | "document" | "sticker" => {
            message.leave("text", content.text("caption"));
            let names = [("filename", "name"), ("mime_type", "media_type"), ("url", "url"), ("link", "url")];
            let attachment = content.texts(&names);
            message.leave("attachments", vec![Value::Object(attachment)]);
        }
        "location" => {
            let place = [("latitude", 90.0), ("longitude", 180.0)]
                .map(|(name, most)| (name, content.get(name).and_then(|value| degrees(value, most))));
            if let [(_, Some(latitude)), (_, Some(longitude))] = &place {
                message.leave("location", json!({"latitude": latitude, "longitude": longitude}));
                place.iter().for_each(|(name, _)| drop(content.shift_remove(*name)));
            }
            // As it is shown below the map.
            let place = [content.text("name"), content.text("address")];
            message.leave("text", place.into_iter().flatten().collect::<Vec<_>>().join("\n"));
        }
        "button" => pressed(content.text("text"), message),
        "interactive" => {
            for name in ["button_reply", "list_reply"] {
                if let Some(mut reply) = content.object(name) {
                    pressed(reply.text("title"), message);
                    content.leave(name, reply);
                }
            }
            // The answers to a flow: its own words for the chat, the fields in `response_json`.
            if let Some(mut reply) = content.object("nfm_reply") {
                message.leave("text", reply.text("body"));
                content.leave("nfm_reply", reply);
            }
        }
        "reaction" => {
            message.leave("reply_to_id", content.text("message_id"));
            message.leave("reaction", content.text("emoji"));
        }
        // Cards of other people: they are not the customer.
        "contacts" => {}
        _ => return false,
    }
    true
}

fn pressed(title: Option<String>, message: &mut Fields) {
    message.leave("text", title.clone());
    message.leave("button", title);
}

fn degrees(value: &Value, most: f64) -> Option<Number> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (-most..=most).contains(&number).then(|| Number::from_f64(number))?
}

type Mapped = (&'static str, String, (&'static str, Value));

/// Ordered from the catalogue. Meta sends no total.
fn order(id: &str, content: &mut Fields, told: &Told) -> Mapped {
    let mut order = Fields::new();
    order.insert("id".into(), id.into());
    let mut items = content.list("product_items").unwrap_or_default();
    let lines: Vec<Value> =
        items.iter_mut().map(|item| item.as_object_mut().map_or(Value::Null, line)).collect();
    if lines.iter().all(Value::is_object) {
        order.leave("lines", lines);
    }
    content.leave("product_items", items);
    order.leave("note", content.text("text"));
    order.leave("placed_at", told.time.clone());
    order.insert("source".into(), "whatsapp".into());
    ("commerce.order.placed", format!("order/{id}"), ("order", order.into()))
}

fn line(item: &mut Fields) -> Value {
    let mut line = Fields::new();
    line.leave("product", item.texts(&[("product_retailer_id", "sku")]));
    line.leave("quantity", item.decimal("quantity"));
    let price = item.get("item_price").and_then(snodo_connector::fields::text);
    let currency = item.get("currency").and_then(Value::as_str);
    if let Some(price) = price.zip(currency).and_then(|(price, currency)| money::Money::new(&price, currency))
    {
        line.leave("unit_price", json!(price));
        ["item_price", "currency"].iter().for_each(|name| drop(item.shift_remove(*name)));
    }
    line.into()
}

/// A customer has another number, or Meta has another id of them. It tells the new one; the old one wrote the message.
fn alias(content: &mut Fields, names: &Names, told: &mut Told) -> Option<Mapped> {
    let was = content.get("type")?.as_str()?.to_owned();
    let (from, to) = match was.as_str() {
        "user_changed_number" | "customer_changed_number" => {
            let old = names.number.as_deref()?;
            let new = ["wa_id", "new_wa_id"].iter().find_map(|name| content.text(name))?;
            let number = |text: &str| match phone(text) {
                Some(number) => identifier("phone", &number),
                None => identifier("whatsapp:wa_id", text),
            };
            (number(old), number(&new))
        }
        "user_changed_user_id" => {
            let old = content.text("previous_user_id").or_else(|| names.user.clone())?;
            (identifier("whatsapp:user", &old), identifier("whatsapp:user", &content.text("user_id")?))
        }
        _ => return None,
    };
    if from == to {
        return None;
    }
    content.shift_remove("type");
    let known = told.customer.entry("identifiers").or_insert_with(|| json!([])).as_array_mut()?;
    for one in [&from, &to] {
        if !known.contains(one) {
            known.push(one.clone());
        }
    }
    let subject = format!("customer/{}", to["value"].as_str().unwrap_or_default());
    let alias = json!({"from": from, "to": to, "evidence": was});
    Some(("identity.alias.asserted", subject, ("alias", alias)))
}
