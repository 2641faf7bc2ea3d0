//! What of an event's customer goes into a profile. Lengths as in
//! <https://developer.squareup.com/reference/square/customers-api/create-customer>.

use serde_json::{Map, Value};
use snodo_connector::canonical::{self, Customer, Traits};
use snodo_connector::fields::Fields;
use snodo_connector::{Delivery, Outcome, contact, text, time};

use crate::config::Config;

pub struct Known {
    /// Square's own id, where an event names it.
    pub id: Option<String>,
    /// By what a profile is searched for, in this order: the filter's name and the value.
    pub clues: Vec<(&'static str, String)>,
    pub profile: Fields,
}

const KINDS: [&str; 6] = [
    "commerce.order.placed",
    "crm.contact.created",
    "crm.contact.updated",
    "identity.user.identified",
    "loyalty.account.enrolled",
    "pos.customer.attached",
];

/// Else what becomes of the delivery, if there is nobody to write about.
pub fn known(config: &Config, delivery: &Delivery) -> Result<Known, Outcome> {
    let nobody = |why: &str| Err(Outcome::ignored(why));
    if !KINDS.contains(&delivery.event.kind.as_str()) {
        return nobody("it says nothing that a customer profile of Square's has a place for");
    }
    let data: Value = delivery.event.data()?;
    let customer: Customer = canonical::part(data.get("customer"), "/customer")?;
    let traits = &customer.traits;
    let identifier = |namespace: &str| customer.identifier(namespace).and_then(text::filled);
    let email = identifier("email").or_else(|| word(&traits.email));
    let email = email.and_then(contact::email).filter(|email| email.len() <= 254);
    let phone = [identifier("phone"), word(&traits.phone), word(&traits.mobile)];
    // Square takes 9 to 16 digits.
    let phone = phone.into_iter().flatten().find_map(contact::phone).filter(|phone| phone.len() > 9);
    let reference = config.reference_namespace.as_deref().and_then(identifier).filter(|id| id.len() <= 100);
    let reference = reference.map(str::to_owned);
    let id = identifier("square:customer").map(str::to_owned);
    let clues: Vec<(&str, String)> =
        [("reference_id", &reference), ("email_address", &email), ("phone_number", &phone)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect();
    if clues.is_empty() && id.is_none() {
        return nobody("its customer has nothing by which Square could find them again");
    }
    let mut profile = Map::new();
    let mut put = |name: &str, value: Option<&str>, bytes_max: usize| {
        if let Some(value) = value {
            profile.insert(name.to_owned(), text::truncate(value, bytes_max).into());
        }
    };
    // Where a whole name ends and the family begins is not ours to guess.
    let whole = || word(&traits.name).filter(|_| word(&traits.family_name).is_none());
    put("given_name", word(&traits.given_name).or_else(whole), 300);
    put("family_name", word(&traits.family_name), 300);
    put("company_name", word(&traits.company), 500);
    put("nickname", word(&traits.nickname), 100);
    put("email_address", email.as_deref(), 254);
    put("phone_number", phone.as_deref(), 16);
    put("reference_id", reference.as_deref(), 100);
    put("birthday", word(&traits.birth_date).and_then(time::day).as_deref(), 10);
    if let Some(address) = address(traits) {
        profile.insert("address".into(), address);
    }
    let nameable = ["given_name", "family_name", "company_name", "email_address", "phone_number"];
    if id.is_none() && !nameable.iter().any(|name| profile.contains_key(*name)) {
        return nobody("Square makes no profile without a name, an e-mail address or a telephone number");
    }
    if profile.is_empty() {
        return nobody("it says nothing new of its customer");
    }
    Ok(Known { id, clues, profile })
}

fn word(text: &Option<String>) -> Option<&str> {
    text.as_deref().and_then(text::filled)
}

fn address(traits: &Traits) -> Option<Value> {
    let address = traits.address()?;
    let mut found = Map::new();
    for (value, theirs) in [
        (&address.line1, "address_line_1"),
        (&address.line2, "address_line_2"),
        (&address.city, "locality"),
        (&address.region, "administrative_district_level_1"),
        (&address.postal_code, "postal_code"),
        (&address.country_code, "country"),
    ] {
        if let Some(value) = word(value) {
            found.insert(theirs.to_owned(), text::truncate(value, 500).into());
        }
    }
    (!found.is_empty()).then_some(Value::Object(found))
}
