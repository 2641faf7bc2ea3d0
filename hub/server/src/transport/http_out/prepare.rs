//! Turns what a connector wants sent into the request that is sent: checks where it goes, then, and only then, adds what is
//! secret. Pure.

use std::net::IpAddr;

use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use snodo_core::Timestamp;
use snodo_core::authorize::{Credential, Signing};
use snodo_core::secret::{Secret, Secrets};

use super::address::Networks;
use super::{Outbound, SendError};
use crate::transport::Request;

/// Headers that frame the message or the connection: the client's alone to set, lest two readers see two messages.
const FRAMING: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// `token` is what was fetched for a channel whose credential is a grant.
pub fn prepare(
    to: &Outbound,
    request: Request,
    token: Option<&Secret>,
    now: Timestamp,
) -> Result<reqwest::Request, SendError> {
    let method = method(&request.method)?;
    let mut url = url(to, &request.target)?;
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 4);
    for (name, value) in &request.headers {
        let name = header_name(name)?;
        if FRAMING.contains(&name.as_str()) {
            return Err(SendError::Malformed(format!("the header {name} is the hub's to set")));
        }
        let value = filled(value, &name, &to.secrets)?;
        headers.append(name, value);
    }
    // By the hub's clock: whoever keeps what came days later can tell how far that one was out (RFC 9110, 6.6.1).
    if let Some(date) = date(now)
        && !headers.contains_key(DATE)
    {
        headers.insert(DATE, date);
    }
    // A connector may name its own messages: what it calls them outlives how they are put into requests.
    let own_id = headers.get("webhook-id").and_then(|id| id.to_str().ok()).filter(|id| !id.is_empty());
    let signing = Signing {
        id: own_id.unwrap_or(&request.id),
        method: method.as_str(),
        url: url.as_str(),
        body: &request.body,
        now,
    };
    let signed = to.signer.sign(&signing);
    let signed = signed.ok_or_else(|| SendError::Malformed("it cannot be signed".to_owned()))?;
    for (name, value) in signed {
        let name = header_name(&name)?;
        let value =
            HeaderValue::try_from(value).map_err(|_| SendError::SecretUnfit(format!("the header {name}")))?;
        headers.insert(name, value);
    }
    match &to.credential {
        Credential::None => {}
        Credential::Grant(_) => {
            let token = token.and_then(Secret::expose_line);
            let token = token.ok_or_else(|| SendError::SecretUnfit("the token".to_owned()))?;
            headers
                .insert(AUTHORIZATION, secret_value(format!("Bearer {token}").as_bytes(), &AUTHORIZATION)?);
        }
        Credential::Header { name, value } => {
            let name = header_name(name)?;
            let value = secret_value(value.expose(), &name)?;
            headers.insert(name, value);
        }
        Credential::Query { parameter, value } => {
            let text = value
                .expose_line()
                .ok_or_else(|| SendError::SecretUnfit(format!("the parameter {parameter}")))?;
            url.query_pairs_mut().append_pair(parameter, text);
        }
    }
    let mut prepared = reqwest::Request::new(method, url);
    *prepared.headers_mut() = headers;
    *prepared.timeout_mut() = Some(to.timeout);
    if !request.body.is_empty() {
        *prepared.body_mut() = Some(request.body.into());
    }
    Ok(prepared)
}

fn date(now: Timestamp) -> Option<HeaderValue> {
    let at = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?;
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()?;
    HeaderValue::try_from(date).ok()
}

fn method(text: &str) -> Result<Method, SendError> {
    match text {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        "HEAD" => Ok(Method::HEAD),
        other => Err(SendError::Malformed(format!("{other:?} is no method that the hub sends"))),
    }
}

fn allowed(to: &Outbound, url: &Url) -> Result<(), SendError> {
    let (host, port) = match (url.scheme(), url.host_str(), url.port_or_known_default()) {
        ("http" | "https", Some(host), Some(port)) => (host, port),
        _ => return Err(SendError::Malformed("its target is neither http nor https".to_owned())),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SendError::Malformed(
            "its target holds a credential: credentials are the hub's to add".to_owned(),
        ));
    }
    if !to.hosts.allow(host, port) {
        return Err(SendError::Host { host: format!("{host}:{port}"), allowed: to.hosts.to_string() });
    }
    if url.scheme() == "http" && to.networks == Networks::Public {
        return Err(SendError::Clear(host.to_owned()));
    }
    // Names are checked when they are looked up; an address never is.
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) if !to.networks.allow(address) => {
            Err(SendError::Address(format!("{address} is not a public address")))
        }
        _ => Ok(()),
    }
}

