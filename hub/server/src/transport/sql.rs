//! PostgreSQL, as a destination and as something that is asked: connections to one database as one user, opened when they are
//! needed and kept for the next request. Knows the hub's own SQL only; never logs, and never quotes, a value.

pub mod connect;
pub mod fail;
pub mod read;
pub mod write;

mod explain;
mod order;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use snodo_core::ChannelName;
use tokio_postgres::Client;
use tracing::{info, warn};

use connect::Login;
pub use fail::SqlError;

/// Servers, and what stands before them, drop connections that were idle for a minute or more.
const IDLE_TIME_MAX: Duration = Duration::from_secs(50);

/// A connection that rested longer is tried before it is used: it may have gone without a word.
const RESTED: Duration = Duration::from_secs(1);

/// The database of one channel.
#[derive(Debug)]
pub struct Database {
    channel: ChannelName,
    login: Login,
    /// For one request, or one page, from beginning to end.
    timeout: Duration,
    /// Never more than there are requests at one time.
    idle: Mutex<Vec<Idle>>,
    away: AtomicBool,
}

#[derive(Debug)]
struct Idle {
    client: Client,
    since: Instant,
}

impl Database {
    /// Calls nobody: the database may well be away now.
    pub const fn new(channel: ChannelName, login: Login, timeout: Duration) -> Self {
        Self { channel, login, timeout, idle: Mutex::new(Vec::new()), away: AtomicBool::new(false) }
    }

    /// Bounds a piece of work in time, and tells when the database goes and comes back.
    async fn bounded<T>(&self, work: impl Future<Output = Result<T, SqlError>>) -> Result<T, SqlError> {
        let done = tokio::time::timeout(self.timeout, work).await;
        let done = done.unwrap_or(Err(SqlError::Timeout(self.timeout)));
        self.tell(done.as_ref().err());
        done
    }

    /// For the next piece of work. A connection on which something went wrong is dropped instead, and ends with that.
    fn keep(&self, client: Client) {
        self.idle().push(Idle { client, since: Instant::now() });
    }

    async fn connection(&self) -> Result<Client, SqlError> {
        loop {
            // In a statement of its own: the lock is not held while somebody waits.
            let next = self.idle().pop();
            let Some(Idle { client, since }) = next else { break };
            let fit = match since.elapsed() {
                rested if client.is_closed() || rested > IDLE_TIME_MAX => false,
                rested if rested < RESTED => true,
                _ => client.check_connection().await.is_ok(),
            };
            if fit {
                return Ok(client);
            }
        }
        self.login.connect().await
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One line when it goes, and one when it is back.
    fn tell(&self, error: Option<&SqlError>) {
        let channel = &self.channel;
        match error {
            Some(error) if error.is_away() => {
                if !self.away.swap(true, Ordering::Relaxed) {
                    warn!(%channel, %error, "the database is away");
                }
            }
            // Whatever else it says, it is there.
            _ => {
                if self.away.swap(false, Ordering::Relaxed) {
                    info!(%channel, "the database is back");
                }
            }
        }
    }
}

/// A name as SQL writes it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What every transaction begins with, so that values mean the same whatever the server's defaults are. Of the transaction only:
/// the connection may be one of a pooler's.
fn settings(timeout: Duration) -> String {
    format!(
        "SET LOCAL statement_timeout = {}; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; \
         SET LOCAL IntervalStyle = 'iso_8601'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'",
        timeout.as_millis().clamp(1, i32::MAX as u128)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_a_name() {
        assert_eq!(quoted("a\"; DROP TABLE b; --"), "\"a\"\"; DROP TABLE b; --\"");
    }
}
