//! Which webhook is which type, and the readings that all objects share. A mapping takes from the object what has a canonical
//! place; the rest goes under `vendor` by Square's own names.

mod attribute;
mod booking;
mod customer;
mod giftcard;
mod invoice;
mod loyalty;
mod order;
mod payment;
mod person;
mod refund;
mod subscription;
mod terminal;

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::locale;
use snodo_connector::money::Money;

use crate::config::Config;

pub struct Told {
    pub kind: &'static str,
    /// `order/1001`.
    pub subject: Option<String>,
    /// When the object says that it happened; else the webhook's own time stands in.
    pub time: Option<String>,
    /// What makes it this very fact, where Square tells one fact by several webhooks.
    pub fact: Option<String>,
    pub data: Fields,
}

impl Told {
    fn new(kind: &'static str, subject: String, data: Fields) -> Option<Self> {
        Some(Self { kind, subject: Some(subject), time: None, fact: None, data })
    }

    fn at(mut self, time: Option<String>) -> Self {
        self.time = time;
        self
    }
}

/// A webhook taken apart. What a mapping leaves in it is told under `vendor`.
pub struct Story<'a> {
    kind: &'a str,
    /// `data.id`
    id: Option<String>,
    object: Fields,
    /// What stands beside the object: `event_context`, `linked_customer_id`.
    beside: Fields,
    at: Option<String>,
    config: &'a Config,
}

/// `None` if the vocabulary has no word for it, or the object does not hold what the word needs.
pub fn tell(mut event: Fields, config: &Config) -> Option<Told> {
    let kind = event.get("type")?.as_str()?.to_owned();
    let mut data = event.object("data")?;
    let mut beside = data.object("object")?;
    let name = object_name(&kind);
    let mut object = match name {
        Some(name) => beside.object(name)?,
        // An attribute has no name there.
        None => std::mem::take(&mut beside),
    };
    let at = event.get("created_at").and_then(fields::moment);
    let id = data.get("id").and_then(fields::text);
    // The object's place, and the event's merchant, once more.
    if event.get("location_id").is_some_and(|place| object.get("location_id") == Some(place)) {
        event.shift_remove("location_id");
    }
    if event.get("merchant_id").is_some_and(|merchant| object.get("merchant_id") == Some(merchant)) {
        object.shift_remove("merchant_id");
    }
    let mut story = Story { kind: &kind, id, object, beside, at, config };
    let mut told = mapped(&mut story)?;
    let Story { mut object, mut beside, id, .. } = story;
    // It is the event's own time.
    for name in ["updated_at", "created_at"] {
        if told.time.is_some() && object.get(name).and_then(fields::moment) == told.time {
            object.shift_remove(name);
        }
    }
    match name {
        Some(name) => {
            beside.leave(name, object);
            data.leave("object", beside);
        }
        None => data.leave("object", object),
    }
    // It is the object's own, which the subject holds too.
    if let (Some(id), Some(subject)) = (id, &told.subject)
        && subject.ends_with(&id)
    {
        data.shift_remove("id");
    }
    data.shift_remove("type");
    event.leave("data", data);
    for name in ["merchant_id", "type"] {
        event.shift_remove(name);
    }
    if told.time.is_none() || event.get("created_at").and_then(fields::moment) == told.time {
        event.shift_remove("created_at");
    }
    if told.fact.is_none() {
        event.shift_remove("event_id");
    }
    told.data.leave("vendor", event);
    Some(told)
}

/// How the object is called in `data.object`. `None` for custom attributes, whose fields stand there themselves.
fn object_name(kind: &str) -> Option<&'static str> {
    let family = kind.rsplit_once('.').map_or(kind, |(family, _)| family);
    Some(match family {
        "payment" => "payment",
        "refund" | "terminal.refund" => "refund",
        "customer" => "customer",
        "card" => "card",
        "invoice" => "invoice",
        "subscription" => "subscription",
        "booking" => "booking",
        "dispute" => "dispute",
        "loyalty.account" => "loyalty_account",
        "loyalty.event" => "loyalty_event",
        "gift_card" => "gift_card",
        "gift_card.activity" => "gift_card_activity",
        "terminal.checkout" => "checkout",
        "device.code" => "device_code",
        "order.fulfillment" => "order_fulfillment_updated",
        "order" if kind == "order.created" => "order_created",
        "order" => "order_updated",
        _ => return None,
    })
}

