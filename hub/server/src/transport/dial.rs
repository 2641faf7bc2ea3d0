//! Opens a connection to the one address that a channel declares, with TLS where it says so. Trusts the certificate authorities
//! that the system trusts, and speaks TLS by rustls with ring, as the hub's HTTP client does.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use snodo_core::declare::address::Address;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::supervise::{Class, Trouble};

/// The slowest link to another continent takes 300 ms for one way: name, connection, TLS and greeting fit.
pub const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// Bytes both ways, encrypted or not.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

pub struct Dialer {
    address: Address,
    tls: Option<TlsConnector>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialer({})", self.address)
    }
}

impl Dialer {
    pub fn new(address: Address) -> anyhow::Result<Self> {
        let tls = address.tls.then(connector).transpose()?;
        Ok(Self { address, tls })
    }

    pub const fn address(&self) -> &Address {
        &self.address
    }

    pub async fn dial(&self) -> Result<Box<dyn Wire>, Trouble> {
        let Address { host, port, .. } = &self.address;
        let stream = TcpStream::connect((host.as_str(), *port))
            .await
            .map_err(|error| Trouble::away(format!("failed to reach {}: {error}", self.address)))?;
        // A broker answers small packets with small packets.
        stream.set_nodelay(true).map_err(|error| Trouble::away(error.to_string()))?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        let untrusted = |error: &dyn fmt::Display| {
            Trouble::new(Class::Refused, format!("failed to speak TLS with {}: {error}", self.address))
        };
        let name = ServerName::try_from(host.clone()).map_err(|error| untrusted(&error))?;
        let stream = tls.connect(name, stream).await.map_err(|error| untrusted(&error))?;
        Ok(Box::new(stream))
    }
}

fn connector() -> anyhow::Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    let (trusted, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if trusted == 0 {
        tracing::warn!(
            "no certificate authority found: TLS will fail until ca-certificates is installed or SSL_CERT_FILE set"
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
