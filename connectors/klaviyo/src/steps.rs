//! The calls that a delivery needs, in their order: mostly one. A consent that gives with one hand and takes with the other needs two.

use serde_json::{Map, Value, json};
use snodo_connector::canonical::{self, Consent, Customer};
use snodo_connector::fields::Fields;
use snodo_connector::{Delivery, Exchange, Fault, Next, Outcome, Request};

use crate::answer;
use crate::config::Config;
use crate::metric;
use crate::profile::{self, Names};

/// The revision of Klaviyo's API that this speaks. Klaviyo supports each for two years.
const REVISION: &str = "2026-07-15";

#[derive(Debug)]
pub struct Step {
    path: &'static str,
    body: Value,
    /// The answer holds the profile's id.
    names_profile: bool,
}

pub fn begin(config: &Config, delivery: &Delivery) -> Result<Next, Outcome> {
    Ok(call(config, &steps(delivery, config)?, 0))
}

pub fn go_on(config: &Config, delivery: &Delivery, exchange: &Exchange) -> Result<Next, Outcome> {
    let steps = steps(delivery, config)?;
    let at = exchange.state.first().copied().unwrap_or_default();
    if let Some(fault) = answer::fault(&exchange.answer) {
        return Ok(fault.into());
    }
    if usize::from(at) + 1 < steps.len() {
        return Ok(call(config, &steps, at + 1));
    }
    if !steps.get(usize::from(at)).is_some_and(|step| step.names_profile) {
        return Ok(Outcome::Accepted(None).into());
    }
    let answered = exchange.answer.json::<Value>();
    let id = answered.as_ref().and_then(|answered| answered.pointer("/data/id")?.as_str());
    let id = id.ok_or_else(|| Fault::retry("the answer is no profile: check what base_url points to"))?;
    Ok(Outcome::Accepted(Some(id.to_owned())).into())
}

/// What is to be done; else what becomes of the delivery without it.
fn steps(delivery: &Delivery, config: &Config) -> Result<Vec<Step>, Outcome> {
    let event = &delivery.event;
    let data: Fields = event.data()?;
    // What Klaviyo itself told is no news to it.
    if data.get("message").is_some_and(|message| message["provider"] == "klaviyo") {
        return Err(Outcome::ignored("Klaviyo told it"));
    }
    let customer: Customer = canonical::part(data.get("customer"), "/customer")?;
    let names = profile::names(&customer, config);
    let kind = event.kind.as_str();
    if names.is_nobody() {
        return Err(Outcome::ignored(
            "it names nobody that Klaviyo could know: no e-mail, telephone or external id",
        ));
    }
    let steps = match kind {
        "crm.contact.created" | "crm.contact.updated" | "identity.user.identified" => {
            let attributes = profile::attributes(&customer, &names);
            let body = json!({"data": {"type": "profile", "attributes": attributes}});
            vec![Step { path: "/api/profile-import", body, names_profile: true }]
        }
        "consent.preference.updated" => {
            consent(&canonical::part(data.get("consent"), "/consent")?, &names, config)
        }
        "message.unsubscribed" | "message.complained" => {
            let medium =
                data.get("message").and_then(|message| message["medium"].as_str()).unwrap_or("email");
            let (email, sms) = (medium == "email", medium == "sms");
            vec![subscriptions(false, email, sms, &names, config)].into_iter().flatten().collect()
        }
        _ => Vec::new(),
    };
    if !steps.is_empty() {
        return Ok(steps);
    }
    let Some(metric) = config.metric(kind) else {
        return Err(match kind {
            "consent.preference.updated" | "message.unsubscribed" | "message.complained" => Outcome::ignored(
                "it decides nothing about the mails and texts that Klaviyo sends to this customer",
            ),
            _ => Outcome::ignored(format!(
                "{kind} is not told to Klaviyo: name a metric for it to change that"
            )),
        });
    };
    Ok(vec![Step { path: "/api/events", body: told(delivery, metric, &data, &names), names_profile: false }])
}

fn told(delivery: &Delivery, metric: &str, data: &Fields, names: &Names) -> Value {
    let told = metric::told(&delivery.event.kind, data);
    let mut attributes = Map::new();
    attributes.insert("properties".into(), told.properties.into());
    attributes.insert("time".into(), delivery.event.time.as_str().into());
    if let Some((value, currency)) = told.value {
        attributes.insert("value".into(), value.into());
        attributes.insert("value_currency".into(), currency.into());
    }
    // Of several with one id, metric and profile Klaviyo keeps the first: told again, it is the same.
    attributes.insert("unique_id".into(), delivery.idempotency_key.as_str().into());
    let metric = json!({"data": {"type": "metric", "attributes": {"name": metric}}});
    attributes.insert("metric".into(), metric);
    attributes
        .insert("profile".into(), json!({"data": {"type": "profile", "attributes": names.attributes()}}));
    json!({"data": {"type": "event", "attributes": attributes}})
}

/// What the customer gives first, then what they take back. A purpose that was not spoken of stays as it is.
fn consent(consent: &Consent, names: &Names, config: &Config) -> Vec<Step> {
    let state = |purpose: &str| consent.about(purpose).map(|purpose| purpose.state.as_str());
    let (email, sms) = (state(&config.email_purpose), state(&config.sms_purpose));
    let left = |state: Option<&str>| matches!(state, Some("denied" | "withdrawn"));
    let given = subscriptions(true, email == Some("granted"), sms == Some("granted"), names, config);
    let taken = subscriptions(false, left(email), left(sms), names, config);
    given.into_iter().chain(taken).collect()
}

fn subscriptions(subscribe: bool, email: bool, sms: bool, names: &Names, config: &Config) -> Option<Step> {
    let word = if subscribe { "SUBSCRIBED" } else { "UNSUBSCRIBED" };
    let marketing = json!({"marketing": {"consent": word}});
    let (mut attributes, mut channels) = (Map::new(), Map::new());
    if let Some(address) = names.email.as_deref().filter(|_| email) {
        attributes.insert("email".into(), address.into());
        channels.insert("email".into(), marketing.clone());
    }
    if let Some(number) = names.phone.as_deref().filter(|_| sms) {
        attributes.insert("phone_number".into(), number.into());
        channels.insert("sms".into(), marketing);
    }
    if channels.is_empty() {
        return None;
    }
    attributes.insert("subscriptions".into(), channels.into());
    let profiles = json!({"data": [{"type": "profile", "attributes": attributes}]});
    let (path, kind) = match subscribe {
        true => ("/api/profile-subscription-bulk-create-jobs", "profile-subscription-bulk-create-job"),
        false => ("/api/profile-subscription-bulk-delete-jobs", "profile-subscription-bulk-delete-job"),
    };
    let mut data = json!({"type": kind, "attributes": {"profiles": profiles}});
    // Without a list, who leaves has left everything: that is what they said.
    if let Some(list) = config.list_id.as_deref().filter(|_| subscribe) {
        data["relationships"] = json!({"list": {"data": {"type": "list", "id": list}}});
    }
    Some(Step { path, body: json!({"data": data}), names_profile: false })
}

fn call(config: &Config, steps: &[Step], at: u8) -> Next {
    let Some(step) = steps.get(usize::from(at)) else { return Outcome::Accepted(None).into() };
    let mut request =
        Request::json("POST", config.url(step.path), &step.body).with_header("revision", REVISION);
    request.headers[0].1 = "application/vnd.api+json".into();
    request.headers.push(("accept".into(), "application/vnd.api+json".into()));
    Next::Call { request, state: vec![at] }
}
