//! A customer as a HubSpot contact.

use snodo_connector::Fault;
use snodo_connector::contact::email;

use super::Contact;
use crate::canonical::{Address, Body, Traits};
use crate::config::Config;

/// `None` without an e-mail address. `bought` says that the event makes the person a customer.
pub fn contact(body: &Body, config: &Config, bought: bool) -> Option<Contact> {
    let of_order = || body.order.as_ref()?.email.as_deref().and_then(email);
    let email = body.customer.email().or_else(of_order)?;
    let mut properties = vec![("email".to_owned(), email.clone())];
    for (field, value) in fields(&body.customer.traits, address(body)) {
        if let (Some(property), Some(value)) = (config.contact_property(field), value) {
            properties.push((property.to_owned(), value));
        }
    }
    if let Some(stage) = config.customer_lifecycle_stage.as_ref().filter(|_| bought) {
        properties.push(("lifecyclestage".into(), stage.clone()));
    }
    for (purpose, property) in &config.consent_properties {
        if let Some(given) = body.consent.purposes.get(purpose) {
            properties.push((property.clone(), given.state.clone()));
        }
    }
    Some(Contact { email, properties })
}

/// A change of consent that HubSpot would not hear of must not pass for delivered.
pub fn expect_consent(body: &Body, contact: &Contact, config: &Config) -> Result<(), Fault> {
    let written = config.consent_properties.values();
    if written.into_iter().any(|property| contact.properties.iter().any(|(name, _)| name == property)) {
        return Ok(());
    }
    let purposes: Vec<&str> = body.consent.purposes.keys().map(String::as_str).collect();
    Err(Fault::permanent_at(
        "/consent/purposes",
        format!(
            "no contact property takes the consent for {}: name one in the channel's consent_properties",
            if purposes.is_empty() { "any purpose".to_owned() } else { purposes.join(", ") }
        ),
    ))
}

fn fields(traits: &Traits, address: Option<&Address>) -> Vec<(&'static str, Option<String>)> {
    let some = |value: &Option<String>| value.clone();
    let whole_name = traits.given_name.is_none() && traits.family_name.is_none();
    // HubSpot has no property for a whole name, and where it ends and the family begins is not ours to guess.
    let given = if whole_name { &traits.name } else { &traits.given_name };
    let at = |read: fn(&Address) -> Option<String>| address.and_then(read);
    vec![
        ("given_name", some(given)),
        ("family_name", some(&traits.family_name)),
        ("salutation", some(&traits.salutation)),
        ("phone", some(&traits.phone)),
        ("mobile", some(&traits.mobile)),
        ("company", some(&traits.company)),
        ("job_title", some(&traits.job_title)),
        ("industry", some(&traits.industry)),
        ("website", some(&traits.website)),
        ("birth_date", some(&traits.birth_date)),
        ("gender", some(&traits.gender)),
        ("language", some(&traits.language)),
        ("timezone", some(&traits.timezone)),
        ("note", some(&traits.note)),
        // HubSpot separates the choices of a checkbox property with semicolons.
        ("tags", (!traits.tags.is_empty()).then(|| traits.tags.join(";"))),
        ("orders_count", traits.orders_count.map(|count| count.to_string())),
        ("total_spent", traits.total_spent.as_ref().map(|money| money.amount.clone())),
        ("street", at(street)),
        ("city", at(|address| address.city.clone())),
        ("region", at(|address| address.region.clone())),
        ("postal_code", at(|address| address.postal_code.clone())),
        ("country", at(|address| address.country.clone().or_else(|| address.country_code.clone()))),
    ]
}

/// The customer's own address before one that stands on an order.
fn address(body: &Body) -> Option<&Address> {
    let own = &body.customer.traits.addresses;
    let of_order = || {
        let order = body.order.as_ref()?;
        order.billing_address.as_ref().or(order.shipping_address.as_ref())
    };
    own.iter().find(|address| address.primary).or_else(|| own.first()).or_else(of_order)
}

fn street(address: &Address) -> Option<String> {
    match (&address.line1, &address.line2) {
        (Some(first), Some(second)) => Some(format!("{first}, {second}")),
        (first, second) => first.clone().or_else(|| second.clone()),
    }
}
