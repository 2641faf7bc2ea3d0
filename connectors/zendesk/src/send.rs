//! What somebody must look after becomes a ticket, or a comment on the ticket that it belongs to. Tickets are made one by one:
//! `create_many` answers with a job, whose end would have to be waited for.

mod answer;
mod told;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use snodo_connector::canonical::{self, Customer};
use snodo_connector::{Delivery, Exchange, Fault, Next, Outcome, Request, name, text};

use told::{Told, told};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    subdomain: Option<String>,
    base_url: Option<String>,
    /// Whether the customer sees what is written, and is told of it by e-mail.
    public: bool,
    group_id: Option<u64>,
    tags: Vec<String>,
    /// Up to which NPS a customer is one to look after.
    nps_at_most: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            subdomain: None,
            base_url: None,
            public: false,
            group_id: None,
            tags: vec!["snodo".into()],
            nps_at_most: 6.0,
        }
    }
}

impl Config {
    fn url(&self, path: &str) -> Result<String, Fault> {
        let base = match (&self.base_url, &self.subdomain) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(name)) => format!("https://{name}.zendesk.com"),
            (None, None) => {
                return Err(Fault::misconfigured("say whose Zendesk it is: set the channel's subdomain"));
            }
        };
        Ok(base + path)
    }
}

/// A comment was sent; else a new ticket.
const COMMENTED: u8 = 1;
const CREATED: u8 = 2;

pub fn begin(config: &Config, delivery: &Delivery) -> Result<Next, Outcome> {
    let data: Value = delivery.event.data()?;
    let customer = canonical::part(data.get("customer"), "/customer")?;
    let told = told(config, &delivery.event.kind, &data).map_err(Outcome::ignored)?;
    Ok(match ticket_of(&customer) {
        Some(id) => Next::Call { request: comment(config, &told, &id)?, state: vec![COMMENTED] },
        None => {
            Next::Call { request: create(config, (&told, &customer), delivery, None)?, state: vec![CREATED] }
        }
    })
}

pub fn go_on(config: &Config, delivery: &Delivery, exchange: &Exchange) -> Result<Next, Outcome> {
    let answer = &exchange.answer;
    let commented = exchange.state.first() == Some(&COMMENTED);
    // The ticket is gone, or closed for good: the matter goes on in a new one. A closed one takes it as its follow-up.
    if !(commented && matches!(answer.status, 404 | 422)) {
        return Ok(answer::outcome(answer).into());
    }
    let data: Value = delivery.event.data()?;
    let customer = canonical::part(data.get("customer"), "/customer")?;
    let told = told(config, &delivery.event.kind, &data).map_err(|_| answer::fault(answer))?;
    let source = ticket_of(&customer).filter(|_| answer.status == 422);
    let request = create(config, (&told, &customer), delivery, source.as_deref())?;
    Ok(Next::Call { request, state: vec![CREATED] })
}

/// The ticket that an event belongs to. Ids are numbers.
fn ticket_of(customer: &Customer) -> Option<String> {
    let found = &customer.identifiers.iter().find(|one| one.namespace == "zendesk:ticket")?.value;
    let is_number = (1..=19).contains(&found.len()) && found.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| found.clone())
}

fn comment(config: &Config, told: &Told, id: &str) -> Result<Request, Fault> {
    let mut ticket = Map::new();
    ticket.insert("comment".into(), json!({"body": told.body, "public": config.public}));
    if told.priority == "urgent" {
        ticket.insert("priority".into(), "urgent".into());
    }
    Ok(Request::json("PUT", config.url(&format!("/api/v2/tickets/{id}"))?, &json!({"ticket": ticket})))
}

fn create(
    config: &Config,
    (told, customer): (&Told, &Customer),
    delivery: &Delivery,
    follows: Option<&str>,
) -> Result<Request, Fault> {
    let mut ticket = Map::new();
    ticket.insert("subject".into(), text::truncate(&told.subject, SUBJECT_BYTES_MAX).into());
    ticket.insert("comment".into(), json!({"body": told.body, "public": config.public}));
    ticket.insert("priority".into(), told.priority.into());
    ticket.insert("type".into(), told.kind.into());
    ticket.insert("external_id".into(), delivery.event.id.clone().into());
    let mut tags = config.tags.clone();
    tags.push(delivery.event.kind.replace('.', "_"));
    ticket.insert("tags".into(), tags.into());
    if let Some(group) = config.group_id {
        ticket.insert("group_id".into(), group.into());
    }
    if let Some(id) = follows.and_then(|id| id.parse::<u64>().ok()) {
        ticket.insert("via_followup_source_id".into(), id.into());
    }
    ticket.extend(requester(customer));
    let request = Request::json("POST", config.url("/api/v2/tickets")?, &json!({"ticket": ticket}));
    Ok(request.with_header("idempotency-key", text::truncate(&delivery.idempotency_key, KEY_BYTES_MAX)))
}

/// Longer ones are cut off by most mail programs.
const SUBJECT_BYTES_MAX: usize = 150;
/// <https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency>
const KEY_BYTES_MAX: usize = 255;

/// Who wants something: by Zendesk's own id, else by name and address. Without either the ticket is the API user's.
fn requester(customer: &Customer) -> Option<(String, Value)> {
    if let Some(id) = customer.identifier("zendesk:user").and_then(|id| id.parse::<u64>().ok()) {
        return Some(("requester_id".into(), id.into()));
    }
    let traits = &customer.traits;
    let email = customer.email()?;
    let word = |said: &Option<String>| said.as_deref().and_then(text::filled).map(str::to_owned);
    let parts = [&traits.given_name, &traits.family_name].map(|part| part.as_deref().unwrap_or_default());
    let name = word(&traits.name).or_else(|| name::join(parts)).unwrap_or_else(|| email.clone());
    Some(("requester".into(), json!({"name": name, "email": email})))
}
