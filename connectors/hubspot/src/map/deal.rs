//! Orders, till receipts and refunds as HubSpot deals.

use std::cmp::Ordering;

use snodo_connector::{Event, Fault, money, time};

use super::{Deal, Properties, Refund, Work};
use crate::canonical::{Body, Money, Order, Receipt};
use crate::config::{Config, Stages};

/// What has become of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Placed,
    Paid,
    Fulfilled,
    Delivered,
    Cancelled,
    Refunded,
    Sale,
}

impl Stage {
    pub fn id(self, stages: &Stages) -> &str {
        match self {
            Self::Placed => &stages.placed,
            Self::Paid => &stages.paid,
            Self::Fulfilled => &stages.fulfilled,
            Self::Delivered => &stages.delivered,
            Self::Cancelled => &stages.cancelled,
            Self::Refunded => &stages.refunded,
            Self::Sale => &stages.sale,
        }
    }
}

/// `told` is what the event's own type says; the order itself may say more.
pub fn order(body: &Body, event: &Event, told: Option<Stage>, config: &Config) -> Result<Deal, Fault> {
    let order =
        body.order.as_ref().ok_or_else(|| Fault::permanent_at("/order", "the event holds no order"))?;
    let of_refund = || body.refund.as_ref().and_then(|refund| refund.order_id.clone());
    let id = order.id.clone().or_else(of_refund).ok_or_else(|| {
        Fault::permanent_at("/order/id", "the order has no id, so its deal could not be found again")
    })?;
    let label = order.name.as_ref().or(order.number.as_ref()).unwrap_or(&id);
    let placed = event.kind == "commerce.order.placed";
    let closed_at = order.placed_at.as_deref().or(placed.then_some(event.time.as_str()));
    let left = worth(order);
    let fields = Fields {
        name: format!("Order {label}"),
        amount: left.clone().or_else(|| order.total.as_ref().map(|total| total.amount.clone())),
        currency: order.total.as_ref(),
        closed_at,
    };
    let mut properties = fields.properties(config);
    if let Some(stage) = stage(order, told, left.as_deref(), placed) {
        properties.push(("dealstage".into(), stage.id(&config.stages).into()));
    }
    Ok(keyed(id, properties, config))
}

/// A till receipt.
pub fn sale(body: &Body, event: &Event, config: &Config) -> Result<Deal, Fault> {
    let receipt =
        body.receipt.as_ref().ok_or_else(|| Fault::permanent_at("/receipt", "the event holds no receipt"))?;
    let id = receipt_id(body, receipt).or_else(|| event.subject.clone()).ok_or_else(|| {
        Fault::permanent_at(
            "/receipt/number",
            "the receipt has no number, so its deal could not be found again",
        )
    })?;
    let label = receipt.number.as_ref().or(receipt.sequence.as_ref()).unwrap_or(&id);
    let store = body.store.as_ref().and_then(|store| store.name.as_ref().or(store.id.as_ref()));
    let fields = Fields {
        name: store.map_or_else(|| format!("Receipt {label}"), |store| format!("Receipt {label}, {store}")),
        amount: receipt.total.as_ref().map(|total| total.amount.clone()),
        currency: receipt.total.as_ref(),
        closed_at: Some(receipt.closed_at.as_deref().unwrap_or(&event.time)),
    };
    let mut properties = fields.properties(config);
    properties.push(("dealstage".into(), Stage::Sale.id(&config.stages).into()));
    Ok(keyed(id, properties, config))
}

/// With its order, the deal takes the order's state. Alone, the refund must be set against the deal as HubSpot has it.
pub fn refund(body: &Body, event: &Event, config: &Config, work: &mut Work) -> Result<(), Fault> {
    if body.order.as_ref().is_some_and(|order| order.total.is_some()) {
        work.deal = Some(order(body, event, None, config)?);
        return Ok(());
    }
    let refund =
        body.refund.as_ref().ok_or_else(|| Fault::permanent_at("/refund", "the event holds no refund"))?;
    let missing = |at: &str, what: &str| Fault::permanent_at(at, format!("the refund has no {what}"));
    let of_order = || body.order.as_ref().and_then(|order| order.id.clone());
    let order =
        refund.order_id.clone().or_else(of_order).ok_or_else(|| missing("/refund/order_id", "order"))?;
    let id = refund.id.clone().ok_or_else(|| missing("/refund/id", "id"))?;
    let amount = refund.amount.as_ref().and_then(|money| money::decimal(&money.amount));
    let amount = amount.ok_or_else(|| missing("/refund/amount/amount", "amount"))?;
    if config.deal_property("refunds").is_none() {
        return Err(Fault::permanent(
            "a refund without its order is taken off the deal's amount once, and the deal must remember that it was: \
             name a text property of deals in the channel's deal_properties.refunds",
        ));
    }
    work.refund = Some(Refund { order, id, amount });
    Ok(())
}

