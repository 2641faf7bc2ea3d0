//! What of an event's customer goes into a profile. Lengths as in
//! <https://developer.squareup.com/reference/square/customers-api/create-customer>.

use serde_json::{Map, Value};
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
    let customer = &data["customer"];
    let identifier = |namespace: &str| {
        let all = || customer["identifiers"].as_array().into_iter().flatten();
        let named = || all().filter(|one| one["namespace"] == namespace);
        let found = named().find(|one| one["primary"] == true).or_else(|| named().next())?;
        found["value"].as_str().and_then(text::filled).map(str::to_owned)
    };
    let traits = &customer["traits"];
    let word = |name: &str| traits[name].as_str().and_then(text::filled);
    let email = identifier("email").or_else(|| word("email").map(str::to_owned));
    let email = email.and_then(|email| contact::email(&email)).filter(|email| email.len() <= 254);
    let phone = [identifier("phone"), word("phone").map(str::to_owned), word("mobile").map(str::to_owned)];
    // Square takes 9 to 16 digits.
    let phone =
        phone.into_iter().flatten().find_map(|phone| contact::phone(&phone)).filter(|phone| phone.len() > 9);
    let reference = config.reference_namespace.as_deref().and_then(identifier).filter(|id| id.len() <= 100);
    let id = identifier("square:customer");
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
    let whole = || word("name").filter(|_| word("family_name").is_none());
    put("given_name", word("given_name").or_else(whole), 300);
    put("family_name", word("family_name"), 300);
    put("company_name", word("company"), 500);
    put("nickname", word("nickname"), 100);
    put("email_address", email.as_deref(), 254);
    put("phone_number", phone.as_deref(), 16);
    put("reference_id", reference.as_deref(), 100);
    put("birthday", word("birth_date").and_then(time::day).as_deref(), 10);
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

fn address(traits: &Value) -> Option<Value> {
    let all = traits["addresses"].as_array()?;
    let address = all.iter().find(|address| address["primary"] == true).or_else(|| all.first())?;
    let mut found = Map::new();
    for (name, theirs) in [
        ("line1", "address_line_1"),
        ("line2", "address_line_2"),
        ("city", "locality"),
        ("region", "administrative_district_level_1"),
        ("postal_code", "postal_code"),
        ("country_code", "country"),
    ] {
        if let Some(value) = address[name].as_str().and_then(text::filled) {
            found.insert(theirs.to_owned(), text::truncate(value, 500).into());
        }
    }
    (!found.is_empty()).then_some(Value::Object(found))
}
