//! An event as a click conversion. Whether it may be told at all is decided first.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use snodo_connector::canonical::{self, Customer};
use snodo_connector::{Delivery, Fault, Outcome, binary, contact, time, url};

use crate::config::{Config, Silent};

/// Google's limit.
const ORDER_ID_CHARS_MAX: usize = 64;

/// `ClickConversion` of the API.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    #[serde(skip_serializing_if = "Option::is_none")]
    gclid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gbraid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wbraid: Option<String>,
    conversion_action: String,
    conversion_date_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversion_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency_code: Option<String>,
    order_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    user_identifiers: Vec<Identifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<Consent>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Identifier {
    user_identifier_source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hashed_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hashed_phone_number: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Consent {
    ad_user_data: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ad_personalization: Option<&'static str>,
}

impl Conversion {
    /// Google refuses both of two that have the same order, or the same click and time, in one request.
    pub fn clashes(&self, other: &Self) -> bool {
        let click = |one: &Self| one.gclid.clone().or(one.gbraid.clone()).or(one.wbraid.clone());
        let same_click = click(self).is_some() && click(self) == click(other);
        self.conversion_action == other.conversion_action
            && (self.order_id == other.order_id
                || same_click && self.conversion_date_time == other.conversion_date_time)
    }
}

/// What is told; else what becomes of the delivery without it.
pub fn conversion(delivery: &Delivery, config: &Config) -> Result<Conversion, Outcome> {
    let event = &delivery.event;
    let Some(conversion_action) = config.action(&event.kind) else {
        return Err(Outcome::ignored(format!(
            "{} counts for no conversion action of the channel",
            event.kind
        )));
    };
    let data: Value = event.data()?;
    let consent = judge(&data, config)?;
    let (mut gclid, mut gbraid, mut wbraid) = (click(&data, "gclid"), None, None);
    if gclid.is_none() && data["ad"]["platform"].as_str().is_some_and(is_google) {
        gclid = filled(&data["ad"]["click_id"]);
    }
    // Of the three Google takes one.
    if gclid.is_none() {
        gbraid = click(&data, "gbraid");
        wbraid = if gbraid.is_none() { click(&data, "wbraid") } else { None };
    }
    let user_identifiers = match config.match_customers && gbraid.is_none() && wbraid.is_none() {
        true => identifiers(&data)?,
        false => Vec::new(),
    };
    if gclid.is_none() && gbraid.is_none() && wbraid.is_none() && user_identifiers.is_empty() {
        return Err(Outcome::ignored(
            "it has neither a click nor an address or number that Google could match",
        ));
    }
    let Some(conversion_date_time) = date_time(&event.time) else {
        let fault = snodo_connector::Fault::permanent_at("/time", "the event's time has no offset");
        return Err(Outcome::Failed(fault));
    };
    let (conversion_value, currency_code) = value(&data).unzip();
    Ok(Conversion {
        gclid,
        gbraid,
        wbraid,
        conversion_action,
        conversion_date_time,
        conversion_value,
        currency_code,
        order_id: order_id(&data).unwrap_or_else(|| shortened(&delivery.idempotency_key)),
        user_identifiers,
        consent,
    })
}

/// A purpose that is not there has not been agreed to. `None` where the channel sends what says nothing.
fn judge(data: &Value, config: &Config) -> Result<Option<Consent>, Outcome> {
    let consent: canonical::Consent = canonical::part(data.get("consent"), "/consent")?;
    let state = |purpose: &str| consent.about(purpose).map(|said| said.state.as_str());
    match state(&config.purpose) {
        Some("granted") => {}
        Some(state @ ("denied" | "withdrawn" | "pending")) => {
            return Err(Outcome::ignored(format!("the customer's consent to {} is {state}", config.purpose)));
        }
        _ if config.event_without_consent == Silent::Send => return Ok(None),
        _ => return Err(Outcome::ignored(format!("the event holds no consent to {}", config.purpose))),
    }
    let ad_personalization = match state(&config.personalisation_purpose) {
        Some("granted") => Some("GRANTED"),
        Some("denied" | "withdrawn") => Some("DENIED"),
        _ => None,
    };
    Ok(Some(Consent { ad_user_data: "GRANTED", ad_personalization }))
}

/// The id of a click: from the campaign, or from the address of the page that the ad led to.
fn click(data: &Value, name: &str) -> Option<String> {
    let named = ["/touchpoint/campaign/click_ids", "/campaign/click_ids"];
    let known = named.iter().find_map(|at| filled(data.pointer(at)?.get(name)?));
    let pages =
        ["/order/landing_url", "/checkout/landing_url", "/touchpoint/page/url", "/page/url", "/form/url"];
    known.or_else(|| pages.iter().find_map(|at| parameter(data.pointer(at)?.as_str()?, name)))
}

fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1.split('#').next()?;
    let pairs = url::form_pairs(query.as_bytes());
    pairs.into_iter().find(|(key, value)| key == name && !value.trim().is_empty()).map(|(_, value)| value)
}

