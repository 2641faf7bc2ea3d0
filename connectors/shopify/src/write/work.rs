//! What one event writes in the shop. Pure mapping; it knows no request.

use serde_json::{Map, Value, json};
use snodo_connector::canonical::{self, Customer};
use snodo_connector::{Delivery, Fault, Outcome};

use super::config::Config;

#[derive(Debug)]
pub struct Work {
    /// The shop's own id of the customer, as a `gid://`.
    pub customer: Option<String>,
    pub email: Option<String>,
    pub add: Vec<String>,
    pub remove: Vec<String>,
    pub draft: Option<Draft>,
}

#[derive(Debug)]
pub struct Draft {
    /// By which a later attempt finds what an earlier one has made.
    pub tag: String,
    pub lines: Vec<Value>,
}

/// Tags of orders are at most that long.
const TAG_BYTES_MAX: usize = 40;

impl Work {
    pub fn has_tags(&self) -> bool {
        !self.add.is_empty() || !self.remove.is_empty()
    }

    /// The parts of the answer to look into.
    pub fn tag_fields(&self) -> &'static [&'static str] {
        match (self.add.is_empty(), self.remove.is_empty()) {
            (false, false) => &["tagsAdd", "tagsRemove"],
            (true, false) => &["tagsRemove"],
            _ => &["tagsAdd"],
        }
    }
}

/// Or what becomes of the delivery, if there is nothing to write.
pub fn work(config: &Config, delivery: &Delivery) -> Result<Work, Outcome> {
    let event = &delivery.event;
    let Some(shop) = config.shop.as_deref() else {
        let fault =
            Fault::misconfigured("the channel's shop is not named: nothing can be written without it");
        return Err(Outcome::Failed(fault));
    };
    let tags = |from: &std::collections::BTreeMap<String, Vec<String>>| {
        from.get(&event.kind).cloned().unwrap_or_default()
    };
    let (add, remove) = (tags(&config.add_tags), tags(&config.remove_tags));
    let wants_draft = config.draft_orders.contains(&event.kind);
    if add.is_empty() && remove.is_empty() && !wants_draft {
        return Err(Outcome::ignored(format!(
            "the channel names no tag and no draft order for {}",
            event.kind
        )));
    }
    let data: Value = event.data()?;
    let known: Customer = canonical::part(data.get("customer"), "/customer")?;
    let (customer, email) = (own_id(&known, shop), known.email());
    let lines = if wants_draft { lines(&data) } else { Vec::new() };
    let draft = (!lines.is_empty()).then(|| Draft { tag: tag(&delivery.idempotency_key), lines });
    let work = Work { customer, email, add, remove, draft };
    match work.draft.is_some() || work.has_tags() && (work.customer.is_some() || work.email.is_some()) {
        true => Ok(work),
        false if work.has_tags() => {
            Err(Outcome::ignored("the event names no customer whom the shop could know"))
        }
        false => Err(Outcome::ignored("the event holds nothing that can be put into a draft order")),
    }
}

/// `shopify:customer` as the source of this connector writes it: `{shop}/{id}`.
fn own_id(customer: &Customer, shop: &str) -> Option<String> {
    let own = customer.identifiers.iter().filter(|one| one.namespace == "shopify:customer");
    let id =
        own.filter_map(|one| one.value.strip_prefix(shop)?.strip_prefix('/')).find(|id| is_number(id))?;
    Some(format!("gid://shopify/Customer/{id}"))
}

/// What is in the cart, else the products that the event is about.
fn lines(data: &Value) -> Vec<Value> {
    let in_cart = data["cart"]["lines"].as_array().filter(|lines| !lines.is_empty());
    match in_cart {
        Some(lines) => lines.iter().filter_map(|one| line(&one["product"], one)).collect(),
        None => data["products"].as_array().into_iter().flatten().filter_map(|one| line(one, one)).collect(),
    }
}

/// A variant of the shop's, else a line of its own with name and price. What has neither is left out.
fn line(product: &Value, from: &Value) -> Option<Value> {
    let quantity = match from["quantity"].as_str() {
        Some(quantity) => {
            quantity.split_once('.').map_or(quantity, |(whole, _)| whole).parse::<u32>().ok()?.max(1)
        }
        None => 1,
    };
    let mut line = Map::from_iter([("quantity".to_owned(), json!(quantity))]);
    let variant = product["variant_id"].as_str().unwrap_or_default();
    let variant = variant.strip_prefix("gid://shopify/ProductVariant/").unwrap_or(variant);
    if is_number(variant) {
        line.insert("variantId".into(), format!("gid://shopify/ProductVariant/{variant}").into());
        return Some(line.into());
    }
    let title = product["name"].as_str().or_else(|| product["sku"].as_str())?;
    let price = [&from["unit_price"], &product["price"]].into_iter().find(|price| price.is_object())?;
    line.insert("title".into(), title.into());
    line.insert(
        "originalUnitPriceWithCurrency".into(),
        json!({"amount": price["amount"], "currencyCode": price["currency"]}),
    );
    if let Some(sku) = product["sku"].as_str() {
        line.insert("sku".into(), sku.into());
    }
    Some(line.into())
}

fn tag(idempotency_key: &str) -> String {
    let key = idempotency_key.chars().filter(char::is_ascii_alphanumeric);
    "snodo-".chars().chain(key).take(TAG_BYTES_MAX).collect()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
