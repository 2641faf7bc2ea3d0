//! BigCommerce's webhooks as canonical events. They say what happened to which object, and nothing of the object itself; that is
//! not fetched. Shapes as in <https://developer.bigcommerce.com/docs/integrations/webhooks/events>.

mod map;

use serde_json::Value;
use snodo_connector::fields::{self, Fields};
use snodo_connector::{Context, Draft, Fault, Message, Source, time};

pub struct BigCommerce;

impl Source for BigCommerce {
    fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let body: Value = message.json()?;
        let Some(event) = body.as_object() else { return Ok(vec![Draft::unknown(None, &body)]) };
        let text = |name: &str| event.get(name).and_then(fields::text);
        let scope = text("scope");
        let mut draft = match map::tell(event.clone()) {
            Some(told) => Draft { subject: Some(told.subject), ..Draft::new(told.kind, &told.data) },
            None => Draft::unknown(scope.as_deref(), &body),
        };
        draft.key = key(event);
        draft.time = event.get("created_at").and_then(|at| time::from_epoch_seconds(at.as_u64()?));
        let attributes = [("bigcommercescope", scope), ("bigcommercestore", map::store(event))];
        draft.attributes =
            attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Ok(vec![draft])
    }
}

/// How the id of what it is about is called, what is most its own first.
const IDS: [&str; 8] = [
    "id",
    "transaction_id",
    "metafield_id",
    "address_id",
    "user_id",
    "company_id",
    "quote_id",
    "customer_id",
];

/// BigCommerce gives a callback the same hash however often it sends it. The hash is of the callback's own words, so a channel
/// with several stores and a scope and its channel's twin are told apart by what stands before it.
fn key(event: &Fields) -> Option<String> {
    let text = |name: &str| event.get(name).and_then(fields::text);
    let scope = text("scope")?;
    let store = map::store(event).unwrap_or_default();
    let last = match text("hash") {
        Some(hash) => hash,
        None => {
            let data = event.get("data")?;
            let id = IDS.iter().find_map(|name| fields::text(data.get(*name)?))?;
            format!("{id}/{}", text("created_at")?)
        }
    };
    Some(format!("{store}/{scope}/{last}"))
}

snodo_connector::export!(BigCommerce: source);
