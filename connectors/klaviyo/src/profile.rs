//! A customer as the attributes of a Klaviyo profile.

use serde_json::{Map, Value};
use snodo_connector::canonical::Customer;
use snodo_connector::{contact, locale};

use crate::config::Config;

/// The names that Klaviyo finds a profile by.
#[derive(Debug, Default)]
pub struct Names {
    pub email: Option<String>,
    pub phone: Option<String>,
    pub external_id: Option<String>,
}

impl Names {
    pub const fn is_nobody(&self) -> bool {
        self.email.is_none() && self.phone.is_none() && self.external_id.is_none()
    }

    pub fn attributes(&self) -> Map<String, Value> {
        let mut attributes = Map::new();
        put(&mut attributes, "email", self.email.as_deref());
        put(&mut attributes, "phone_number", self.phone.as_deref());
        put(&mut attributes, "external_id", self.external_id.as_deref());
        attributes
    }
}

pub fn names(customer: &Customer, config: &Config) -> Names {
    let named = |namespace: &str| customer.current(namespace).next();
    let said = |text: &Option<String>, read: fn(&str) -> Option<String>| read(text.as_deref()?);
    let traits = &customer.traits;
    Names {
        email: named("email").and_then(contact::email).or_else(|| said(&traits.email, contact::email)),
        phone: named("phone")
            .and_then(contact::phone)
            .or_else(|| said(&traits.mobile, contact::phone))
            .or_else(|| said(&traits.phone, contact::phone)),
        external_id: config.external_id.as_deref().and_then(named).map(str::to_owned),
    }
}

pub fn attributes(customer: &Customer, names: &Names) -> Map<String, Value> {
    let traits = &customer.traits;
    let mut attributes = names.attributes();
    for (name, value) in [
        ("first_name", &traits.given_name),
        ("last_name", &traits.family_name),
        ("organization", &traits.company),
        ("title", &traits.job_title),
        ("image", &traits.avatar_url),
    ] {
        put(&mut attributes, name, value.as_deref());
    }
    let tag = traits.locale.as_deref().or(traits.language.as_deref()).and_then(locale::tag);
    put(&mut attributes, "locale", tag.as_deref());
    let mut location = Map::new();
    if let Some(address) = traits.address() {
        for (name, value) in [
            ("address1", &address.line1),
            ("address2", &address.line2),
            ("city", &address.city),
            ("region", &address.region),
            ("zip", &address.postal_code),
        ] {
            put(&mut location, name, value.as_deref());
        }
        put(&mut location, "country", address.country.as_deref().or(address.country_code.as_deref()));
    }
    put(&mut location, "timezone", traits.timezone.as_deref());
    if !location.is_empty() {
        attributes.insert("location".into(), location.into());
    }
    let mut own: Map<String, Value> =
        traits.custom.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    put(&mut own, "birth_date", traits.birth_date.as_deref());
    put(&mut own, "lifecycle_stage", traits.lifecycle_stage.as_deref());
    if !traits.tags.is_empty() {
        own.insert("tags".into(), traits.tags.clone().into());
    }
    if !own.is_empty() {
        attributes.insert("properties".into(), own.into());
    }
    attributes
}

fn put(into: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|text| !text.trim().is_empty()) {
        into.insert(name.to_owned(), value.into());
    }
}
