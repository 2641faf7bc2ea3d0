use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::json;
use snodo_core::secret::SecretRef;
use tokio::net::TcpListener;

use super::*;
use crate::transport::http_out::address::Networks;

/// A vendor whose tokens are numbered, and live as long as they are told to.
#[derive(Clone, Default)]
struct Vendor {
    asked: Arc<Mutex<Vec<(String, String)>>>,
    ended: Arc<AtomicUsize>,
}

impl Vendor {
    async fn start(&self, answer: impl Fn(usize) -> (StatusCode, String) + Send + Sync + 'static) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (asked, ended, answer) = (self.asked.clone(), self.ended.clone(), Arc::new(answer));
        let token = post(async move |headers: HeaderMap, body: String| {
            let shown = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
            let number = {
                let mut asked = asked.lock().unwrap();
                asked.push((shown.unwrap_or_default(), body));
                asked.len()
            };
            answer(number)
        });
        let api = get(async move |headers: HeaderMap| {
            let shown = headers[header::AUTHORIZATION].to_str().unwrap().to_owned();
            let ended = format!("Bearer t{}", ended.load(Ordering::Relaxed));
            if shown == ended { StatusCode::UNAUTHORIZED.into_response() } else { shown.into_response() }
        });
        let router = Router::new().route("/token", token).route("/api", api);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        port
    }

    fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }
}

fn given(number: usize, more: &str) -> (StatusCode, String) {
    (StatusCode::OK, format!("{{\"access_token\": \"t{number}\", \"token_type\": \"Bearer\"{more}}}"))
}

/// With the secret "s3 cret", and the refresh token "r0" if there is one.
fn outbound(port: u16, more: &str) -> Outbound {
    let declared = format!(
        "scheme = \"oauth2\"\ntoken_url = \"http://127.0.0.1:{port}/token\"\nclient_id = \"hub\"\nclient_secret = {{ env = \"s3 cret\" }}\n{more}"
    );
    let named = |at: &SecretRef| match at {
        SecretRef::Env(name) => Ok(Secret::new(name.as_bytes())),
        SecretRef::File(_) => panic!("tests keep no secrets in files"),
    };
    Outbound {
        hosts: Hosts::parse(&["127.0.0.1"]).unwrap(),
        networks: Networks::PublicAndPrivate,
        credential: toml::from_str::<Auth>(&declared).unwrap().credential(named).unwrap(),
        signer: Signer::new(&Sign::None {}, named).unwrap(),
        secrets: Secrets::default(),
        timeout: Duration::from_secs(5),
        answer_bytes_max: 1000,
    }
}

async fn call(client: &Client, to: &Outbound, port: u16) -> Result<(u16, String), SendError> {
    let request = Request {
        id: "m".into(),
        method: "GET".into(),
        target: format!("http://127.0.0.1:{port}/api"),
        ..Request::default()
    };
    let answer = client.send(to, request, Timestamp::from_millis(0)).await?;
    Ok((answer.status, String::from_utf8(answer.body.to_vec()).unwrap()))
}

#[tokio::test]
async fn a_token_is_fetched_once_for_all_and_shown_until_it_runs_out() {
    let vendor = Vendor::default();
    // The first runs out at once, the second in an hour.
    let port = vendor
        .start(|number| {
            given(number, if number == 1 { ", \"expires_in\": 0" } else { ", \"expires_in\": \"3600\"" })
        })
        .await;
    let (client, to) = (Client::new().unwrap(), outbound(port, "scope = \"a b\""));
    assert_eq!(call(&client, &to, port).await.unwrap(), (200, "Bearer t1".to_owned()));
    let calls = (0..20).map(|_| call(&client, &to, port));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap(), (200, "Bearer t2".to_owned()));
    }
    // Another channel with the same grant.
    assert_eq!(call(&client, &outbound(port, "scope = \"a b\""), port).await.unwrap().1, "Bearer t2");
    // "hub:s3+cret", both written as in a form.
    let asked = ("Basic aHViOnMzK2NyZXQ=".to_owned(), "grant_type=client_credentials&scope=a+b".to_owned());
    assert_eq!(vendor.asked(), [asked.clone(), asked]);
}

#[tokio::test]
async fn a_token_that_is_not_let_in_is_not_shown_again() {
    let vendor = Vendor::default();
    let port = vendor.start(|number| given(number, "")).await;
    let (client, to) = (Client::new().unwrap(), outbound(port, ""));
    vendor.ended.store(1, Ordering::Relaxed);
    assert_eq!(call(&client, &to, port).await.unwrap().0, 401);
    assert_eq!(call(&client, &to, port).await.unwrap(), (200, "Bearer t2".to_owned()));
    assert_eq!(call(&client, &to, port).await.unwrap(), (200, "Bearer t2".to_owned()));
}

#[tokio::test]
async fn a_refresh_token_is_used_and_the_one_that_takes_its_place() {
    let vendor = Vendor::default();
    let port = vendor
        .start(|number| given(number, &format!(", \"expires_in\": 0, \"refresh_token\": \"r{number}\"")))
        .await;
    let (client, to) =
        (Client::new().unwrap(), outbound(port, "refresh_token = { env = \"r0\" }\nsecret_in = \"body\""));
    for _ in 0..2 {
        call(&client, &to, port).await.unwrap();
    }
    let asked = |token: &str| {
        let form =
            format!("grant_type=refresh_token&refresh_token={token}&client_id=hub&client_secret=s3+cret");
        (String::new(), form)
    };
    assert_eq!(vendor.asked(), [asked("r0"), asked("r1")]);
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_who_can_mend_it_is_told() {
    let no = |status: u16, body: &str| (StatusCode::from_u16(status).unwrap(), body.to_owned());
    for (answer, mends, told) in [
        (
            no(400, &json!({"error": "invalid_grant", "error_description": "s3 cret"}).to_string()),
            Mends::Channel,
            "400: invalid_grant",
        ),
        (no(401, "<s3 cret>"), Mends::Channel, "401"),
        (no(503, ""), Mends::Destination, "503"),
        (no(200, "{}"), Mends::Channel, "no token"),
        (no(200, "{\"access_token\": \"t\", \"token_type\": \"mac\"}"), Mends::Channel, "another kind"),
    ] {
        let vendor = Vendor::default();
        let port = vendor.start(move |_| answer.clone()).await;
        let (client, to) = (Client::new().unwrap(), outbound(port, ""));
        for _ in 0..2 {
            let error = call(&client, &to, port).await.unwrap_err();
            assert_eq!(error.mends(), mends, "{error}");
            let error = error.to_string();
            assert!(error.contains(told) && !error.contains("s3 cret"), "{error}");
        }
        // Others who wait for the same token do not ask again at once.
        assert_eq!(vendor.asked().len(), 1);
    }
}
