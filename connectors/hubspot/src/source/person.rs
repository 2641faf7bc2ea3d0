//! What HubSpot's own contact properties say of a person:
//! <https://knowledge.hubspot.com/properties/hubspots-default-contact-properties>.

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};
use snodo_connector::{contact, locale, time};

use super::moment;

/// Takes what has a canonical name out of the properties: identifiers, and traits.
pub fn known(properties: &mut Fields) -> (Vec<Value>, Fields) {
    let mut identifiers = Vec::new();
    let mut traits = properties.texts(&[
        ("firstname", "given_name"),
        ("lastname", "family_name"),
        ("salutation", "salutation"),
        ("company", "company"),
        ("jobtitle", "job_title"),
        ("industry", "industry"),
        ("website", "website"),
        ("gender", "gender"),
        ("lifecyclestage", "lifecycle_stage"),
        ("hubspot_owner_id", "owner_id"),
        ("hs_analytics_source", "source"),
    ]);
    if let Some(email) = properties.take("email", |value| contact::email(value.as_str()?)) {
        identifiers.push(json!({"namespace": "email", "value": email, "kind": "person", "primary": true}));
        traits.insert("email".into(), email.into());
    }
    let others = |value: &Value| value.as_str()?.split(';').map(contact::email).collect::<Option<Vec<_>>>();
    for email in properties.take("hs_additional_emails", others).unwrap_or_default() {
        identifiers.push(json!({"namespace": "email", "value": email, "kind": "person"}));
    }
    for (property, name) in [("phone", "phone"), ("mobilephone", "mobile")] {
        let number = properties.take(property, |value| contact::phone(value.as_str()?));
        if let Some(number) = &number {
            identifiers.push(json!({"namespace": "phone", "value": number, "kind": "person"}));
        }
        traits.leave(name, number.or_else(|| properties.text(property)));
    }
    traits.leave("language", properties.take("hs_language", |value| locale::tag(value.as_str()?)));
    traits.leave("birth_date", properties.take("date_of_birth", |value| time::day(value.as_str()?)));
    traits.leave("created_at", properties.take("createdate", moment));
    traits.leave("updated_at", properties.take("lastmodifieddate", moment));
    traits.leave("addresses", address(properties).map(|address| vec![address]));
    (identifiers, traits)
}

/// Of people and companies alike.
pub fn address(properties: &mut Fields) -> Option<Value> {
    let mut address = properties.texts(&[
        ("address", "line1"),
        ("address2", "line2"),
        ("city", "city"),
        ("state", "region"),
        ("hs_state_code", "region_code"),
        ("zip", "postal_code"),
    ]);
    let country = |value: &Value| locale::country(value.as_str()?);
    let code =
        properties.take("hs_country_region_code", country).or_else(|| properties.take("country", country));
    address.leave("country_code", code);
    address.extend(properties.texts(&[("country", "country")]));
    (!address.is_empty()).then(|| address.into())
}

/// Who has opted out of all e-mail has taken consent back. Who has not, has said nothing by that.
pub fn consent(properties: &mut Fields) -> Option<Value> {
    let opted_out = |value: &Value| (value == "true" || value == &Value::Bool(true)).then_some(());
    properties.take("hs_email_optout", opted_out)?;
    Some(json!({"purposes": {"marketing.email": {"state": "withdrawn"}}}))
}
