//! What the connector makes of the webhooks in `golden/`.

use shopify::Shopify;

#[test]
fn webhooks_tell_the_events_they_told_before() {
    snodo_connector::golden::check_source::<Shopify>(env!("CARGO_MANIFEST_DIR"));
}
