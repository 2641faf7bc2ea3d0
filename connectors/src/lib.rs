//! The connectors that come with the hub: each one's manifest and its component, built by `build.rs`. Nothing is run here.

/// A connector as it lies in the binary.
#[derive(Clone, Copy)]
pub struct Embedded {
    pub name: &'static str,
    /// The text of its `connector.toml`.
    pub manifest: &'static str,
    pub component: &'static [u8],
}

/// All of them, in the order of their names.
pub fn catalogue() -> &'static [Embedded] {
    const CATALOGUE: &[Embedded] = &include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));
    CATALOGUE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connector_is_a_component_with_a_manifest_of_its_name() {
        assert!(!catalogue().is_empty());
        for Embedded { name, manifest, component } in catalogue() {
            // The component layer and version of the binary format.
            assert_eq!(component[..8], *b"\0asm\x0d\0\x01\0", "{name}");
            assert!(manifest.contains(&format!("name = {name:?}")), "{name}");
        }
    }
}
