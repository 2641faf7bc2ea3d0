//! What a channel says of its Klaviyo account. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Klaviyo's own names for what shops tell: its flows and segments are made for these.
/// <https://developers.klaviyo.com/en/docs/guide_to_integrating_a_platform_without_a_pre_built_klaviyo_integration>
const METRICS: [(&str, &str); 7] = [
    ("commerce.order.placed", "Placed Order"),
    ("commerce.order.fulfilled", "Fulfilled Order"),
    ("commerce.order.cancelled", "Cancelled Order"),
    ("commerce.refund.issued", "Refunded Order"),
    ("commerce.checkout.started", "Started Checkout"),
    ("commerce.cart.item_added", "Added to Cart"),
    ("commerce.product.viewed", "Viewed Product"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    base_url: String,
    metrics: BTreeMap<String, String>,
    /// Namespace of the identifier that is Klaviyo's `external_id`.
    pub external_id: Option<String>,
    pub email_purpose: String,
    pub sms_purpose: String,
    pub list_id: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base_url: "https://a.klaviyo.com".into(),
            metrics: BTreeMap::new(),
            external_id: None,
            email_purpose: "marketing.email".into(),
            sms_purpose: "marketing.sms".into(),
            list_id: None,
        }
    }
}

impl Config {
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url.trim_end_matches('/'))
    }

    /// What events of that type are called at Klaviyo; `None` if they are not told.
    pub fn metric(&self, kind: &str) -> Option<&str> {
        let default = || METRICS.iter().find(|(name, _)| *name == kind).map(|(_, metric)| *metric);
        self.metrics.get(kind).map(String::as_str).or_else(default).filter(|name| !name.is_empty())
    }
}
