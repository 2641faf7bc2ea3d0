//! The part of a canonical body that HubSpot has a place for. What is not named here is not read.

use serde::Deserialize;
pub use snodo_connector::canonical::{Address, Traits};
use snodo_connector::canonical::{Consent, Customer};
pub use snodo_connector::money::Money;

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
