//! What an encrypted connection outwards rests on: rustls with ring, and the certificate authorities that the system trusts, or
//! those of `SSL_CERT_FILE` and `SSL_CERT_DIR`. Opens no connection.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// For connections on which the server proves its name, and the hub shows none.
pub fn client_config() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}
