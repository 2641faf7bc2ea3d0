//! Who a call is about: <https://segment.com/docs/connections/spec/identify/>.

use serde_json::{Value, json};
use snodo_connector::{locale, time};

use snodo_connector::fields::{self, Fields, Take};

/// The company's own id of a user. Its libraries share it between all their sources, so it is not told apart by channel.
pub const USER: &str = "segment:user";

pub fn user(id: &str) -> Value {
    json!({"namespace": USER, "value": id, "kind": "account", "authenticated": "asserted"})
}

pub fn anonymous(id: &str) -> Value {
    json!({"namespace": "anonymous", "value": id, "kind": "anonymous"})
}

/// The libraries make anonymous ids of this form: 8-4-4-4-12 hexadecimal digits.
pub fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Takes the ids out of the message, and out of the traits what has a canonical name.
pub fn customer(message: &mut Fields, traits: &mut Fields) -> Value {
    let user_id = message.text("userId");
    let mut identifiers: Vec<Value> = user_id.as_deref().map(user).into_iter().collect();
    identifiers.extend(message.text("anonymousId").as_deref().map(anonymous));
    let traits = person(traits);
    let mut add = |namespace: &str, value: Option<&Value>| {
        identifiers
            .extend(value.map(|value| json!({"namespace": namespace, "value": value, "kind": "person"})));
    };
    add("email", traits.get("email"));
    // Without its country's code a number is not the same everywhere.
    add(
        "phone",
        traits.get("phone").filter(|phone| phone.as_str().is_some_and(|phone| phone.starts_with('+'))),
    );
    let mut customer = Fields::new();
    if user_id.is_none() && !identifiers.is_empty() {
        customer.insert("anonymous".into(), true.into());
    }
    customer.leave("identifiers", identifiers);
    customer.leave("traits", traits);
    Value::Object(customer)
}

fn person(traits: &mut Fields) -> Fields {
    let mut person = traits.texts(&[
        ("name", "name"),
        ("firstName", "given_name"),
        ("lastName", "family_name"),
        ("username", "nickname"),
        ("website", "website"),
        ("avatar", "avatar_url"),
        ("gender", "gender"),
        ("title", "job_title"),
        ("description", "note"),
    ]);
    let email = traits
        .take("email", |value| Some(value.as_str()?.trim().to_lowercase()).filter(|one| one.contains('@')));
    person.leave("email", email);
    let phone = |value: &Value| {
        let number: String = value.as_str()?.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        (number.len() > 4).then_some(number)
    };
    person.leave("phone", traits.take("phone", phone));
    let age = traits.take("age", |value| value.as_u64().filter(|age| *age <= 150));
    person.leave("age", age);
    person.leave("birth_date", traits.take("birthday", birth_date));
    person.leave("created_at", traits.take("createdAt", fields::moment));
    if let Some(mut company) = traits.object("company") {
        person.extend(company.texts(&[("name", "company"), ("industry", "industry")]));
        traits.leave("company", company);
    } else {
        person.extend(traits.texts(&[("company", "company")]));
    }
    if let Some(mut address) = traits.object("address") {
        let mut found = address.texts(&[
            ("street", "line1"),
            ("city", "city"),
            ("state", "region"),
            ("postalCode", "postal_code"),
        ]);
        found.extend(country(&mut address));
        person.leave("addresses", vec![Value::Object(found)]);
        traits.leave("address", address);
    }
    // What is left of scalars are the company's own traits.
    let own: Vec<String> = traits
        .iter()
        .filter(|(name, value)| {
            !RESERVED.contains(&name.as_str()) && (value.is_boolean() || fields::text(value).is_some())
        })
        .map(|(name, _)| name.clone())
        .collect();
    let own: Fields = own.into_iter().filter_map(|name| traits.shift_remove_entry(&name)).collect();
    person.leave("custom", own);
    person
}

/// Names that have a meaning by Segment's specification: in another form than it says they are not the company's own.
const RESERVED: [&str; 9] =
    ["id", "email", "phone", "age", "birthday", "createdAt", "company", "address", "anonymousId"];

/// A country's code is one, everything else is a name.
pub fn country(address: &mut Fields) -> Fields {
    match address.take("country", |value| locale::country(value.as_str()?)) {
        Some(code) => Fields::from_iter([("country_code".to_owned(), code.into())]),
        None => address.texts(&[("country", "country")]),
    }
}

/// A day, or the day of a moment.
fn birth_date(value: &Value) -> Option<String> {
    time::day(value.as_str()?)
}
