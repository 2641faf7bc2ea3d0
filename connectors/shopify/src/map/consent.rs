//! Consent to marketing. Shopify's states: <https://shopify.dev/docs/api/admin-graphql/latest/enums/CustomerEmailMarketingState>.

use super::customer::Person;
use super::touchpoint;
use super::{Hook, Told, id};
use crate::tree::{Object, Text};

pub const EMAIL: &str = "marketing.email";
pub const SMS: &str = "marketing.sms";
const WHATSAPP: &str = "marketing.whatsapp";

/// A customer's decision on one channel.
pub fn told<'a>(hook: Hook<'a>, mut body: Object<'a>) -> Option<Told<'a>> {
    let mut person = Person::default();
    let customer = id(&mut body, "customer_id").or_else(|| id(&mut body, "id"))?;
    person.shopify(hook, &customer);
    person.email(body.text("email_address"), None);
    person.phone(body.text("phone").or_else(|| body.text("phone_number")));
    let mut purposes = Object::new();
    let mut time = None;
    for (field, purpose) in [
        ("email_marketing_consent", EMAIL),
        ("sms_marketing_consent", SMS),
        ("whats_app_marketing_consent", WHATSAPP),
    ] {
        if let Some(record) = body.object(field) {
            let decision = decision(record);
            time = decision.peek("at");
            purposes.put(purpose, decision);
        }
    }
    if person.is_unknown() || purposes.is_blank() {
        return None;
    }
    let mut data = Object::new();
    data.put("customer", person);
    data.put("consent", within(purposes));
    data.put("touchpoint", touchpoint::backoffice());
    data.put("vendor", body);
    Some(Told {
        kind: "consent.preference.updated",
        subject: Some(format!("customer/{customer}")),
        time,
        data,
    })
}

/// What a customer's record says of all channels. The older single answer holds for e-mail where no newer one is.
pub fn of_customer<'a>(customer: &mut Object<'a>) -> Object<'a> {
    let mut purposes = Object::new();
    for (field, purpose) in [("email_marketing_consent", EMAIL), ("sms_marketing_consent", SMS)] {
        if let Some(record) = customer.object(field) {
            purposes.put(purpose, decision(record));
        }
    }
    if let Some(current) = purposes.object(EMAIL) {
        if Some(current.says("state", "granted")) == customer.peek_bool("accepts_marketing") {
            customer.take("accepts_marketing");
        }
    } else if let Some(accepts) = customer.bool("accepts_marketing") {
        let mut decision = Object::new();
        decision.put("state", if accepts { "granted" } else { "denied" });
        decision.put("at", customer.time("accepts_marketing_updated_at"));
        decision.put("method", customer.text("marketing_opt_in_level"));
        purposes.put(EMAIL, decision);
    }
    purposes
}

/// A box ticked in the checkout is a yes. One that was not ticked takes nothing back, so it says nothing here.
pub fn of_checkout<'a>(body: &mut Object<'a>, field: &str, purpose: &'static str, purposes: &mut Object<'a>) {
    if body.peek_bool(field) != Some(true) {
        return;
    }
    // What the customer's own record says is the better answer.
    if let Some(current) = purposes.object(purpose) {
        if current.says("state", "granted") {
            body.take(field);
        }
        return;
    }
    body.take(field);
    let mut decision = Object::new();
    decision.put("state", "granted");
    decision.put("at", body.peek("created_at").filter(|time| crate::tree::is_time(time)));
    decision.put("source", "checkout");
    purposes.put(purpose, decision);
}

pub fn within<'a>(purposes: Object<'a>) -> Object<'a> {
    let mut consent = Object::new();
    consent.put("purposes", purposes);
    consent
}

fn decision<'a>(record: &mut Object<'a>) -> Object<'a> {
    let state = record.text("state");
    let mut decision = Object::new();
    decision.put("state", canonical(state.as_deref()));
    decision.put("at", record.time("consent_updated_at").or_else(|| record.time("updated_at")));
    decision.put("method", record.text("opt_in_level"));
    let source: Option<Text> =
        record.text("consent_collected_from").or_else(|| record.text("collected_from"));
    decision.put("source", source);
    decision
}

/// A state we do not know is no consent.
fn canonical(state: Option<&str>) -> &'static str {
    match state.map(str::to_ascii_lowercase).as_deref() {
        Some("subscribed") => "granted",
        Some("not_subscribed") => "denied",
        Some("unsubscribed") => "withdrawn",
        Some("pending") => "pending",
        _ => "unknown",
    }
}
