//! The golden cases of `golden/`.

#[test]
fn every_golden_case_holds() {
    snodo_connector::golden::check_source::<poslog::Poslog>(env!("CARGO_MANIFEST_DIR"));
}
