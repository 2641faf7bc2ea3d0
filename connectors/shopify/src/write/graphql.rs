//! The documents: <https://shopify.dev/docs/api/admin-graphql/latest/queries/customerByIdentifier>,
//! `…/mutations/tagsAdd`, `…/mutations/tagsRemove`, `…/queries/draftOrders`, `…/mutations/draftOrderCreate`. What comes from an event is
//! a variable, never part of a document.

use serde_json::{Map, Value, json};
use snodo_connector::Request;

use super::config::Config;
use super::work::Work;

const FIND: &str =
    "query($email: String!) { customerByIdentifier(identifier: {emailAddress: $email}) { id } }";
const ADD: &str = "tagsAdd(id: $id, tags: $add) { userErrors { field } }";
const REMOVE: &str = "tagsRemove(id: $id, tags: $remove) { userErrors { field } }";
const LOOK: &str = "query($tag: String!) { draftOrders(first: 1, query: $tag) { nodes { id } } }";
const DRAFT: &str = "mutation($input: DraftOrderInput!) { draftOrderCreate(input: $input) { draftOrder { id } userErrors { field } } }";

pub fn find(config: &Config, email: &str) -> Request {
    request(config, FIND, &json!({"email": email}))
}

pub fn tag(config: &Config, work: &Work, customer: &str) -> Request {
    let mut variables = Map::from_iter([("id".to_owned(), json!(customer))]);
    let (mut names, mut fields) = (vec!["$id: ID!"], Vec::new());
    if !work.add.is_empty() {
        names.push("$add: [String!]!");
        fields.push(ADD);
        variables.insert("add".into(), json!(work.add));
    }
    if !work.remove.is_empty() {
        names.push("$remove: [String!]!");
        fields.push(REMOVE);
        variables.insert("remove".into(), json!(work.remove));
    }
    let document = format!("mutation({}) {{ {} }}", names.join(", "), fields.join(" "));
    request(config, &document, &Value::Object(variables))
}

pub fn look(config: &Config, work: &Work) -> Request {
    let tag = work.draft.as_ref().map_or("", |draft| draft.tag.as_str());
    request(config, LOOK, &json!({"tag": format!("tag:{tag}")}))
}

pub fn draft(config: &Config, work: &Work, customer: Option<&str>) -> Request {
    let mut input = Map::new();
    if let Some(draft) = &work.draft {
        input.insert("lineItems".into(), json!(draft.lines));
        input.insert("tags".into(), json!([draft.tag]));
    }
    if let Some(id) = customer {
        input.insert("purchasingEntity".into(), json!({"customerId": id}));
    }
    if let Some(email) = &work.email {
        input.insert("email".into(), json!(email));
    }
    request(config, DRAFT, &json!({"input": input}))
}

fn request(config: &Config, document: &str, variables: &Value) -> Request {
    Request::json("POST", config.url(), &json!({"query": document, "variables": variables}))
}
