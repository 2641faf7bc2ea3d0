//! What a browser is told that asks for a page of another site: may the page send here, and may it read the answer. By the Fetch
//! standard's CORS protocol (<https://fetch.spec.whatwg.org/#http-cors-protocol>). Says nothing of who may send: outside of a
//! browser nobody asks.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;

/// How long a browser may go without asking again: browsers take no longer time, and a site that is struck off waits no longer.
const ASK_AGAIN_SECONDS: u64 = 7200;

/// The web sites whose pages may send. By default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    all: bool,
    named: BTreeSet<String>,
}

impl Origins {
    pub fn new(declared: &[String]) -> Self {
        let named = declared.iter().filter(|origin| *origin != "*").cloned().collect();
        Self { all: declared.iter().any(|origin| origin == "*"), named }
    }

    /// The answer to a browser that asks whether a page may send. `None` if nobody asks, or for a page that may not: then an
    /// `OPTIONS` is no way to send.
    pub fn preflight(&self, request: &Request) -> Option<Response> {
        let asked = request.headers().get(ACCESS_CONTROL_REQUEST_METHOD);
        (request.method() == Method::OPTIONS && asked.is_some()).then_some(())?;
        let origin = self.allowed(request.headers())?;
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(ASK_AGAIN_SECONDS));
        // Any header: those that a channel does not keep are not looked at.
        if let Some(wanted) = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        Some(readable(response, Some(origin)))
    }

    /// What the page that sent this is called in the answer. `None` if it is not one of these, or no page sent it.
    pub fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        match self.all {
            true => Some(HeaderValue::from_static("*")),
            false => self.named.contains(origin.to_str().ok()?).then(|| origin.clone()),
        }
    }
}

impl<'a> FromIterator<&'a Origins> for Origins {
    fn from_iter<I: IntoIterator<Item = &'a Origins>>(several: I) -> Self {
        several.into_iter().fold(Self::default(), |mut sum, one| {
            sum.all |= one.all;
            sum.named.extend(one.named.iter().cloned());
            sum
        })
    }
}

/// Lets the page of that origin read the answer, also when it is a refusal.
pub fn readable(mut response: Response, origin: Option<HeaderValue>) -> Response {
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        // Another site gets another answer.
        headers.insert(VARY, HeaderValue::from_static("origin"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}
