//! What one event writes in HubSpot: a contact, a deal, a refund on a deal. Pure mapping; it knows no request and no batch.

mod contact;
mod deal;

use snodo_connector::{Delivery, Fault, time};

use crate::canonical::Body;
use crate::config::Config;

pub use deal::{Stage, is_positive};

/// HubSpot property and value. Every value is text.
pub type Properties = Vec<(String, String)>;

/// What is to be done for one delivery. At least one of the three is there.
#[derive(Debug)]
pub struct Work {
    /// When it happened, in microseconds: of two values the later one stays.
    pub time: i64,
    pub contact: Option<Contact>,
    pub deal: Option<Deal>,
    pub refund: Option<Refund>,
}

#[derive(Debug)]
pub struct Contact {
    pub email: String,
    pub properties: Properties,
}

#[derive(Debug)]
pub struct Deal {
    /// The value of the channel's `order_id_property`.
    pub order: String,
    pub properties: Properties,
}

/// A refund that came without its order: what the deal is worth now must be asked first.
#[derive(Debug)]
pub struct Refund {
    pub order: String,
    pub id: String,
    /// A decimal number.
    pub amount: String,
}

enum Kind {
    Contact,
    Consent,
    Order(Option<Stage>),
    Refund,
    Sale,
}

pub fn work(delivery: &Delivery, config: &Config) -> Result<Work, Fault> {
    let event = &delivery.event;
    let kind = kind(&event.kind).ok_or_else(|| {
        Fault::permanent(format!("no mapping for {}: the route should not send it to HubSpot", event.kind))
    })?;
    let body: Body = event.data()?;
    let customer = matches!(kind, Kind::Order(_) | Kind::Sale);
    let contact = contact::contact(&body, config, customer);
    if let (Kind::Consent, Some(contact)) = (&kind, &contact) {
        contact::expect_consent(&body, contact, config)?;
    }
    let time = time::epoch_micros(&event.time).unwrap_or_default();
    let mut work = Work { time, contact, deal: None, refund: None };
    if config.order_id_property.is_some() {
        match kind {
            Kind::Contact | Kind::Consent => {}
            Kind::Order(stage) => work.deal = Some(deal::order(&body, event, stage, config)?),
            Kind::Sale => work.deal = Some(deal::sale(&body, event, config)?),
            Kind::Refund => deal::refund(&body, event, config, &mut work)?,
        }
    }
    if work.contact.is_none() && work.deal.is_none() && work.refund.is_none() {
        return Err(Fault::permanent_at(
            "/customer/identifiers",
            "the event names no valid e-mail address, and HubSpot knows a contact by it: there is nothing to write",
        ));
    }
    Ok(work)
}

fn kind(kind: &str) -> Option<Kind> {
    Some(match kind {
        "crm.contact.created"
        | "crm.contact.updated"
        | "crm.contact.merged"
        | "identity.user.identified"
        | "identity.alias.asserted"
        | "identity.profile.merged"
        | "identity.group.joined" => Kind::Contact,
        "consent.preference.updated" => Kind::Consent,
        "commerce.order.placed" | "commerce.order.edited" => Kind::Order(None),
        "commerce.order.paid" => Kind::Order(Some(Stage::Paid)),
        "commerce.order.fulfilled" => Kind::Order(Some(Stage::Fulfilled)),
        "commerce.order.delivered" => Kind::Order(Some(Stage::Delivered)),
        "commerce.order.cancelled" => Kind::Order(Some(Stage::Cancelled)),
        "commerce.refund.issued" => Kind::Refund,
        "pos.sale.completed" => Kind::Sale,
        _ => return None,
    })
}
