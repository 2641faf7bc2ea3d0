//! `billing` and `shipping`, which all that has an address has alike.

use serde_json::Value;
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{locale, name};

/// Empty fields are what is left of an address that nobody gave.
pub fn address(from: &mut Fields) -> Option<Fields> {
    let mut address = Fields::new();
    let names = from.texts(&[("first_name", "first"), ("last_name", "last")]);
    let parts = ["first", "last"].iter().filter_map(|part| names.get(*part)?.as_str());
    address.leave("name", name::join(parts));
    address.extend(from.texts(&[
        ("company", "company"),
        ("address_1", "line1"),
        ("address_2", "line2"),
        ("city", "city"),
        ("postcode", "postal_code"),
        ("phone", "phone"),
    ]));
    // A code where the country has a list of them, else what the customer typed in.
    let code = |value: &Value| {
        let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        fields::text(value).filter(|code| code.len() <= 6 && code.bytes().all(is_part))
    };
    address.leave("region_code", from.take("state", code));
    address.leave("region", from.text("state"));
    address.leave("country_code", from.take("country", |value| locale::country(value.as_str()?)));
    address.extend(from.texts(&[("country", "country")]));
    (!address.is_empty()).then_some(address)
}
