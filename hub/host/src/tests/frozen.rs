//! Version 1 of the contract is published, and stays as it is.

const V1: &str = include_str!("../../../../plugin-sdk/wit/v1/connector.wit");

#[test]
fn a_published_contract_is_never_edited() {
    let published = "691c44086bd784f0ec92343b47d5e0dfc7e2c03ccd8f1886d99ecd8a15a47366";
    let digest = blake3::hash(V1.as_bytes()).to_hex();
    assert_eq!(digest.as_str(), published, "wishes go to plugin-sdk/wit/NEXT.md, abilities to a new version");
}
