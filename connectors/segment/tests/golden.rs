//! What the connector makes of the calls in `golden/`.

use segment::Segment;

#[test]
fn calls_tell_the_events_they_told_before() {
    snodo_connector::golden::check_source::<Segment>(env!("CARGO_MANIFEST_DIR"));
}
