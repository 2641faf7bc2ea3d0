//! What a channel says of its HubSpot account. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What we know of a person, and the HubSpot contact property that takes it. Internal names of HubSpot's own properties; a
/// field without one is written only where the channel names a property for it.
const CONTACT_PROPERTIES: [(&str, &str); 12] = [
    ("given_name", "firstname"),
    ("family_name", "lastname"),
    ("phone", "phone"),
    ("mobile", "mobilephone"),
    ("company", "company"),
    ("job_title", "jobtitle"),
    ("website", "website"),
    ("street", "address"),
    ("city", "city"),
    ("region", "state"),
    ("postal_code", "zip"),
    ("country", "country"),
];

const DEAL_PROPERTIES: [(&str, &str); 4] = [
    ("name", "dealname"),
    ("amount", "amount"),
    ("currency", "deal_currency_code"),
    ("closed_at", "closedate"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "hubspot")]
    base_url: String,
    /// Without it, orders write only their contact.
    pub order_id_property: Option<String>,
    #[serde(default = "default_pipeline")]
    pub pipeline: String,
    #[serde(default)]
    pub stages: Stages,
    #[serde(default)]
    contact_properties: BTreeMap<String, String>,
    #[serde(default)]
    deal_properties: BTreeMap<String, String>,
    /// Purpose of consent to contact property.
    #[serde(default)]
    pub consent_properties: BTreeMap<String, String>,
    /// What amounts are in that come without a currency.
    pub currency: Option<String>,
    /// `lifecyclestage` of whoever has bought. HubSpot itself never moves it backward.
    pub customer_lifecycle_stage: Option<String>,
}

/// Internal ids of the pipeline's stages, by what has become of the order.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stages {
    pub placed: String,
    pub paid: String,
    pub fulfilled: String,
    pub delivered: String,
    pub cancelled: String,
    pub refunded: String,
    pub sale: String,
}

impl Default for Stages {
    /// Of the pipeline that every account starts with.
    fn default() -> Self {
        let (open, won, lost) = ("contractsent", "closedwon", "closedlost");
        Self {
            placed: open.into(),
            paid: won.into(),
            fulfilled: won.into(),
            delivered: won.into(),
            cancelled: lost.into(),
            refunded: lost.into(),
            sale: won.into(),
        }
    }
}

impl Config {
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.trim_end_matches('/'))
    }

    /// The contact property for a field; `None` if the channel does not want it written.
    pub fn contact_property(&self, field: &str) -> Option<&str> {
        property(&self.contact_properties, &CONTACT_PROPERTIES, field)
    }

    pub fn deal_property(&self, field: &str) -> Option<&str> {
        property(&self.deal_properties, &DEAL_PROPERTIES, field)
    }
}

fn property<'a>(
    own: &'a BTreeMap<String, String>,
    defaults: &[(&str, &'static str)],
    field: &str,
) -> Option<&'a str> {
    let default = || defaults.iter().find(|(name, _)| *name == field).map(|(_, property)| *property);
    own.get(field).map(String::as_str).or_else(default).filter(|property| !property.is_empty())
}

fn hubspot() -> String {
    "https://api.hubapi.com".into()
}

fn default_pipeline() -> String {
    "default".into()
}
