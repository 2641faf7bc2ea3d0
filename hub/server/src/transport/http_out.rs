//! Sends requests over HTTP for all channels: one client, pooled connections, HTTP/2 where the other side has it. Sends only
//! where the channel may, follows no redirect and takes no proxy from the environment. Never retries: that is the schedule's.

pub mod address;
pub mod fail;
pub mod prepare;
pub mod resolver;
mod token;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, RETRY_AFTER, SET_COOKIE};
use snodo_core::Timestamp;
use snodo_core::authorize::{Credential, Hosts, Signer};
use snodo_core::secret::{Secret, Secrets};

use super::{Answer, Request, tls};
use address::Networks;
use resolver::Guarded;
use token::Tokens;

pub use fail::SendError;
pub use prepare::request_line;

/// A destination that cannot be reached in this time is down: the slowest link to another continent takes 300 ms.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// Many servers and firewalls drop connections that were idle for 60 s.
const IDLE_TIME_MAX: Duration = Duration::from_secs(50);
/// Idle connections kept per host: as many as a channel may have under way many times over.
const IDLE_CONNECTIONS_MAX: usize = 64;
/// What an answer may have if the channel says nothing: batch answers of the largest vendors have 200 KiB.
pub const ANSWER_BYTES_MAX: usize = 2 << 20;
/// How long a request may take if the channel says nothing.
pub const TIME_MAX: Duration = Duration::from_secs(30);

/// What a channel's requests carry, and where they may go.
#[derive(Clone, Debug)]
pub struct Outbound {
    pub hosts: Hosts,
    pub networks: Networks,
    pub credential: Credential,
    pub signer: Signer,
    /// For the connector's placeholders.
    pub secrets: Secrets,
    /// For the whole request, answer included.
    pub timeout: Duration,
    pub answer_bytes_max: usize,
}

/// The hub's HTTP client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    public: reqwest::Client,
    private: reqwest::Client,
    tokens: Arc<Tokens>,
}

#[derive(Debug, thiserror::Error)]
#[error("failed to make the HTTP client: {0}")]
pub struct ClientError(String);

/// Clients that are made without this module's care need the process to know its TLS. Once is enough; more does no harm.
pub fn install_tls() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

impl Client {
    /// Trusts the certificate authorities that the system trusts, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    pub fn new() -> Result<Self, ClientError> {
        let mut tls = tls::client_config().map_err(|error| ClientError(error.to_string()))?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let client = |networks| {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Guarded(networks))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .user_agent(concat!("snodo/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT_TIME_MAX)
                .pool_idle_timeout(IDLE_TIME_MAX)
                .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
                .tcp_nodelay(true)
                .http2_adaptive_window(true)
                .build()
                .map_err(|error| ClientError(error.to_string()))
        };
        Ok(Self {
            public: client(Networks::Public)?,
            private: client(Networks::PublicAndPrivate)?,
            tokens: Arc::default(),
        })
    }

    /// An answer is whatever came back, of whatever status; an error is when none did.
    pub async fn send(&self, to: &Outbound, request: Request, now: Timestamp) -> Result<Answer, SendError> {
        let Credential::Grant(grant) = &to.credential else {
            return self.exchange(to, request, None, now).await;
        };
        let token = self.token(to, grant, now).await?;
        let answer = self.exchange(to, request, Some(&token), now).await?;
        if answer.status == 401 {
            self.tokens.refused(grant, &token).await;
        }
        Ok(answer)
    }

    async fn exchange(
        &self,
        to: &Outbound,
        request: Request,
        token: Option<&Secret>,
        now: Timestamp,
    ) -> Result<Answer, SendError> {
        let started = Instant::now();
        let request = prepare::prepare(to, request, token, now)?;
        let client = match to.networks {
            Networks::Public => &self.public,
            Networks::PublicAndPrivate => &self.private,
        };
        let failed = |error: reqwest::Error| SendError::from_client(&error, to.timeout);
        let response = client.execute(request).await.map_err(failed)?;
        let status = response.status().as_u16();
        let headers = headers(response.headers(), now);
        let body = body(response, to).await?;
        Ok(Answer { status, headers, body, elapsed: started.elapsed() })
    }
}

/// The answer's headers for the connector, without cookies, and with `retry-after` in seconds whichever way it was written.
fn headers(answered: &HeaderMap, now: Timestamp) -> Vec<(String, String)> {
    let mut headers = Vec::with_capacity(answered.len());
    for (name, value) in answered {
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = match *name {
            SET_COOKIE => continue,
            RETRY_AFTER => {
                retry_after(&value, now).map_or_else(|| value.into_owned(), |seconds| seconds.to_string())
            }
            _ => value.into_owned(),
        };
        headers.push((name.as_str().to_owned(), value));
    }
    headers
}

/// RFC 9110, 10.2.3: seconds, or a date.
fn retry_after(value: &str, now: Timestamp) -> Option<u64> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(seconds);
    }
    let at = jiff::fmt::rfc2822::parse(value.trim()).ok()?.timestamp().as_millisecond();
    Some(Timestamp::from_millis(at).since(now).as_millis().div_ceil(1000) as u64)
}

async fn body(mut response: reqwest::Response, to: &Outbound) -> Result<Bytes, SendError> {
    let bytes_max = to.answer_bytes_max;
    let too_large = SendError::AnswerTooLarge { status: response.status().as_u16(), bytes_max };
    if response.content_length().is_some_and(|length| length > bytes_max as u64) {
        return Err(too_large);
    }
    let failed = |error: reqwest::Error| SendError::from_client(&error, to.timeout);
    let Some(first) = response.chunk().await.map_err(failed)? else { return Ok(Bytes::new()) };
    let mut whole = BytesMut::from(first);
    while whole.len() <= bytes_max {
        match response.chunk().await.map_err(failed)? {
            Some(more) => whole.extend_from_slice(&more),
            None => return Ok(whole.freeze()),
        }
    }
    Err(too_large)
}

#[cfg(test)]
pub(crate) mod tests;
