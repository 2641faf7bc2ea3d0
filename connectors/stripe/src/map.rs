//! Which event of Stripe's is which type, and the readings that all objects share. A mapping takes from the object what has a
//! canonical place; the rest goes under `vendor` by Stripe's own names.

mod charge;
mod checkout;
mod customer;
mod dispute;
mod intent;
mod invoice;
mod payment;
mod person;
mod quote;
mod refund;
mod subscription;
mod sum;

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{locale, time};

pub struct Told {
    pub kind: &'static str,
    /// `order/pi_1`.
    pub subject: Option<String>,
    pub data: Fields,
}

impl Told {
    fn new(kind: &'static str, subject: String, data: Fields) -> Option<Self> {
        Some(Self { kind, subject: Some(subject), data })
    }
}

/// An event taken apart. What a mapping leaves in it is told under `vendor`.
pub struct Story {
    kind: String,
    /// When it happened.
    at: Option<String>,
    object: Fields,
    /// The values before an update, of the fields that changed.
    previous: Fields,
}

/// `None` if the vocabulary has no word for it, or the object does not hold what the word needs.
pub fn tell(mut event: Fields) -> Option<Told> {
    let mut data = event.object("data")?;
    let mut story = Story {
        kind: event.text("type")?,
        at: event.get("created").and_then(epoch),
        object: data.object("object")?,
        previous: data.object("previous_attributes").unwrap_or_default(),
    };
    let mut told = mapped(&mut story)?;
    for name in ["object", "livemode"] {
        story.object.shift_remove(name);
    }
    data.leave("object", story.object);
    data.leave("previous_attributes", story.previous);
    event.leave("data", data);
    for name in ["id", "object", "created", "account", "api_version"] {
        event.shift_remove(name);
    }
    if let Some(request) = event.get_mut("request").and_then(Value::as_object_mut) {
        request.shift_remove("id");
    }
    told.data.leave("vendor", event);
    Some(told)
}

fn mapped(story: &mut Story) -> Option<Told> {
    let kind = story.kind.clone();
    match kind.as_str() {
        "charge.succeeded" | "charge.captured" | "charge.updated" | "charge.pending" | "charge.failed"
        | "charge.expired" | "charge.refunded" => charge::told(story),
        "charge.refund.updated" | "refund.created" | "refund.updated" | "refund.failed" => {
            refund::told(story)
        }
        "charge.dispute.created" => dispute::raised(story),
        "credit_note.created" => invoice::credited(story),
        "customer.created" => customer::told("crm.contact.created", story),
        "customer.updated" => customer::told("crm.contact.updated", story),
        "customer.deleted" => customer::told("crm.contact.deleted", story),
        "customer.discount.created" | "customer.discount.updated" => customer::discounted(story),
        "identity.verification_session.verified" => customer::verified(story),
        _ if kind.starts_with("checkout.session.") => checkout::told(story),
        _ if kind.starts_with("payment_intent.") => intent::told(story),
        _ if kind.starts_with("invoice.") => invoice::told(story),
        _ if kind.starts_with("quote.") => quote::told(story),
        _ if kind.starts_with("customer.subscription.") => subscription::told(story),
        // What a customer pays with, and their tax numbers, are parts of their account.
        _ if kind.starts_with("customer.") || kind.starts_with("payment_method.") => customer::changed(story),
        _ => None,
    }
}

/// Seconds since 1970 as RFC 3339.
fn epoch(value: &Value) -> Option<String> {
    value.as_i64().and_then(time::from_epoch_seconds)
}

fn when(from: &mut Fields, name: &str) -> Option<String> {
    from.take(name, epoch)
}

/// An id, also where the object itself stands in its place.
fn id(from: &Fields, name: &str) -> Option<String> {
    let value = from.get(name)?;
    fields::text(value.get("id").unwrap_or(value))
}

/// The same, taken. An object in its place is left: it says more than its id.
fn take_id(from: &mut Fields, name: &str) -> Option<String> {
    from.text(name).or_else(|| id(from, name))
}

/// <https://docs.stripe.com/api/customers/object#customer_object-address>
fn address(from: &mut Fields) -> Fields {
    let mut address = from.texts(&[
        ("line1", "line1"),
        ("line2", "line2"),
        ("city", "city"),
        ("state", "region"),
        ("postal_code", "postal_code"),
    ]);
    address.leave("country_code", from.take("country", |value| locale::country(value.as_str()?)));
    address.extend(from.texts(&[("country", "country")]));
    address
}

/// `shipping` of customers, payments and invoices: a name, a telephone number and an address; also a carrier.
fn shipping(from: &mut Fields, name: &str) -> Option<Fields> {
    let mut shipping = from.object(name)?;
    let mut found = shipping.texts(&[("name", "name"), ("phone", "phone")]);
    if let Some(mut inner) = shipping.object("address") {
        found.extend(address(&mut inner));
        shipping.leave("address", inner);
    }
    from.leave(name, shipping);
    Some(found)
}

/// What the company attached, as attributes of an order. Its own number of the order is by custom `order_id`, as in
/// <https://docs.stripe.com/metadata>.
fn metadata(from: &mut Fields, order: &mut Fields) {
    let Some(mut metadata) = from.object("metadata") else { return };
    if let Some(number) = metadata.text("order_id") {
        order.entry("number").or_insert_with(|| number.into());
    }
    let mut names: Vec<String> = metadata.keys().cloned().collect();
    names.sort_unstable();
    let mut attributes = order.list("attributes").unwrap_or_default();
    for name in names {
        if let Some(value) = metadata.text(&name) {
            attributes.push(json!({"name": name, "value": value}));
        }
    }
    order.leave("attributes", attributes);
    from.leave("metadata", metadata);
}

/// The list in an object such as `{"object": "list", "data": […]}`, each to take from. What is left of them keeps its place.
fn each(from: &mut Fields, name: &str, mut read: impl FnMut(&mut Fields) -> Fields) -> Vec<Value> {
    let Some(items) = from.get_mut(name).and_then(|list| list.get_mut("data")).and_then(Value::as_array_mut)
    else {
        return Vec::new();
    };
    items.iter_mut().filter_map(Value::as_object_mut).map(|item| Value::Object(read(item))).collect()
}
