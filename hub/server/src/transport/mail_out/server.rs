//! Connections to one mail server: opened when they are needed, encrypted as the channel says, logged in, and kept for the next
//! mail. In the clear only to this machine or within a private network.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use snodo_core::ChannelName;
use snodo_core::declare::channel::{MailOutlet, MailTls};
use snodo_core::secret::Secret;
use tracing::{info, warn};

use super::fail::{MailError, reason};
use crate::transport::http_out::address::{Reach, reach};

/// A server that cannot be reached in this time is down.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// Many servers drop connections that were idle for a minute.
const IDLE_TIME_MAX: Duration = Duration::from_secs(30);

/// A connection that rested longer is tried before it is used.
const RESTED: Duration = Duration::from_secs(1);

pub struct Server {
    channel: ChannelName,
    host: String,
    port: u16,
    tls: MailTls,
    parameters: Option<TlsParameters>,
    credentials: Option<Credentials>,
    hello: ClientId,
    /// Never more than there are mails at one time.
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
    away: AtomicBool,
}

impl Server {
    /// `domain` is that of the sender's address: the hub greets with it.
    pub fn new(
        channel: ChannelName,
        outlet: &MailOutlet,
        domain: &str,
        password: Option<Secret>,
    ) -> anyhow::Result<Self> {
        let (host, port) = match outlet.server.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().context("server")?),
            _ => (outlet.server.as_str(), default_port(outlet.tls)),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let parameters = match outlet.tls {
            MailTls::None => None,
            MailTls::Required | MailTls::StartTls => {
                Some(TlsParameters::builder(host.clone()).build_rustls().context("tls")?)
            }
        };
        let credentials = match (&outlet.user, password) {
            (Some(user), Some(password)) => {
                let password = password.expose_line().context("the password is no single line of text")?;
                Some(Credentials::new(user.clone(), password.to_owned()))
            }
            _ => None,
        };
        let (idle, away) = (Mutex::new(Vec::new()), AtomicBool::new(false));
        let hello = ClientId::Domain(domain.to_owned());
        let tls = outlet.tls;
        Ok(Self { channel, host, port, tls, parameters, credentials, hello, idle, away })
    }

    /// To all of the recipients, or to none.
    pub async fn hand_over(
        &self,
        from: Address,
        recipients: &[Address],
        mail: &[u8],
    ) -> Result<(), MailError> {
        let mut connection = self.connection().await?;
        let done = hand_over(&mut connection, from, recipients, mail).await;
        match &done {
            Ok(()) => self.idle().push((connection, Instant::now())),
            // What was begun is given up, so that the next mail begins anew.
            Err(_) => connection.abort().await,
        }
        done
    }

    async fn connection(&self) -> Result<AsyncSmtpConnection, MailError> {
        loop {
            // In a statement of its own: the lock is not held while somebody waits.
            let next = self.idle().pop();
            let Some((mut connection, since)) = next else { break };
            let fit = match since.elapsed() {
                rested if connection.has_broken() || rested > IDLE_TIME_MAX => false,
                rested if rested < RESTED => true,
                _ => connection.test_connected().await,
            };
            if fit {
                return Ok(connection);
            }
        }
        self.connect().await
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let whole = async {
            let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
            let found: Vec<SocketAddr> =
                found.map_err(|error| MailError::Connect(error.to_string()))?.collect();
            let is_private = |address: &SocketAddr| reach(address.ip()) == Reach::Private;
            if self.tls == MailTls::None && !found.iter().all(is_private) {
                return Err(MailError::Clear(self.host.clone()));
            }
            let at_once = self.parameters.clone().filter(|_| self.tls == MailTls::Required);
            let opened = AsyncSmtpConnection::connect_tokio1(
                found.as_slice(),
                Some(CONNECT_TIME_MAX),
                &self.hello,
                at_once,
                None,
            );
            let mut connection = opened.await.map_err(|error| unopened(&error))?;
            if self.tls == MailTls::StartTls {
                if !connection.can_starttls() {
                    return Err(MailError::Offer("STARTTLS"));
                }
                let parameters = self.parameters.clone().expect("STARTTLS has its parameters");
                let encrypted = connection.starttls(parameters, &self.hello).await;
                encrypted.map_err(|error| unopened(&error))?;
            }
            if let Some(credentials) = &self.credentials {
                let let_in = connection.auth(DEFAULT_MECHANISMS, credentials).await;
                let_in.map_err(|error| match (error.status(), error.is_client()) {
                    (None, true) => MailError::Offer("a login with user and password"),
                    (Some(code), _) if error.is_permanent() => MailError::Auth(code.to_string()),
                    _ => MailError::of_answer(&error, "the login"),
                })?;
            }
            Ok(connection)
        };
        let opened = tokio::time::timeout(CONNECT_TIME_MAX, whole).await;
        opened.unwrap_or_else(|_| Err(MailError::Connect("it does not answer".to_owned())))
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One line when it goes, and one when it is back.
    pub fn tell(&self, error: Option<&MailError>) {
        let channel = &self.channel;
        match error {
            Some(error) if error.is_away() => {
                if !self.away.swap(true, Ordering::Relaxed) {
                    warn!(%channel, %error, "the mail server is away");
                }
            }
            // Whatever else it says, it is there.
            _ => {
                if self.away.swap(false, Ordering::Relaxed) {
                    info!(%channel, "the mail server is back");
                }
            }
        }
    }
}

async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    from: Address,
    recipients: &[Address],
    mail: &[u8],
) -> Result<(), MailError> {
    let said = |what: &str, error: &lettre::transport::smtp::Error| MailError::of_answer(error, what);
    connection.command(Mail::new(Some(from), Vec::new())).await.map_err(|e| said("the sender", &e))?;
    for (place, address) in (1..).zip(recipients) {
        let rcpt = Rcpt::new(address.clone(), Vec::new());
        let what = || format!("recipient {place} of {}", recipients.len());
        connection.command(rcpt).await.map_err(|error| said(&what(), &error))?;
    }
    connection.command(Data).await.map_err(|error| said("the mail", &error))?;
    connection.message(mail).await.map_err(|error| said("the mail", &error))?;
    Ok(())
}

/// A server that greets with a refusal is not there for us now, whatever its code says.
fn unopened(error: &lettre::transport::smtp::Error) -> MailError {
    match error.status() {
        Some(code) => MailError::Connect(format!("it takes no mail from the hub now (SMTP {code})")),
        None => MailError::Connect(reason(error)),
    }
}

/// RFC 8314, 3.3 and RFC 6409; 25 is for relays.
const fn default_port(tls: MailTls) -> u16 {
    match tls {
        MailTls::Required => 465,
        MailTls::StartTls => 587,
        MailTls::None => 25,
    }
}
