//! Opens a connection to a database and logs in. Goes where the channel's URL says and nowhere else; in the clear only to this
//! machine or within a private network.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use snodo_core::declare::channel::{DatabaseUrl, SqlTls};
use snodo_core::secret::Secret;
use tokio::net::TcpStream;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fail::SqlError;
use crate::transport::http_out::address::{Reach, reach};

/// A server that cannot be reached in this time is down.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// Where a database is, and as whom the hub works there.
#[derive(Clone)]
pub struct Login {
    url: DatabaseUrl,
    password: Option<Secret>,
    tls: Option<MakeRustlsConnect>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({})", self.url)
    }
}

impl Login {
    pub fn new(url: DatabaseUrl, password: Option<Secret>, tls: SqlTls) -> Result<Self, rustls::Error> {
        let tls = match tls {
            SqlTls::Required => Some(MakeRustlsConnect::new(crate::transport::tls::client_config()?)),
            SqlTls::None => None,
        };
        Ok(Self { url, password, tls })
    }

    pub async fn connect(&self) -> Result<Client, SqlError> {
        let stream = self.dial().await?;
        let mut config = Config::new();
        config.user(&self.url.user).dbname(&self.url.database).application_name("snodo");
        config.ssl_mode(if self.tls.is_some() { SslMode::Require } else { SslMode::Disable });
        if let Some(password) = &self.password {
            config.password(password.expose());
        }
        let failed = |error: tokio_postgres::Error| SqlError::of_login(&error, &self.url);
        // The connection ends with its client.
        match &self.tls {
            Some(tls) => {
                let tls = MakeTlsConnect::<TcpStream>::make_tls_connect(&mut tls.clone(), &self.url.host)
                    .map_err(|error| SqlError::Connect(error.to_string()))?;
                let (client, connection) = config.connect_raw(stream, tls).await.map_err(failed)?;
                tokio::spawn(connection);
                Ok(client)
            }
            None => {
                let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(failed)?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }

    async fn dial(&self) -> Result<TcpStream, SqlError> {
        let (host, port) = (self.url.host.as_str(), self.url.port);
        let connect = async {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
            if self.tls.is_none() && found.iter().any(|address| reach(address.ip()) != Reach::Private) {
                return Ok(None);
            }
            TcpStream::connect(found.as_slice()).await.map(Some)
        };
        let connected = tokio::time::timeout(CONNECT_TIME_MAX, connect).await;
        let stream = connected
            .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
            .map_err(|error| SqlError::Connect(error.to_string()))?
            .ok_or_else(|| SqlError::Clear(host.to_owned()))?;
        stream.set_nodelay(true).map_err(|error| SqlError::Connect(error.to_string()))?;
        Ok(stream)
    }
}
