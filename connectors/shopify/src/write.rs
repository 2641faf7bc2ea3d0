//! Writes into the shop by its GraphQL Admin API: tags on customers, and draft orders. One request for one delivery, in up to four
//! rounds: find the customer, tag them, look whether the draft is there from an earlier attempt, make it.

mod answer;
mod config;
mod graphql;
mod work;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use snodo_connector::{Context, Delivery, Destination, Exchange, Fault, Outcome, Plan};

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
        let config = match ctx.config::<Config>() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        };
        let mut plan = Plan::new();
        for (place, delivery) in (0..).zip(&deliveries) {
            match work::work(&config, delivery) {
                Ok(work) => {
                    let step = match (&work.customer, &work.email) {
                        (None, Some(_)) => Step::Find,
                        _ => after_finding(&work, work.customer.is_some()).unwrap_or(Step::Look),
                    };
                    call(&config, &work, step, work.customer.clone(), place, &mut plan);
                }
                Err(outcome) => plan.settle(place, outcome),
            }
        }
        plan
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        let count = exchange.deliveries.len();
        let config = match ctx.config::<Config>() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(count, &Outcome::Failed(fault)),
        };
        let ([delivery], Ok(state)) =
            (&exchange.deliveries[..], serde_json::from_slice::<State>(&exchange.state))
        else {
            let fault = Fault::retry("failed to read what the call was about");
            return Plan::settle_all(count, &Outcome::Failed(fault));
        };
        let work = match work::work(&config, delivery) {
            Ok(work) => work,
            Err(outcome) => return Plan::settle_all(count, &outcome),
        };
        let mut plan = Plan::new();
        match answer::data(&exchange.answer) {
            Ok(data) => go_on(&config, &work, &state, &data, &mut plan),
            Err(fault) => plan.settle(0, Outcome::Failed(fault)),
        }
        plan
    }
}

/// What is to be done once it is known whether the shop knows the customer. `None`: nothing.
fn after_finding(work: &Work, found: bool) -> Option<Step> {
    if found && work.has_tags() {
        return Some(Step::Tag);
    }
    work.draft.is_some().then_some(Step::Look)
}

fn go_on(config: &Config, work: &Work, state: &State, data: &Value, plan: &mut Plan) {
    let id = |value: &Value| value["id"].as_str().map(str::to_owned);
    let customer = state.customer.clone();
    match state.step {
        Step::Find => match data.get("customerByIdentifier") {
            None => plan.settle(
                0,
                Outcome::Failed(Fault::retry("Shopify did not say whether it knows the customer")),
            ),
            Some(found) => {
                let customer = id(found);
                match after_finding(work, customer.is_some()) {
                    Some(step) => call(config, work, step, customer, 0, plan),
                    None => plan
                        .settle(0, Outcome::ignored("the shop knows no customer with that e-mail address")),
                }
            }
        },
        Step::Tag => match answer::refusals(data, work.tag_fields()) {
            Err(fault) => plan.settle(0, Outcome::Failed(fault)),
            Ok(()) if work.draft.is_some() => call(config, work, Step::Look, customer, 0, plan),
            Ok(()) => plan.settle(0, Outcome::Accepted(customer)),
        },
        Step::Look => match data["draftOrders"]["nodes"].as_array() {
            None => plan
                .settle(0, Outcome::Failed(Fault::retry("Shopify did not say which draft orders there are"))),
            Some(found) if found.is_empty() => call(config, work, Step::Draft, customer, 0, plan),
            Some(_) => plan.settle(0, Outcome::Duplicate),
        },
        Step::Draft => match answer::refusals(data, &["draftOrderCreate"]) {
            Err(fault) => plan.settle(0, Outcome::Failed(fault)),
            Ok(()) => plan.settle(0, Outcome::Accepted(id(&data["draftOrderCreate"]["draftOrder"]))),
        },
    }
}

#[expect(clippy::too_many_arguments, reason = "what is known of one delivery, and where its request goes")]
fn call(config: &Config, work: &Work, step: Step, customer: Option<String>, place: u32, plan: &mut Plan) {
    let customer_id = customer.as_deref().unwrap_or_default();
    let request = match step {
        Step::Find => graphql::find(config, work.email.as_deref().unwrap_or_default()),
        Step::Tag => graphql::tag(config, work, customer_id),
        Step::Look => graphql::look(config, work),
        Step::Draft => graphql::draft(config, work, customer.as_deref()),
    };
    let state = State { step, customer };
    let state = serde_json::to_vec(&state).expect("the state has string keys, so it is always JSON");
    plan.call(request, vec![place], state);
}
