//! The lead forms of ads on Facebook and Instagram: what people have filled in is fetched, form by form, as
//! <https://developers.facebook.com/documentation/ads-commerce/marketing-api/guides/lead-ads/retrieving> has it.
//! That somebody has sent a form, the connector `meta` hears at once, but not what is in it.

mod answer;
mod config;
mod fetch;
mod lead;

pub struct MetaLeads;

snodo_connector::export!(MetaLeads: poll);
