//! HubSpot's requests and answers as they are on the wire: CRM API v3 for objects, v4 for associations.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use snodo_connector::Request;

use crate::config::Config;
use crate::steps::{Input, Item, Step};

/// "Deal to contact", one of HubSpot's own association types.
const DEAL_TO_CONTACT: u32 = 3;

#[derive(Serialize)]
struct Batch<T> {
    inputs: Vec<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Write<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_property: Option<&'a str>,
    /// Comes back with the record, or with the error: the input's place in the request.
    object_write_trace_id: String,
    properties: BTreeMap<&'a str, &'a str>,
}

/// A new value for a deal that HubSpot knows by that id.
#[derive(Debug)]
pub struct Update {
    pub deal: String,
    pub properties: Vec<(String, String)>,
}

/// The request of a step. `Refunds` is made by `updates`.
pub fn request(config: &Config, step: Step, items: &[Item], inputs: &[Input]) -> Request {
    match step {
        Step::Contacts => upsert(config, "contacts", "email", inputs),
        Step::Deals => upsert(config, "deals", key(config), inputs),
        Step::Read | Step::Refunds => read(config, inputs),
        Step::Links => links(config, items, inputs),
    }
}

pub fn updates(config: &Config, updates: &[Update]) -> Request {
    let inputs =
        updates.iter().enumerate().map(|(at, update)| write(at, &update.deal, None, &update.properties));
    Request::json(
        "POST",
        config.url("/crm/v3/objects/deals/batch/update"),
        &Batch { inputs: inputs.collect() },
    )
}

fn upsert(config: &Config, object: &str, id_property: &str, inputs: &[Input]) -> Request {
    let records = inputs.iter().enumerate();
    let inputs =
        records.map(|(at, input)| write(at, &input.id, Some(id_property), &input.properties)).collect();
    Request::json("POST", config.url(&format!("/crm/v3/objects/{object}/batch/upsert")), &Batch { inputs })
}

fn write<'a>(
    at: usize,
    id: &'a str,
    id_property: Option<&'a str>,
    properties: &'a [(String, String)],
) -> Write<'a> {
    let properties = properties.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Write { id, id_property, object_write_trace_id: at.to_string(), properties }
}

fn read(config: &Config, inputs: &[Input]) -> Request {
    let amount = config.deal_property("amount");
    let properties: Vec<&str> =
        [Some(key(config)), amount, config.deal_property("refunds")].into_iter().flatten().collect();
    let inputs: Vec<Value> = inputs.iter().map(|input| json!({"id": input.id})).collect();
    let body = json!({
        "idProperty": key(config),
        "properties": properties,
        "propertiesWithHistory": [],
        "inputs": inputs,
    });
    Request::json("POST", config.url("/crm/v3/objects/deals/batch/read"), &body)
}

fn links(config: &Config, items: &[Item], inputs: &[Input]) -> Request {
    let pair = |input: &Input| {
        let progress = &items[*input.items.first()?].progress;
        Some(json!({
            "from": {"id": progress.deal},
            "to": {"id": progress.contact},
            "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": DEAL_TO_CONTACT}],
        }))
    };
    let inputs: Vec<Value> = inputs.iter().filter_map(pair).collect();
    Request::json("POST", config.url("/crm/v4/associations/deals/contacts/batch/create"), &Batch { inputs })
}

/// The property that deals are found by.
pub fn key(config: &Config) -> &str {
    config.order_id_property.as_deref().unwrap_or_default()
}

/// What a batch answers. HubSpot asks to treat every field of an error as optional.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answered {
    pub results: Vec<Record>,
    pub errors: Vec<Problem>,
    /// Status 207: what is not among the results was not written.
    #[serde(skip)]
    pub partial: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Record {
    pub id: Option<String>,
    pub object_write_trace_id: Option<String>,
    pub properties: BTreeMap<String, Option<String>>,
    pub from_object_id: Option<Value>,
    pub to_object_id: Option<Value>,
}

impl Record {
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name)?.as_deref()
    }
}

/// An error: of the whole request, of one input, or a detail of either.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Problem {
    pub category: Option<String>,
    pub code: Option<String>,
    pub policy_name: Option<String>,
    pub context: BTreeMap<String, Value>,
    pub errors: Vec<Problem>,
}

impl Problem {
    /// The values of a context field; HubSpot gives them as a list.
    pub fn context<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let listed = self.context.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        listed.iter().chain(self.context.get(name)).filter_map(Value::as_str)
    }

    /// The error's own code and those of its details.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.code.as_deref().into_iter().chain(self.errors.iter().filter_map(|detail| detail.code.as_deref()))
    }
}
