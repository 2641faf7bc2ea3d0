//! Writes customers by their external id, in one request for all, and then the cases that belong to them:
//! <https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-upsert.html>.

mod work;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use snodo_connector::{Answer, Context, Delivery, Destination, Exchange, Fault, Outcome, Plan, Request};

use self::work::{Values, Work};
use crate::Salesforce;
use crate::answer::{self, Problem};
use crate::config::Config;

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
enum Step {
    Customers,
    /// Customers that are new, of whom nobody knows the name.
    Nameless,
    Cases,
}

/// What a call is, and the customer's record for each delivery it covers, as far as it is known.
#[derive(Debug, Deserialize, Serialize)]
struct State {
    step: Step,
    customers: Vec<Option<String>>,
}

struct Item<'a> {
    place: u32,
    work: &'a Work,
    customer: Option<String>,
}

/// A row of a collection's answer. The rows are in the order of the request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    id: Option<String>,
    success: bool,
    errors: Vec<Problem>,
}

impl Destination for Salesforce {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        let config = match ctx.config::<Config>() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        };
        let works = works(&config, &deliveries);
        let mut plan = Plan::new();
        let items = items(&works, &mut plan, |_| None);
        let (customers, cases): (Vec<_>, Vec<_>) =
            items.into_iter().partition(|item| item.work.key.is_some());
        call(&config, Step::Customers, &customers, &mut plan);
        call(&config, Step::Cases, &cases, &mut plan);
        plan
    }

    fn interpret(ctx: &Context, exchange: Exchange) -> Plan {
        let Exchange { deliveries, state, answer } = exchange;
        let config = match ctx.config::<Config>() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        };
        // A state that cannot be read was written by another version of this connector: the next attempt starts anew.
        let Ok(state) = serde_json::from_slice::<State>(&state) else {
            let fault = Fault::retry("failed to read what the call was about");
            return Plan::settle_all(deliveries.len(), &Outcome::Failed(fault));
        };
        let works = works(&config, &deliveries);
        let mut plan = Plan::new();
        let items = items(&works, &mut plan, |at| state.customers.get(at).cloned().flatten());
        match rows(&answer, groups(state.step, &items).len()) {
            Ok(rows) => settle(&config, state.step, items, &rows, &mut plan),
            Err(fault) => {
                items.iter().for_each(|item| plan.settle(item.place, Outcome::Failed(fault.clone())));
            }
        }
        plan
    }
}

fn works(config: &Config, deliveries: &[Delivery]) -> Vec<Result<Work, Outcome>> {
    deliveries.iter().map(|delivery| work::work(config, delivery)).collect()
}

/// What can be written goes on its way; the rest is settled.
fn items<'a>(
    works: &'a [Result<Work, Outcome>],
    plan: &mut Plan,
    customer: impl Fn(usize) -> Option<String>,
) -> Vec<Item<'a>> {
    let mut items = Vec::with_capacity(works.len());
    for (place, work) in (0..).zip(works) {
        match work {
            Ok(work) => items.push(Item { place, work, customer: customer(place as usize) }),
            Err(outcome) => plan.settle(place, outcome.clone()),
        }
    }
    items
}

/// Salesforce refuses a request that names a record twice, so deliveries about one record share a row. Each row's items, by
/// their number, in the order in which they happened.
fn groups<'a>(step: Step, items: &[Item<'a>]) -> Vec<(&'a str, Vec<usize>)> {
    let mut groups: Vec<(&str, Vec<usize>)> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let key = match step {
            Step::Customers | Step::Nameless => item.work.key.as_deref(),
            Step::Cases => item.work.case.as_ref().map(|case| case.id.as_str()),
        };
        let Some(key) = key else { continue };
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(at),
            None => groups.push((key, vec![at])),
        }
    }
    for (_, members) in &mut groups {
        members.sort_by_key(|&at| items[at].work.time);
    }
    groups
}

