//! Opens a connection to the one address that a channel declares, with TLS where it says so.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use snodo_core::declare::address::Address;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::supervise::{Class, Trouble};
use super::tls;

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
        let config = address.tls.then(tls::client_config).transpose()?;
        Ok(Self { address, tls: config.map(|config| TlsConnector::from(Arc::new(config))) })
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