/// Address and number as Google normalises them, hashed. At most one of each: they are one person's.
fn identifiers(data: &Value) -> Result<Vec<Identifier>, Fault> {
    let customer: Customer = canonical::part(data.get("customer"), "/customer")?;
    let (named, traits) = (|namespace: &str| customer.current(namespace).next(), &customer.traits);
    let of_order = |name: &str| data["order"][name].as_str();
    let email = [named("email"), traits.email.as_deref(), of_order("email")];
    let phone = [named("phone"), traits.mobile.as_deref(), traits.phone.as_deref(), of_order("phone")];
    let email = email.into_iter().flatten().find_map(contact::email).map(|email| hashed(&plain(&email)));
    let phone = phone.into_iter().flatten().find_map(contact::phone).map(|phone| hashed(&phone));
    let one = |hashed_email, hashed_phone_number| Identifier {
        user_identifier_source: "FIRST_PARTY",
        hashed_email,
        hashed_phone_number,
    };
    let email = email.map(|email| one(Some(email), None));
    let phone = phone.map(|phone| one(None, Some(phone)));
    Ok(email.into_iter().chain(phone).collect())
}

/// Dots before the `@` of Google's own addresses say nothing.
fn plain(email: &str) -> String {
    match email.split_once('@') {
        Some((local, domain @ ("gmail.com" | "googlemail.com"))) => {
            format!("{}@{domain}", local.replace('.', ""))
        }
        _ => email.to_owned(),
    }
}

fn hashed(text: &str) -> String {
    binary::to_hex(&Sha256::digest(text.as_bytes()))
}

/// What it was worth, as a number: Google has no decimals.
fn value(data: &Value) -> Option<(f64, String)> {
    const AMOUNTS: [&str; 7] = [
        "/ad/conversion/value",
        "/order/total",
        "/receipt/total",
        "/lead/value",
        "/opportunity/amount",
        "/subscription/price",
        "/checkout/total",
    ];
    let money = AMOUNTS.iter().find_map(|at| data.pointer(at))?;
    let amount: f64 = money["amount"].as_str()?.parse().ok()?;
    Some((amount, money["currency"].as_str()?.to_owned()))
}

/// Google counts an order once for each action, so a second telling does no harm.
fn order_id(data: &Value) -> Option<String> {
    const IDS: [&str; 6] = [
        "/order/id",
        "/ad/conversion/order_id",
        "/receipt/id",
        "/lead/id",
        "/opportunity/id",
        "/subscription/id",
    ];
    let id = IDS.iter().find_map(|at| filled(data.pointer(at)?))?;
    // An address in its place would be refused as personal.
    (!id.contains('@')).then(|| shortened(&id))
}

/// Longer ones become their digest: cut off, two might be one.
fn shortened(id: &str) -> String {
    if id.chars().count() <= ORDER_ID_CHARS_MAX { id.to_owned() } else { hashed(id) }
}

/// `2026-03-01 09:30:00+01:00`, from RFC 3339.
fn date_time(text: &str) -> Option<String> {
    let text = time::rfc3339(text)?;
    let (date, rest) = text.split_once('T')?;
    let clock = rest.get(..8)?;
    let offset = rest.get(8..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = if offset == "Z" { "+00:00" } else { offset };
    Some(format!("{date} {clock}{offset}"))
}

fn is_google(platform: &str) -> bool {
    platform.to_ascii_lowercase().contains("google")
}

fn filled(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}
