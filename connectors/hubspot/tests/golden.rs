//! The golden cases in `golden/`.

#[test]
fn every_case_comes_out_as_expected() {
    snodo_connector::golden::check_destination::<hubspot::Hubspot>(env!("CARGO_MANIFEST_DIR"));
}