fn header_name(name: &str) -> Result<HeaderName, SendError> {
    HeaderName::try_from(name).map_err(|_| SendError::Malformed(format!("{name:?} is no name of a header")))
}

/// What stands for a secret begins so, and ends with `}}`.
const OPEN: &str = "{{secret:";

/// The header's value with the secrets in it.
fn filled(value: &str, name: &HeaderName, secrets: &Secrets) -> Result<HeaderValue, SendError> {
    let malformed = || SendError::Malformed(format!("the header {name} holds what no header can"));
    if !value.contains(OPEN) {
        return HeaderValue::try_from(value).map_err(|_| malformed());
    }
    secret_value(&fill(value, secrets, malformed)?, name)
}

/// Where the request goes, with the secrets in it. They may stand behind the host only: none can choose who gets to see it.
fn url(to: &Outbound, target: &str) -> Result<Url, SendError> {
    let parse = |target: &str| {
        Url::parse(target).map_err(|error| SendError::Malformed(format!("its target is no URL: {error}")))
    };
    if !target.contains(OPEN) {
        let url = parse(target)?;
        return allowed(to, &url).map(|()| url);
    }
    let malformed = || {
        SendError::Malformed(
            "its target has a secret elsewhere than behind the host, or not whole".to_owned(),
        )
    };
    let host_at = target.find("://").ok_or_else(malformed)? + "://".len();
    let (front, behind) = target.split_at(host_at + target[host_at..].find('/').ok_or_else(malformed)?);
    if front.contains(OPEN) {
        return Err(malformed());
    }
    allowed(to, &parse(front)?)?;
    let behind = String::from_utf8(fill(behind, &to.secrets, malformed)?).ok();
    // A reader of URLs leaves out line ends and tabs and escapes the rest: then it would be another secret.
    let is_fit = |behind: &String| behind.bytes().all(|byte| byte.is_ascii_graphic());
    let behind = behind.filter(is_fit).ok_or_else(|| SendError::SecretUnfit("the target".to_owned()))?;
    let url = parse(&format!("{front}{behind}"))?;
    allowed(to, &url).map(|()| url)
}

/// The text with each `{{secret:NAME}}` replaced.
fn fill(text: &str, secrets: &Secrets, malformed: impl Fn() -> SendError) -> Result<Vec<u8>, SendError> {
    let mut bytes = Vec::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (secret, after) = after.split_once("}}").ok_or_else(&malformed)?;
        bytes.extend_from_slice(before.as_bytes());
        bytes.extend_from_slice(
            secrets.0.get(secret).ok_or_else(|| SendError::Secret(secret.to_owned()))?.expose(),
        );
        rest = after;
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

fn secret_value(bytes: &[u8], name: &HeaderName) -> Result<HeaderValue, SendError> {
    let mut value =
        HeaderValue::from_bytes(bytes).map_err(|_| SendError::SecretUnfit(format!("the header {name}")))?;
    // Not printed, and not kept in HTTP/2's tables.
    value.set_sensitive(true);
    Ok(value)
}

/// The request in one line for a log: neither its query, where keys are, nor parts of its path that may name a person.
pub fn request_line(method: &str, target: &str) -> String {
    // Nothing in it that would have to be hidden.
    if (target.starts_with("http://") || target.starts_with("https://"))
        && !target.contains(['?', '#', '@', '%'])
    {
        return format!("{method} {target}");
    }
    let Ok(mut url) = Url::parse(target) else { return format!("{method} (no URL)") };
    if url.query().is_some() {
        url.set_query(Some("…"));
    }
    url.set_fragment(None);
    let (_, _) = (url.set_username(""), url.set_password(None));
    let personal = |part: &str| part.contains('@') || part.contains("%40");
    let path = url
        .path()
        .split('/')
        .map(|part| if personal(part) { "*" } else { part })
        .collect::<Vec<_>>()
        .join("/");
    url.set_path(&path);
    format!("{method} {}", url.as_str().replace("%E2%80%A6", "…"))
}
