//! Writes into the shop by its GraphQL Admin API: tags on customers, and draft orders. One request for one delivery, in up to four
//! rounds: find the customer, tag them, look whether the draft is there from an earlier attempt, make it.

mod answer;
mod config;
mod graphql;
mod work;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use snodo_connector::{Context, Delivery, Destination, Exchange, Fault, Next, Outcome, Plan};

use self::config::Config;
use self::work::Work;
use crate::Shopify;

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
enum Step {
    Find,
    Tag,
    Look,
    Draft,
}

/// What a call is, and the customer if they have been found.
#[derive(Debug, Deserialize, Serialize)]
struct State {
    step: Step,
    customer: Option<String>,
}

impl Destination for Shopify {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, begin)
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        Plan::one_by_one(ctx.config(), &exchange.deliveries, |config, delivery| {
            go_on(config, delivery, &exchange)
        })
    }
}

fn begin(config: &Config, delivery: &Delivery) -> Result<Next, Outcome> {
    let work = work::work(config, delivery)?;
    let step = match (&work.customer, &work.email) {
        (None, Some(_)) => Step::Find,
        _ => after_finding(&work, work.customer.is_some()).unwrap_or(Step::Look),
    };
    Ok(call(config, &work, &State { step, customer: work.customer.clone() }))
}

fn go_on(config: &Config, delivery: &Delivery, exchange: &Exchange) -> Result<Next, Outcome> {
    let State { step, customer } = serde_json::from_slice(&exchange.state)
        .map_err(|_| Fault::retry("failed to read what the call was about"))?;
    let work = work::work(config, delivery)?;
    let data = answer::data(&exchange.answer)?;
    let id = |value: &Value| value["id"].as_str().map(str::to_owned);
    let next = |step: Step, customer: Option<String>| Ok(call(config, &work, &State { step, customer }));
    match step {
        Step::Find => {
            let found = data.get("customerByIdentifier");
            let found =
                found.ok_or_else(|| Fault::retry("Shopify did not say whether it knows the customer"))?;
            let customer = id(found);
            match after_finding(&work, customer.is_some()) {
                Some(step) => next(step, customer),
                None => Err(Outcome::ignored("the shop knows no customer with that e-mail address")),
            }
        }
        Step::Tag => {
            answer::refusals(&data, work.tag_fields())?;
            match work.draft {
                Some(_) => next(Step::Look, customer),
                None => Ok(Outcome::Accepted(customer).into()),
            }
        }
        Step::Look => match data["draftOrders"]["nodes"].as_array() {
            None => Err(Fault::retry("Shopify did not say which draft orders there are").into()),
            Some(found) if found.is_empty() => next(Step::Draft, customer),
            Some(_) => Ok(Outcome::Duplicate.into()),
        },
        Step::Draft => {
            answer::refusals(&data, &["draftOrderCreate"])?;
            Ok(Outcome::Accepted(id(&data["draftOrderCreate"]["draftOrder"])).into())
        }
    }
}

/// What is to be done once it is known whether the shop knows the customer. `None`: nothing.
fn after_finding(work: &Work, found: bool) -> Option<Step> {
    if found && work.has_tags() {
        return Some(Step::Tag);
    }
    work.draft.is_some().then_some(Step::Look)
}

fn call(config: &Config, work: &Work, state: &State) -> Next {
    let customer = state.customer.as_deref();
    let request = match state.step {
        Step::Find => graphql::find(config, work.email.as_deref().unwrap_or_default()),
        Step::Tag => graphql::tag(config, work, customer.unwrap_or_default()),
        Step::Look => graphql::look(config, work),
        Step::Draft => graphql::draft(config, work, customer),
    };
    let state = serde_json::to_vec(state).expect("the state has string keys, so it is always JSON");
    Next::Call { request, state }
}
