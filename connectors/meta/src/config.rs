//! What a channel says of its pixel and of what is sent to it. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Meta's standard events: <https://developers.facebook.com/docs/meta-pixel/reference#standard-events>.
const EVENTS: [(&str, &str); 15] = [
    ("commerce.order.placed", "Purchase"),
    ("pos.sale.completed", "Purchase"),
    ("commerce.cart.item_added", "AddToCart"),
    ("commerce.wishlist.item_added", "AddToWishlist"),
    ("commerce.checkout.started", "InitiateCheckout"),
    ("commerce.checkout.payment_entered", "AddPaymentInfo"),
    ("commerce.product.viewed", "ViewContent"),
    ("web.content.viewed", "ViewContent"),
    ("web.page.viewed", "PageView"),
    ("web.search.performed", "Search"),
    ("web.form.submitted", "Lead"),
    ("crm.lead.created", "Lead"),
    ("social.lead.submitted", "Lead"),
    ("loyalty.account.enrolled", "CompleteRegistration"),
    ("subscription.contract.started", "Subscribe"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default = "graph_api::base_url")]
    base_url: String,
    #[serde(default = "graph_api::version")]
    api_version: String,
    /// Only sending needs it.
    pixel_id: Option<String>,
    /// Type of event to Meta's name; an empty name leaves the type out.
    #[serde(default)]
    events: BTreeMap<String, String>,
    #[serde(default)]
    pub content_id: ContentId,
    #[serde(default)]
    pub purchase_event_id: PurchaseId,
    #[serde(default = "advertising")]
    pub purposes: Vec<String>,
    /// For the test view of Meta's events manager.
    pub test_event_code: Option<String>,
}

/// Which number of a product the catalogue at Meta knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentId {
    #[default]
    Sku,
    Id,
    VariantId,
    Gtin,
}

impl ContentId {
    pub const fn field(self) -> &'static str {
        match self {
            Self::Sku => "sku",
            Self::Id => "id",
            Self::VariantId => "variant_id",
            Self::Gtin => "gtin",
        }
    }
}

/// What a purchase is called, so that Meta takes the pixel's and ours for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseId {
    #[default]
    Event,
    Order,
}

impl Config {
    pub fn url(&self) -> Option<String> {
        let pixel = self.pixel_id.as_deref()?;
        Some(graph_api::url(&self.base_url, &self.api_version, &format!("{pixel}/events")))
    }

    pub fn event(&self, kind: &str) -> Option<&str> {
        let default = || EVENTS.iter().find(|(one, _)| *one == kind).map(|(_, name)| *name);
        self.events.get(kind).map(String::as_str).or_else(default).filter(|name| !name.is_empty())
    }
}

fn advertising() -> Vec<String> {
    ["advertising", "marketing.advertising"].map(str::to_owned).into()
}
