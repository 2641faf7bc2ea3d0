//! What every encrypted connection outwards rests on: rustls with ring, and the certificate authorities that the system trusts, or
//! those of `SSL_CERT_FILE` and `SSL_CERT_DIR`. Opens no connection.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

/// For connections on which the server proves its name, and the hub shows none.
pub fn client_config() -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    let (trusted, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if trusted == 0 {
        warn!(
            "no certificate authority found: TLS will fail until ca-certificates is installed or SSL_CERT_FILE set"
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}
