//! Fetches OAuth 2.0 tokens (RFC 6749, 4.4 and 6), and keeps each until shortly before it runs out: one fetch at a time, for all
//! channels that would fetch the same. A token is kept in memory only, and shown to nobody but the channel's hosts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Url;
use serde::Deserialize;
use snodo_core::Timestamp;
use snodo_core::authorize::{Auth, Credential, Grant, Hosts, SecretIn, Sign, Signer};
use snodo_core::secret::{Secret, Secrets};
use tracing::warn;

use super::{Client, Outbound, Request, SendError};
use crate::transport::Mends;

/// A token is renewed so long before its end, or a fifth of its life where that is shorter: calls under way still pass.
const MARGIN: Duration = Duration::from_secs(60);
/// How long a token is used that does not say how long it lives. Vendors that say nothing (Salesforce) end sessions after hours.
const UNTOLD_LIFE: Duration = Duration::from_secs(30 * 60);
/// So long after a fetch that failed, nobody tries again: many calls wait for the same token.
const FAILED_FOR: Duration = Duration::from_secs(1);
/// Tokens are a few hundred bytes; those that carry claims some thousand.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// The tokens of all channels.
#[derive(Debug, Default)]
pub struct Tokens(Mutex<HashMap<[u8; 32], Arc<Place>>>);

/// One grant's token. Whoever holds the lock fetches; the others wait for it.
type Place = tokio::sync::Mutex<Kept>;

#[derive(Debug, Default)]
struct Kept {
    token: Option<(Secret, Instant)>,
    failed: Option<(SendError, Instant)>,
    /// What the vendor gave in the place of the declared one.
    refresh_token: Option<Secret>,
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<serde_json::Value>,
    #[serde(default)]
    refresh_token: Option<String>,
}

#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    error: String,
}

impl Tokens {
    fn place(&self, grant: &Grant) -> Arc<Place> {
        let mut places = self.0.lock().expect("nobody panics while it is held");
        Arc::clone(places.entry(name(grant)).or_default())
    }

    /// The token was not let in: the next call fetches another, unless somebody has done so.
    pub async fn refused(&self, grant: &Grant, refused: &Secret) {
        let place = self.place(grant);
        let mut kept = place.lock().await;
        if kept.token.as_ref().is_some_and(|(token, _)| token.expose() == refused.expose()) {
            kept.token = None;
        }
    }
}

