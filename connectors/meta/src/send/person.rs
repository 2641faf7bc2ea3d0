//! By what Meta finds the customer, in its spelling and as SHA-256:
//! <https://developers.facebook.com/documentation/ads-commerce/conversions-api/parameters/customer-information-parameters>.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use snodo_connector::{Delivery, binary, contact};

use super::filled;

pub fn user_data(delivery: &Delivery, data: &Value, at_ms: i64) -> Map<String, Value> {
    let customer = &data["customer"];
    let traits = &customer["traits"];
    let touchpoint = &data["touchpoint"];
    let address = address(data);
    let named = |namespace: &str| identifiers(customer, namespace);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mails = named("email").into_iter().chain(text(&traits["email"])).chain(text(&data["order"]["email"]));
    let mails = mails.filter_map(|mail| contact::email(&mail));
    let numbers = named("phone").into_iter().chain(text(&traits["phone"])).chain(text(&traits["mobile"]));
    let numbers = numbers.filter_map(|number| contact::phone(&number));
    let ids = delivery.customer.iter().cloned().chain(named("account"));
    let country = text(&address["country_code"]).map(|code| code.to_lowercase());
    let zip = text(&address["postal_code"]).map(|code| zip(&code, country.as_deref()));
    let state = text(&address["region_code"]).or_else(|| text(&address["region"])).map(|one| letters(&one));
    let (given, family) = names(traits);
    filled([
        ("em", hashes(mails)),
        ("ph", hashes(numbers.map(|number| number.trim_start_matches('+').to_owned()))),
        ("fn", hashes(given)),
        ("ln", hashes(family)),
        ("db", hashes(text(&traits["birth_date"]).map(|date| date.replace('-', "")))),
        ("ge", hashes(gender(&traits["gender"]))),
        ("ct", hashes(text(&address["city"]).map(|one| letters(&one)))),
        ("st", hashes(state)),
        ("zp", hashes(zip)),
        ("country", hashes(country.filter(|code| code.len() == 2))),
        ("external_id", hashes(ids)),
        ("client_ip_address", text(&touchpoint["network"]["ip"]).map(Value::from)),
        ("client_user_agent", text(&touchpoint["user_agent"]).map(Value::from)),
        ("fbc", click(customer, touchpoint, at_ms).map(Value::from)),
        ("fbp", named("meta:fbp").into_iter().next().map(Value::from)),
        ("lead_id", named("meta:lead").into_iter().next().map(Value::from)),
        ("ctwa_clid", text(&touchpoint["campaign"]["click_ids"]["ctwa_clid"]).map(Value::from)),
        ("madid", text(&touchpoint["device"]["advertising_id"]).map(|id| id.to_lowercase().into())),
        ("subscription_id", text(&data["subscription"]["id"]).map(Value::from)),
    ])
}

/// Meta refuses an event with nothing but a country or a browser:
/// <https://developers.facebook.com/documentation/ads-commerce/conversions-api/best-practices#baseline-requirements-for-matching>.
pub fn can_be_found(user: &Map<String, Value>) -> bool {
    let has = |name: &str| user.contains_key(name);
    let alone = ["em", "ph", "external_id", "fbc", "fbp", "lead_id", "ctwa_clid", "madid"];
    alone.into_iter().any(has)
        || has("client_ip_address") && has("client_user_agent")
        || has("fn") && has("ln") && (has("zp") || has("db") || has("ct") && has("st"))
}

fn hashes(values: impl IntoIterator<Item = String>) -> Option<Value> {
    let mut found: Vec<String> = Vec::new();
    for value in values.into_iter().filter(|value| !value.is_empty()) {
        let hash = binary::to_hex(&Sha256::digest(value.as_bytes()));
        if !found.contains(&hash) {
            found.push(hash);
        }
    }
    (!found.is_empty()).then(|| found.into())
}

fn identifiers(customer: &Value, namespace: &str) -> Vec<String> {
    let all = customer["identifiers"].as_array().into_iter().flatten();
    let of = all.filter(|one| one["namespace"] == namespace && one["valid_to"].is_null());
    of.filter_map(|one| one["value"].as_str()).map(str::to_owned).collect()
}

/// The order's own address before that of the customer.
fn address(data: &Value) -> &Value {
    let places = ["/order/billing_address", "/order/shipping_address", "/customer/traits/addresses/0"];
    places.into_iter().filter_map(|at| data.pointer(at)).find(|one| one.is_object()).unwrap_or(&Value::Null)
}

fn names(traits: &Value) -> (Option<String>, Option<String>) {
    let spelled = |text: &str| {
        let kept = text.to_lowercase();
        let kept: String = kept.chars().filter(|one| one.is_alphanumeric() || *one == ' ').collect();
        kept.trim().to_owned()
    };
    let name = |name: &str| traits[name].as_str().map(spelled).filter(|name| !name.is_empty());
    (name("given_name"), name("family_name"))
}

/// Lower case, without blanks, digits or punctuation; letters of any script stay.
fn letters(text: &str) -> String {
    text.to_lowercase().chars().filter(|one| one.is_alphabetic()).collect()
}

/// In the United States Meta wants the first five digits.
fn zip(code: &str, country: Option<&str>) -> String {
    let code = code.to_lowercase();
    let code = if country == Some("us") { code.split('-').next().unwrap_or_default() } else { &code };
    code.chars().filter(|one| one.is_alphanumeric()).collect()
}

fn gender(value: &Value) -> Option<String> {
    match value.as_str()?.trim().to_lowercase().as_str() {
        "f" | "female" | "woman" => Some("f".into()),
        "m" | "male" | "man" => Some("m".into()),
        _ => None,
    }
}

/// Meta's cookie, or what it would hold: version, index of the domain, time of the click, its id.
fn click(customer: &Value, touchpoint: &Value, at_ms: i64) -> Option<String> {
    let cookie = identifiers(customer, "meta:fbc").into_iter().next();
    cookie.or_else(|| {
        let id = touchpoint["campaign"]["click_ids"]["fbclid"].as_str()?;
        Some(format!("fb.1.{at_ms}.{id}"))
    })
}
