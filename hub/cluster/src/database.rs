//! Connections to PostgreSQL: how they are set up, how long they may be silent, and what their errors mean. No error shows the URL,
//! which has a password in it, nor what a row holds.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Timeouts};
use snodo_store::{Internal, StoreError};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::condition::Watch;
use crate::open::OpenError;

/// A server that cannot be reached in this time is down.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);

/// A read takes milliseconds; what is silent for longer is frozen.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// But for what counts every row of the ledger.
pub(crate) const COUNT_TIME_MAX: Duration = Duration::from_secs(300);

/// What is part of a transaction takes milliseconds. One that holds a lock and is frozen is given up, by both sides.
pub(crate) const WRITE_TIME_MAX: Duration = Duration::from_secs(8);

/// Reads at one time, and what writes, holds leases and holds turns.
const CONNECTIONS_MAX: usize = 12;

/// What the server is told about every connection: it notices within about ten seconds that a node is gone without a word, and lets go
/// of the node's locks.
const SESSION: &str = "-c idle_in_transaction_session_timeout=8s -c tcp_keepalives_idle=4 -c tcp_keepalives_interval=2 \
     -c tcp_keepalives_count=3 -c tcp_user_timeout=10000 -c synchronous_commit=on";

pub(crate) struct Database {
    pool: Pool,
    config: Config,
    tls: Option<MakeRustlsConnect>,
    pub watch: Watch,
}

impl Database {
    /// Calls nobody yet. Every connection works in `schema`.
    pub fn new(url: &str, schema: &str) -> Result<Arc<Self>, OpenError> {
        let mut config: Config = url.parse().map_err(|_| OpenError::DatabaseUrl)?;
        let given = config.get_options().map(|given| format!("{given} ")).unwrap_or_default();
        config
            .options(format!("{given}{SESSION} -c search_path={schema}"))
            .application_name("snodo")
            .connect_timeout(CONNECT_TIME_MAX)
            .keepalives_idle(Duration::from_secs(4))
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(2)
            .tcp_user_timeout(Duration::from_secs(8));
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(client_tls()?)),
        };
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &tls {
            Some(tls) => Manager::from_config(config.clone(), tls.clone(), recycling),
            None => Manager::from_config(config.clone(), NoTls, recycling),
        };
        let limits = Timeouts {
            wait: Some(CONNECT_TIME_MAX),
            create: Some(CONNECT_TIME_MAX),
            recycle: Some(CONNECT_TIME_MAX),
        };
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS_MAX)
            .timeouts(limits)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .build()
            .map_err(|error| OpenError::Internal(error.to_string()))?;
        Ok(Arc::new(Self { pool, config, tls, watch: Watch::new("the database") }))
    }

    pub async fn client(&self) -> Result<Object, StoreError> {
        let client = self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => self.failed(&error),
            PoolError::Closed => StoreError::Closed,
            // All connections are at work, or none could be made in time.
            _ => self.away("it did not answer in time"),
        })?;
        self.watch.up();
        Ok(client)
    }

    /// A connection that is nobody else's, for locks that last as long as it does.
    pub async fn connect(&self) -> Result<Client, StoreError> {
        let connecting = async {
            match &self.tls {
                Some(tls) => {
                    let (client, connection) = self.config.connect(tls.clone()).await?;
                    tokio::spawn(connection);
                    Ok(client)
                }
                None => {
                    let (client, connection) = self.config.connect(NoTls).await?;
                    tokio::spawn(connection);
                    Ok(client)
                }
            }
        };
        let client = timeout(CONNECT_TIME_MAX, connecting).await;
        let client = client.map_err(|_| self.away("it did not answer in time"))?;
        let client = client.map_err(|error: tokio_postgres::Error| self.failed(&error))?;
        self.watch.up();
        Ok(client)
    }

    /// Work on one connection. One that is silent for too long, or failed, is not used again.
    pub async fn with<T, F>(&self, work: impl FnOnce(Arc<Object>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        self.within(ANSWER_TIME_MAX, work).await
    }

    pub async fn within<T, F>(
        &self,
        time: Duration,
        work: impl FnOnce(Arc<Object>) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        let client = Arc::new(self.client().await?);
        let done = timeout(time, work(Arc::clone(&client))).await;
        let done = match done {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => self.failed(&error),
            Err(_) => self.away("it did not answer in time"),
        };
        if let Some(client) = Arc::into_inner(client) {
            drop(Object::take(client));
        }
        Err(done)
    }

    /// Everything that `read` reads is of one moment.
    pub async fn snapshot<T, F>(
        &self,
        time: Duration,
        read: impl FnOnce(Arc<Object>) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, tokio_postgres::Error>>,
    {
        self.within(time, async |client| {
            client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            let found = read(Arc::clone(&client)).await?;
            client.batch_execute("COMMIT").await?;
            Ok(found)
        })
        .await
    }

    pub fn close(&self) {
        self.pool.close();
    }

    pub fn away(&self, why: &str) -> StoreError {
        self.watch.down(why);
        StoreError::Away(format!("the database: {why}"))
    }

    /// What an error means for the caller. The server's own words may quote a row: only its code is told, and the name of a rule.
    pub fn failed(&self, error: &tokio_postgres::Error) -> StoreError {
        let Some(said) = error.as_db_error() else {
            return match error.is_closed()
                || std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
            {
                true => self.away("the connection broke"),
                false => StoreError::Internal(Arc::new(Internal::Corrupt(format!("the database: {error}")))),
            };
        };
        let code = said.code();
        match code.code().get(..2) {
            _ if *code == SqlState::DISK_FULL => StoreError::Full,
            // Logins and connections refused, resources used up, the server stops, the statement was cancelled.
            Some("08" | "28" | "3D" | "53" | "57" | "58" | "40" | "55") => self.away(&explained(code)),
            _ if *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => {
                self.away("a transaction took too long")
            }
            _ => {
                let at = said.constraint().or(said.table()).unwrap_or_default();
                let text = format!("the database refused a statement: SQLSTATE {} {at}", code.code());
                StoreError::Internal(Arc::new(Internal::Corrupt(text)))
            }
        }
    }
}

fn explained(code: &SqlState) -> String {
    let what = match code.code() {
        "28P01" | "28000" => "it does not let the hub in: compare user and password with the database's",
        "3D000" => "there is no database of that name: make it",
        "53300" => "it has no connection left: raise max_connections",
        "57P01" | "57P02" | "57P03" => "it is stopping or starting",
        _ => "it could not do it now",
    };
    format!("{what} (SQLSTATE {})", code.code())
}

/// The system's certificate authorities.
fn client_tls() -> Result<rustls::ClientConfig, OpenError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| OpenError::Internal(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
