//! The door of the tracking API that Segment's and RudderStack's libraries speak: `POST /v1/track` and its siblings. Finds the
//! channel by the write key, unpacks gzip, and takes the key out of the body before anything is kept.
//!
//! Addresses, write key and answer as in
//! <https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/>; the short addresses are those that the
//! library for browsers calls
//! (<https://github.com/segmentio/analytics-next/tree/master/packages/browser/src/plugins/segmentio>).

use std::future::Future;
use std::io::Read;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;
use snodo_core::message::Envelope;
use snodo_core::verify::Refusal;
use snodo_core::verify::check::write_key_authorization;
use snodo_core::{Message, MessageId};
use tracing::{debug, info};

use super::inbound::{Inbound, Limits};
use super::origins::readable;
use super::problem::Problem;
use super::{Door, depth, room, whole};
use crate::transport::AcceptError;

pub(super) async fn answer<A, F>(State(door): State<Arc<Door<A>>>, request: Request) -> Response
where
    A: Fn(Message) -> F + Send + Sync + 'static,
    F: Future<Output = Result<MessageId, AcceptError>> + Send + 'static,
{
    let origins = door.channels.write_key_origins();
    if let Some(preflight) = origins.preflight(&request) {
        return preflight;
    }
    let origin = origins.allowed(request.headers());
    let response = match take(&door, request).await {
        Ok(()) => {
            let mut response = Response::new(Body::from(r#"{"success":true}"#));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(problem) => problem.into_response(),
    };
    readable(response, origin)
}

async fn take<A, F>(door: &Door<A>, request: Request) -> Result<(), Problem>
where
    A: Fn(Message) -> F,
    F: Future<Output = Result<MessageId, AcceptError>>,
{
    let call = request.uri().path().strip_prefix("/v1/").and_then(call).ok_or(Problem::UnknownChannel)?;
    let limits = door.channels.write_key_limits().ok_or(Problem::UnknownChannel)?;
    if request.method() != Method::POST {
        return Err(Problem::Method);
    }
    let (head, body) = request.into_parts();
    let presented = head.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let inbound = presented.map(|key| known(door, key)).transpose()?;
    let packed = packed(&head.headers)?;
    let _room = room(&door.room, &head.headers, &limits)?;
    let _room_unpacked = packed.then(|| room(&door.room, &HeaderMap::new(), &limits)).transpose()?;
    let body = match tokio::time::timeout(limits.body_time_max, whole(body, limits.body_bytes_max)).await {
        Ok(body) => body?,
        Err(_) => return Err(Problem::TooSlow { seconds: limits.body_time_max.as_secs() }),
    };
    let body = if packed { unpack(&body, limits.body_bytes_max)? } else { body };
    let read = read(&body, &limits)?;
    let inbound = match (inbound, read.key) {
        (Some(inbound), _) => inbound,
        (None, Some(key)) => known(door, write_key_authorization(&key).as_bytes())?,
        (None, None) => return Err(refused(Refusal::Missing { header: "authorization".to_owned() })),
    };
    let result = keep(door, &inbound, &head.headers, call, read.without_key).await;
    match &result {
        Ok(()) => inbound.accepted.increment(1),
        Err(problem) => {
            inbound.counter(problem.name()).increment(1);
            info!(channel = %inbound.channel, outcome = problem.name(), "refused");
        }
    }
    result
}

async fn keep<A, F>(
    door: &Door<A>,
    inbound: &Inbound,
    headers: &HeaderMap,
    call: &str,
    body: Bytes,
) -> Result<(), Problem>
where
    A: Fn(Message) -> F,
    F: Future<Output = Result<MessageId, AcceptError>>,
{
    let _permit = inbound.permits.try_acquire().map_err(|_| Problem::TooMany { retry_after: 1 })?;
    let envelope = Envelope { headers: inbound.kept(headers), name: call.to_owned(), ..Envelope::default() };
    let message = door.stamp.message(&inbound.channel, (door.clock)(), envelope, body);
    let id = (door.accept)(message).await?;
    debug!(message_id = %id, channel = %inbound.channel, "accepted");
    Ok(())
}

/// The call that an address stands for.
fn call(word: &str) -> Option<&'static str> {
    Some(match word {
        "identify" | "i" => "identify",
        "track" | "t" => "track",
        "page" | "p" => "page",
        "screen" | "s" => "screen",
        "group" | "g" => "group",
        "alias" | "a" => "alias",
        "batch" | "b" => "batch",
        _ => return None,
    })
}

fn known<A>(door: &Door<A>, authorization: &[u8]) -> Result<Arc<Inbound>, Problem> {
    let refusal = || refused(Refusal::Credential { header: "authorization".to_owned() });
    door.channels.by_write_key(authorization).ok_or_else(refusal)
}

fn refused(refusal: Refusal) -> Problem {
    metrics::counter!("snodo_http_in_undeclared_total").increment(1);
    info!(outcome = %refusal, "a call has no write key of ours");
    Problem::Refused(refusal)
}

/// RudderStack's library for servers packs each body, Segment's do if they are told to.
fn packed(headers: &HeaderMap) -> Result<bool, Problem> {
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None => Ok(false),
        Some(encoding) if encoding.eq_ignore_ascii_case(b"identity") => Ok(false),
        Some(encoding) if encoding.eq_ignore_ascii_case(b"gzip") => Ok(true),
        Some(_) => Err(Problem::Packed),
    }
}

/// A body may not be larger unpacked than it may be unpacked from the start.
fn unpack(body: &[u8], bytes_max: usize) -> Result<Bytes, Problem> {
    let mut unpacked = Vec::new();
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    MultiGzDecoder::new(body).take(most).read_to_end(&mut unpacked).map_err(|_| Problem::NotJson)?;
    match unpacked.len() <= bytes_max {
        true => Ok(unpacked.into()),
        false => Err(Problem::TooLarge { bytes_max }),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Opened {
    key: Option<String>,
    without_key: Bytes,
}

/// Where a call says its write key, and a batch may say it once more in each call.
#[derive(Deserialize)]
struct Keyed<'a> {
    #[serde(borrow, default, rename = "writeKey")]
    write_key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    batch: Option<&'a RawValue>,
}

/// A call that came by its channel's own address is kept without its key, too. What does not begin like a call says no key.
pub fn without_key(body: &Bytes, limits: &Limits) -> Result<Bytes, Problem> {
    match body.trim_ascii_start().starts_with(b"{") {
        true => read(body, limits).map(|opened| opened.without_key),
        false => Ok(body.clone()),
    }
}

fn read(body: &Bytes, limits: &Limits) -> Result<Opened, Problem> {
    if let Some(at_byte) = depth::too_deep_at(body, limits.json_depth_max) {
        return Err(Problem::TooDeep { at_byte, depth_max: limits.json_depth_max });
    }
    let text = std::str::from_utf8(body).map_err(|_| Problem::NotJson)?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Problem::NotJson);
    }
    let call: Keyed<'_> = serde_json::from_str(text).map_err(|_| Problem::NotJson)?;
    let mut keys: Vec<&RawValue> = call.write_key.into_iter().collect();
    let batch = call.batch.and_then(|batch| serde_json::from_str::<Vec<&RawValue>>(batch.get()).ok());
    let objects = batch.iter().flatten().filter(|one| one.get().starts_with('{'));
    for one in objects {
        let one: Keyed<'_> = serde_json::from_str(one.get()).map_err(|_| Problem::NotJson)?;
        keys.extend(one.write_key);
    }
    let key = keys.first().and_then(|key| serde_json::from_str(key.get()).ok());
    if keys.is_empty() {
        return Ok(Opened { key, without_key: body.clone() });
    }
    let start = |key: &RawValue| key.get().as_ptr().addr() - text.as_ptr().addr();
    keys.sort_by_key(|key| start(key));
    let (mut without_key, mut at) = (Vec::with_capacity(body.len()), 0);
    for key in keys {
        without_key.extend_from_slice(&body[at..start(key)]);
        without_key.extend_from_slice(b"null");
        at = start(key) + key.get().len();
    }
    without_key.extend_from_slice(&body[at..]);
    Ok(Opened { key, without_key: without_key.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_key_is_read_and_not_kept() {
        for (body, key, without) in [
            (r#"{"event":"A"}"#, None, r#"{"event":"A"}"#),
            (r#" {"writeKey": "k\u00e9y" ,"event":"A"}"#, Some("kéy"), r#" {"writeKey": null ,"event":"A"}"#),
            (
                r#"{"batch":[{"writeKey":"k"},7,{"a":{"writeKey":"mine"}},{"writeKey":"k"}],"writeKey":"k"}"#,
                Some("k"),
                r#"{"batch":[{"writeKey":null},7,{"a":{"writeKey":"mine"}},{"writeKey":null}],"writeKey":null}"#,
            ),
            (r#"{"batch":[{"writeKey":"k"}]}"#, Some("k"), r#"{"batch":[{"writeKey":null}]}"#),
            (r#"{"batch":"none","writeKey":7}"#, None, r#"{"batch":"none","writeKey":null}"#),
            (r#"{"writeKey":null}"#, None, r#"{"writeKey":null}"#),
        ] {
            let read = read(&Bytes::from(body), &Limits::default()).expect(body);
            let without_key = Bytes::from(without);
            assert_eq!(read, Opened { key: key.map(str::to_owned), without_key });
        }
        for body in ["", "[]", "{", "7", "{}{}", "{\"writeKey\":\"a\",\"writeKey\":\"b\"}", "\"{\""] {
            assert_eq!(read(&Bytes::from(body), &Limits::default()), Err(Problem::NotJson), "{body}");
        }
        let deep = format!("{{\"a\":{}", "[".repeat(65));
        assert!(matches!(read(&Bytes::from(deep), &Limits::default()), Err(Problem::TooDeep { .. })));
    }
}
