//! The part of a canonical body that HubSpot has a place for. What is not named here is not read.

use std::collections::BTreeMap;

use serde::Deserialize;
use snodo_connector::contact;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Body {
    pub customer: Customer,
    pub consent: Consent,
    pub order: Option<Order>,
    pub refund: Option<Refund>,
    pub receipt: Option<Receipt>,
    pub store: Option<Store>,
    pub till: Option<Till>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Customer {
    pub identifiers: Vec<Identifier>,
    pub traits: Traits,
}

#[derive(Debug, Deserialize)]
pub struct Identifier {
    pub namespace: String,
    pub value: String,
    #[serde(default)]
    pub primary: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Traits {
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub salutation: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub mobile: Option<String>,
    pub birth_date: Option<String>,
    pub gender: Option<String>,
    pub language: Option<String>,
    pub company: Option<String>,
    pub job_title: Option<String>,
    pub industry: Option<String>,
    pub website: Option<String>,
    pub timezone: Option<String>,
    pub note: Option<String>,
    pub tags: Vec<String>,
    pub addresses: Vec<Address>,
    pub orders_count: Option<i64>,
    pub total_spent: Option<Money>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Address {
    pub line1: Option<String>,
    pub line2: Option<String>,
    pub city: Option<String>,
    pub region: Option<String>,
    pub postal_code: Option<String>,
    pub country: Option<String>,
    pub country_code: Option<String>,
    pub primary: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Consent {
    pub purposes: BTreeMap<String, Purpose>,
}

#[derive(Debug, Deserialize)]
pub struct Purpose {
    pub state: String,
}

#[derive(Debug, Deserialize)]
pub struct Money {
    pub amount: String,
    pub currency: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Order {
    pub id: Option<String>,
    pub number: Option<String>,
    pub name: Option<String>,
    pub status: Option<String>,
    pub payment_status: Option<String>,
    pub fulfilment_status: Option<String>,
    pub placed_at: Option<String>,
    pub total: Option<Money>,
    pub refunded: Option<Money>,
    pub refunds: Vec<Refund>,
    pub billing_address: Option<Address>,
    pub shipping_address: Option<Address>,
    pub email: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Refund {
    pub id: Option<String>,
    pub order_id: Option<String>,
    pub amount: Option<Money>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Receipt {
    pub id: Option<String>,
    pub number: Option<String>,
    pub sequence: Option<String>,
    pub business_day: Option<String>,
    pub closed_at: Option<String>,
    pub total: Option<Money>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Store {
    pub id: Option<String>,
    pub name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Till {
    pub id: Option<String>,
}

impl Customer {
    /// The address that HubSpot knows the contact by: the primary identifier, the first one, or what the traits say.
    /// Lower case, as HubSpot keeps it. `None` also for what is no address, which would make HubSpot refuse its whole batch.
    pub fn email(&self) -> Option<String> {
        let emails = || self.identifiers.iter().filter(|identifier| identifier.namespace == "email");
        let found = emails().find(|identifier| identifier.primary).or_else(|| emails().next());
        let text = found.map(|identifier| identifier.value.as_str()).or(self.traits.email.as_deref())?;
        contact::email(text)
    }
}