fn mapped(story: &mut Story) -> Option<Told> {
    match story.kind {
        "payment.created" | "payment.updated" => payment::told(story),
        "refund.created" | "refund.updated" => refund::told(story),
        "order.created" | "order.updated" => order::told(story),
        "order.fulfillment.updated" => order::fulfilled(story),
        "customer.created" => customer::told("crm.contact.created", story),
        "customer.updated" => customer::told("crm.contact.updated", story),
        "customer.deleted" => customer::told("crm.contact.deleted", story),
        "card.created"
        | "card.updated"
        | "card.automatically_updated"
        | "card.disabled"
        | "card.forgotten" => customer::card(story),
        "gift_card.customer_linked" | "gift_card.customer_unlinked" => giftcard::linked(story),
        "gift_card.created" => giftcard::created(story),
        "gift_card.activity.created" | "gift_card.activity.updated" => giftcard::activity(story),
        "loyalty.account.created" => loyalty::enrolled(story),
        "loyalty.account.updated" | "loyalty.account.deleted" => loyalty::changed(story),
        "loyalty.event.created" => loyalty::points(story),
        "booking.created" | "booking.updated" => booking::told(story),
        "subscription.created" | "subscription.updated" => subscription::told(story),
        "terminal.checkout.created" | "terminal.checkout.updated" => terminal::checkout(story),
        "terminal.refund.created" | "terminal.refund.updated" => terminal::refund(story),
        "device.code.paired" => terminal::paired(story),
        "dispute.created" => payment::disputed(story),
        kind if kind.starts_with("invoice.") => invoice::told(story),
        kind if kind.contains(".custom_attribute.") => attribute::told(story),
        _ => None,
    }
}

/// Takes an amount, which Square sends in the currency's smallest unit:
/// <https://developer.squareup.com/docs/build-basics/working-with-monetary-amounts>.
fn money(from: &mut Fields, name: &str) -> Option<Value> {
    from.take(name, amount)
}

fn amount(value: &Value) -> Option<Value> {
    let code = value.get("currency").or_else(|| value.get("currency_code"))?.as_str()?;
    Some(json!(Money::from_minor(value.get("amount")?.as_i64()?, code)?))
}

/// <https://developer.squareup.com/reference/square/objects/Address>
fn address(from: &mut Fields) -> Fields {
    let mut address = from.texts(&[
        ("address_line_1", "line1"),
        ("address_line_2", "line2"),
        ("locality", "city"),
        ("administrative_district_level_1", "region"),
        ("postal_code", "postal_code"),
    ]);
    address.leave("country_code", from.take("country", |value| locale::country(value.as_str()?)));
    let names = [from.text("first_name"), from.text("last_name")];
    let name = snodo_connector::name::join(names.iter().flatten().map(String::as_str));
    address.leave("name", name);
    address
}

fn addressed(from: &mut Fields, name: &str) -> Option<Fields> {
    let mut inner = from.object(name)?;
    let found = address(&mut inner);
    from.leave(name, inner);
    Some(found).filter(|found| !found.is_empty())
}

/// The shop, as what happened there is told with it.
fn store(from: &mut Fields) -> Option<Value> {
    from.text("location_id").map(|id| json!({"id": id}))
}

/// When the object was last touched, or made.
fn touched(of: &Fields) -> Option<String> {
    ["updated_at", "created_at"].iter().find_map(|name| of.get(*name).and_then(fields::moment))
}

/// What a customer has with Square besides the profile, such as a card, as a part of the profile: its plain fields, each with the
/// part's name before it.
fn part(name: &str, of: &mut Fields, side: &str) -> Vec<Value> {
    let is_plain = |value: &Value| value.is_boolean() || fields::text(value).is_some();
    let plain = of.iter().filter(|(_, value)| is_plain(value)).map(|(field, _)| field.clone());
    let mut plain: Vec<String> = plain.collect();
    // An object's fields have no order, a list has.
    plain.sort_unstable();
    let told = |field: String| {
        let value = of.shift_remove(&field);
        json!({"name": format!("{name}.{field}"), side: value})
    };
    plain.into_iter().map(told).collect()
}
