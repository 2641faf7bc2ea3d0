//! What the connector makes of the messages and deliveries in `golden/`.

use canonical::Canonical;
use snodo_connector::golden;

#[test]
fn sources_tell_the_events_they_told_before() {
    golden::check_source::<Canonical>(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn destinations_ask_for_what_they_asked_for_before() {
    golden::check_destination::<Canonical>(env!("CARGO_MANIFEST_DIR"));
}