struct Fields<'a> {
    name: String,
    amount: Option<String>,
    currency: Option<&'a Money>,
    closed_at: Option<&'a str>,
}

impl Fields<'_> {
    fn properties(self, config: &Config) -> Properties {
        let fields = [
            ("name", Some(self.name)),
            ("amount", self.amount),
            ("currency", self.currency.map(|money| money.currency.clone())),
            ("closed_at", self.closed_at.and_then(property)),
        ];
        let mut properties = Properties::new();
        for (field, value) in fields {
            if let (Some(property), Some(value)) = (config.deal_property(field), value) {
                properties.push((property.to_owned(), value));
            }
        }
        properties
    }
}

/// HubSpot's date-times: milliseconds since 1970, as text.
fn property(text: &str) -> Option<String> {
    time::epoch_millis(text).map(|millis| millis.to_string())
}

fn keyed(order: String, mut properties: Properties, config: &Config) -> Deal {
    properties.push(("pipeline".into(), config.pipeline.clone()));
    if let Some(property) = &config.order_id_property {
        properties.push((property.clone(), order.clone()));
    }
    Deal { order, properties }
}

/// `None` where nothing tells: an edit alone must not move a paid order back.
fn stage(order: &Order, told: Option<Stage>, left: Option<&str>, placed: bool) -> Option<Stage> {
    let payment = order.payment_status.as_deref();
    let given_back =
        refunded(order).is_some_and(|sum| is_positive(&sum)) && left.is_some_and(|left| !is_positive(left));
    if told == Some(Stage::Cancelled) || order.status.as_deref() == Some("cancelled") {
        return Some(Stage::Cancelled);
    }
    if given_back || payment == Some("refunded") {
        return Some(Stage::Refunded);
    }
    let delivered = told.filter(|stage| *stage != Stage::Paid);
    let shipped = (order.fulfilment_status.as_deref() == Some("fulfilled")).then_some(Stage::Fulfilled);
    let paid = matches!(payment, Some("paid" | "partially_refunded")).then_some(Stage::Paid);
    delivered.or(shipped).or(paid).or(told).or((placed || payment.is_some()).then_some(Stage::Placed))
}

/// What the customer pays in the end: the total less what went back.
fn worth(order: &Order) -> Option<String> {
    let total = &order.total.as_ref()?.amount;
    match refunded(order) {
        Some(sum) => money::subtract(total, &sum),
        None => money::decimal(total),
    }
}

fn refunded(order: &Order) -> Option<String> {
    if let Some(money) = &order.refunded {
        return money::decimal(&money.amount);
    }
    let amounts = order.refunds.iter().filter_map(|refund| money::decimal(&refund.amount.as_ref()?.amount));
    amounts.map(Some).reduce(|sum, amount| money::add(&sum?, &amount?)).flatten()
}

/// More than nothing.
pub fn is_positive(amount: &str) -> bool {
    money::compare(amount, "0") == Some(Ordering::Greater)
}

/// Receipts count anew in every store, at every till and often every day: their number alone is nobody's name.
fn receipt_id(body: &Body, receipt: &Receipt) -> Option<String> {
    if let Some(id) = &receipt.id {
        return Some(id.clone());
    }
    let number = receipt.number.as_ref().or(receipt.sequence.as_ref())?;
    let store = body.store.as_ref().and_then(|store| store.id.as_ref());
    let till = body.till.as_ref().and_then(|till| till.id.as_ref());
    let parts = [store, till, receipt.business_day.as_ref(), Some(number)];
    Some(parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/"))
}