impl Client {
    pub(super) async fn token(
        &self,
        to: &Outbound,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<Secret, SendError> {
        let place = self.tokens.place(grant);
        let mut kept = place.lock().await;
        if let Some((token, until)) = &kept.token
            && Instant::now() < *until
        {
            return Ok(token.clone());
        }
        if let Some((error, at)) = &kept.failed
            && at.elapsed() < FAILED_FOR
        {
            return Err(error.clone());
        }
        match self.fetch(to, grant, kept.refresh_token.as_ref(), now).await {
            Ok(given) => {
                let token = Secret::new(given.access_token.as_bytes());
                kept.token = Some((token.clone(), Instant::now() + usable_for(&given)));
                kept.failed = None;
                if let Some(next) = given.refresh_token.filter(|_| grant.refresh_token.is_some()) {
                    renewed(&mut kept, grant, &next);
                }
                Ok(token)
            }
            Err(error) => {
                kept.failed = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    async fn fetch(
        &self,
        to: &Outbound,
        grant: &Grant,
        refresh_token: Option<&Secret>,
        now: Timestamp,
    ) -> Result<Given, SendError> {
        let (outbound, request) = question(to, grant, refresh_token)?;
        let answer = self
            .exchange(&outbound, request, None, now)
            .await
            .map_err(|error| SendError::Token { reason: error.to_string(), mends: error.mends() })?;
        let given = serde_json::from_slice::<Given>(&answer.body).ok();
        match (answer.status, given) {
            (200..300, Some(given)) => match &given.token_type {
                Some(kind) if !kind.eq_ignore_ascii_case("bearer") => {
                    Err(channel("it gives tokens of another kind than bearer".to_owned()))
                }
                _ => Ok(given),
            },
            (200..300, None) => Err(channel("its answer holds no token: check token_url".to_owned())),
            (status, _) => {
                let refused: Refused = serde_json::from_slice(&answer.body).unwrap_or_default();
                let is_word = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
                let code = Some(refused.error).filter(|code| !code.is_empty() && code.bytes().all(is_word));
                let code = code.map_or_else(String::new, |code| format!(": {code}"));
                let reason = format!("it answered {status}{code}");
                let mends =
                    if matches!(status, 408 | 429 | 500..) { Mends::Destination } else { Mends::Channel };
                Err(SendError::Token { reason, mends })
            }
        }
    }
}

/// Which grants are the same: for all channels of one account there is one token.
fn name(grant: &Grant) -> [u8; 32] {
    let Grant { token_url, client_id, client_secret, secret_in: _, refresh_token, scope } = grant;
    let mut hasher = blake3::Hasher::new();
    let refresh_token = refresh_token.as_ref().map(Secret::expose).unwrap_or_default();
    let scope = scope.as_deref().unwrap_or_default();
    for part in
        [token_url.as_bytes(), client_id.as_bytes(), client_secret.expose(), refresh_token, scope.as_bytes()]
    {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

fn channel(reason: String) -> SendError {
    SendError::Token { reason, mends: Mends::Channel }
}

/// What to ask the token's server, and the way there: by the channel's own networks, and to no other host.
fn question(
    to: &Outbound,
    grant: &Grant,
    refresh_token: Option<&Secret>,
) -> Result<(Outbound, Request), SendError> {
    let unfit = |what: &str| SendError::SecretUnfit(what.to_owned());
    let url = Url::parse(&grant.token_url).ok();
    let host = url.as_ref().and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)));
    let host = host.map(|(host, port)| format!("{host}:{port}"));
    let hosts = host.and_then(|host| Hosts::parse(&[host]).ok());
    let hosts = hosts.ok_or_else(|| channel("token_url is no URL".to_owned()))?;
    let secret = grant.client_secret.expose_line().ok_or_else(|| unfit("client_secret"))?;
    let mut form = form_urlencoded::Serializer::new(String::new());
    match refresh_token.or(grant.refresh_token.as_ref()) {
        Some(token) => {
            let token = token.expose_line().ok_or_else(|| unfit("refresh_token"))?;
            form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token)
        }
        None => form.append_pair("grant_type", "client_credentials"),
    };
    if let Some(scope) = &grant.scope {
        form.append_pair("scope", scope);
    }
    let credential = match grant.secret_in {
        SecretIn::Body => {
            form.append_pair("client_id", &grant.client_id).append_pair("client_secret", secret);
            Credential::None
        }
        // RFC 6749, 2.3.1: both are written as in a form before they are joined.
        SecretIn::Header => {
            let written = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            Auth::basic(&written(&grant.client_id), &written(secret))
        }
    };
    let outbound = Outbound {
        hosts,
        networks: to.networks,
        credential,
        signer: Signer::new(&Sign::None {}, |_| unreachable!("no signature has no secret")).expect("none"),
        secrets: Secrets::default(),
        timeout: to.timeout,
        answer_bytes_max: ANSWER_BYTES_MAX,
    };
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let request = Request {
        id: "token".to_owned(),
        method: "POST".to_owned(),
        target: grant.token_url.clone(),
        headers: vec![
            header("content-type", "application/x-www-form-urlencoded"),
            header("accept", "application/json"),
        ],
        body: form.finish().into(),
    };
    Ok((outbound, request))
}

fn usable_for(given: &Given) -> Duration {
    let seconds = given.expires_in.as_ref().and_then(|life| match life {
        serde_json::Value::String(text) => text.parse().ok(),
        life => life.as_u64(),
    });
    let life = seconds.map_or(UNTOLD_LIFE, Duration::from_secs);
    life.saturating_sub(MARGIN.min(life / 5))
}

/// Some vendors give another refresh token with each token, and let the one before end.
fn renewed(kept: &mut Kept, grant: &Grant, next: &str) {
    let known = kept.refresh_token.as_ref().or(grant.refresh_token.as_ref());
    if known.is_some_and(|known| known.expose() == next.as_bytes()) {
        return;
    }
    if kept.refresh_token.is_none() {
        warn!(
            token_url = grant.token_url,
            "the vendor gives a new refresh token with each token; it is kept in memory only, and a restart begins with the declared one"
        );
    }
    kept.refresh_token = Some(Secret::new(next.as_bytes()));
}

#[cfg(test)]
mod tests;