fn call(config: &Config, step: Step, items: &[Item<'_>], plan: &mut Plan) {
    let (object, field) = match step {
        Step::Customers | Step::Nameless => (config.object.name(), config.id_field.as_deref()),
        Step::Cases => ("Case", config.case_id_field.as_deref()),
    };
    let groups = groups(step, items);
    let Some(field) = field.filter(|_| !groups.is_empty()) else { return };
    let records = groups.iter().map(|(key, members)| {
        let mut record = Map::new();
        record.insert("attributes".into(), json!({"type": object}));
        let members = || members.iter().map(|&at| &items[at]);
        members().for_each(|item| record.extend(values(step, item).clone()));
        match step {
            Step::Nameless => name(config, &mut record),
            Step::Cases => record.extend(
                members().filter_map(|item| Some(("ContactId".to_owned(), item.customer.clone()?.into()))),
            ),
            Step::Customers => {}
        }
        record.insert(field.into(), (*key).into());
        Value::Object(record)
    });
    let body = json!({"allOrNone": false, "records": records.collect::<Vec<_>>()});
    let target = config.url(&format!("/composite/sobjects/{object}/{field}"));
    let state = State { step, customers: items.iter().map(|item| item.customer.clone()).collect() };
    let state = serde_json::to_vec(&state).expect("the state has string keys, so it is always JSON");
    plan.call(Request::json("PATCH", target, &body), items.iter().map(|item| item.place).collect(), state);
}

fn values<'a>(step: Step, item: &Item<'a>) -> &'a Values {
    match (step, &item.work.case) {
        (Step::Cases, Some(case)) => &case.values,
        _ => &item.work.values,
    }
}

/// What Salesforce cannot make a record without.
fn name(config: &Config, record: &mut Values) {
    for trait_name in ["family_name", "company"] {
        if let Some(field) = config.field(trait_name).filter(|field| ["LastName", "Company"].contains(field))
        {
            record.entry(field.to_owned()).or_insert_with(|| config.not_known.clone().into());
        }
    }
}

/// A row for each record, or why there is none.
fn rows(answer: &Answer, count: usize) -> Result<Vec<Row>, Fault> {
    if !answer.is_success() {
        return Err(answer::refused(answer));
    }
    let rows: Option<Vec<Row>> = answer.json();
    rows.filter(|rows| rows.len() == count)
        .ok_or_else(|| Fault::retry("what Salesforce answered has not a row for each record"))
}

fn settle(config: &Config, step: Step, items: Vec<Item<'_>>, rows: &[Row], plan: &mut Plan) {
    let groups: Vec<Vec<usize>> = groups(step, &items).into_iter().map(|(_, members)| members).collect();
    let mut row_of: Vec<Option<&Row>> = vec![None; items.len()];
    for (members, row) in groups.iter().zip(rows) {
        members.iter().for_each(|&at| row_of[at] = Some(row));
    }
    let (mut nameless, mut cases) = (Vec::new(), Vec::new());
    for (item, row) in items.into_iter().zip(row_of) {
        let Some(row) = row else {
            plan.settle(item.place, Outcome::Failed(Fault::retry("the call was not about the delivery")));
            continue;
        };
        match step {
            _ if !row.success && step == Step::Customers && lacks_name(config, &row.errors) => {
                nameless.push(item);
            }
            _ if !row.success && row.errors.is_empty() => {
                let fault = Fault::retry("Salesforce says neither that it took the record nor why not");
                plan.settle(item.place, Outcome::Failed(fault));
            }
            _ if !row.success => plan.settle(item.place, Outcome::Failed(answer::row(&row.errors))),
            Step::Customers | Step::Nameless if item.work.case.is_some() => {
                cases.push(Item { customer: row.id.clone().filter(|_| config.links_cases()), ..item });
            }
            _ => plan.settle(item.place, Outcome::Accepted(row.id.clone())),
        }
    }
    call(config, Step::Nameless, &nameless, plan);
    call(config, Step::Cases, &cases, plan);
}

/// A record that is there needs no name: so it is new, and nobody's name is overwritten.
fn lacks_name(config: &Config, errors: &[Problem]) -> bool {
    let names = [config.field("family_name"), config.field("company")];
    errors.iter().any(|error| {
        let fields = error.fields.as_deref().unwrap_or_default();
        error.code() == "REQUIRED_FIELD_MISSING"
            && fields.iter().all(|field| names.contains(&Some(field.as_str())))
    })
}
