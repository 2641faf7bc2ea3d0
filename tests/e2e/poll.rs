//! A system that must be asked: its pages are walked in order, each once, whatever happens to the hub or to the system.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::brokers::until;
use crate::company::{Company, balanced, get};
use crate::receiver::Receiver;

/// The walker as a connector of the company.
pub fn install(company: &Company) {
    let folder = company.path("connectors/walker");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("walker.wasm"), snodo_test_components::WALKER).unwrap();
    std::fs::write(
        folder.join("connector.toml"),
        "name = \"walker\"\nversion = \"1.0.0\"\ntitle = \"Walker\"\ntouchpoint = \"iot\"\nsummary = \"Walks pages.\"\ncontract = \"1.0\"\n\
         [poll]\nemits = [\"iot.*\"]\nevery = \"200ms\"\nauth = { scheme = \"bearer\" }\n\
         [transform]\naccepts = [\"*\"]\nemits = [\"iot.*\"]\n[config]\ntype = \"object\"\n",
    )
    .unwrap();
}

/// A question as it came.
#[derive(Clone, Debug)]
struct Question {
    path: String,
    authorization: String,
    at: Instant,
}

/// Answers the walker's questions as it is told to, by their number and path.
#[derive(Clone)]
struct Vendor {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Question>>>,
}

impl Vendor {
    async fn start(answer: impl Fn(usize, &str) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let this = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let (asked, answer) = (Arc::clone(&this.asked), Arc::new(answer));
        let router = Router::new().fallback(async move |uri: Uri, headers: HeaderMap| {
            let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap());
            let question = Question {
                path: uri.path().to_owned(),
                authorization: authorization.unwrap_or_default().to_owned(),
                at: Instant::now(),
            };
            let number = {
                let mut asked = asked.lock().unwrap();
                asked.push(question);
                asked.len() - 1
            };
            answer(number, uri.path())
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        this
    }

    fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }

    /// A channel that walks this vendor's pages.
    fn channel(&self, company: &Company) {
        company.write("token", "t0ken\n");
        company.channel(
            "walk",
            &format!(
                "connector = \"walker\"\n[receive]\nhosts = [\"127.0.0.1\"]\nprivate_networks = true\n\
                 auth = {{ token = {{ file = \"token\" }} }}\n[config]\nurl = \"http://{}\"\n",
                self.address
            ),
        );
    }
}

const PAGES: usize = 30;
const ITEMS: usize = 4;

/// Page `n` of so many, each with a detail that holds its last item.
fn page(path: &str) -> Value {
    let n: usize = path.rsplit('/').next().unwrap().parse().unwrap();
    let item = |i: usize| json!({"id": format!("{n}-{i}"), "code": format!("{n}-{i}")});
    if path.starts_with("/detail/") {
        return json!({"items": [item(ITEMS - 1)]});
    }
    match n {
        PAGES => json!({"items": [], "next": PAGES, "more": false}),
        _ => json!({
            "items": (0..ITEMS - 1).map(item).collect::<Vec<_>>(), "next": n + 1, "more": true,
            "detail": format!("/detail/{n}"),
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_walked_in_order_and_kills_lose_and_double_nothing() {
    let receiver = Receiver::start().await;
    let vendor = Vendor::start(|_, path| axum::Json(page(path)).into_response()).await;
    let company = Company::new();
    install(&company);
    vendor.channel(&company);
    company.webhook_out("crm", receiver.address);
    company.route("alerts", "walk", "crm", "");

    // Killed whenever a few more questions were asked: between a question and its answer, an answer and its commit.
    for kill in 1..=6 {
        let hub = company.start();
        let seen = vendor.asked().len();
        until("questions", || vendor.asked().len() >= seen + 2 + kill).await;
        hub.kill();
    }
    let hub = company.start();
    until("the last page", || {
        vendor.asked().iter().filter(|one| one.path == format!("/page/{PAGES}")).count() > 1
    })
    .await;
    let balance = company.settled();
    balanced(&balance);
    // Each page was kept in one commit with its cursor, so nothing was even a duplicate.
    assert_eq!(balance["fates"]["delivered"], PAGES * ITEMS);
    assert_eq!(balance["messages"]["decoded"], PAGES);
    let mut ids: HashMap<String, HashSet<String>> = HashMap::new();
    let mut order = Vec::new();
    for one in receiver.taken() {
        let code = one.body["data"]["alert"]["code"].as_str().unwrap().to_owned();
        order.push(code.split('-').next().unwrap().parse::<usize>().unwrap());
        ids.entry(code).or_default().insert(one.id);
    }
    assert_eq!(ids.len(), PAGES * ITEMS, "{ids:?}");
    assert!(ids.values().all(|ids| ids.len() == 1), "delivered under several ids: {ids:?}");

    let pages: Vec<usize> = vendor
        .asked()
        .iter()
        .filter_map(|one| one.path.strip_prefix("/page/").map(|n| n.parse().unwrap()))
        .collect();
    assert!(pages.is_sorted(), "the walk went back: {pages:?}");
    assert!(vendor.asked().iter().all(|one| one.authorization == "Bearer t0ken"));
    assert!(order.contains(&0) && order.contains(&(PAGES - 1)));
    hub.stop();

    // Where it had come to survives a restart.
    let before = vendor.asked().len();
    let hub = company.start();
    until("a question", || vendor.asked().len() > before).await;
    assert_eq!(vendor.asked()[before].path, format!("/page/{PAGES}"));
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_in_trouble_is_left_alone_as_long_as_it_asks_and_nothing_it_says_is_logged() {
    const SAID: &str = "no room for rosa@example.com";
    let receiver = Receiver::start().await;
    let vendor = Vendor::start(|number, _| match number {
        0 => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], SAID).into_response(),
        1 => (StatusCode::UNAUTHORIZED, SAID).into_response(),
        2 => (StatusCode::BAD_GATEWAY, SAID).into_response(),
        3 => (StatusCode::OK, SAID).into_response(),
        // Without an id each time: told twice it would be two events.
        4 => axum::Json(json!({"items": [{"code": "a"}, {"code": "b"}], "next": 1, "more": false}))
            .into_response(),
        _ => axum::Json(json!({"items": [], "next": 1, "more": false})).into_response(),
    })
    .await;
    let company = Company::new();
    install(&company);
    vendor.channel(&company);
    company.webhook_out("crm", receiver.address);
    company.route("alerts", "walk", "crm", "");
    let hub = company.start();
    until("two deliveries, and a poll after them", || {
        receiver.taken().len() == 2 && vendor.asked().len() > 5
    })
    .await;

    let asked = vendor.asked();
    let waited = asked[1].at - asked[0].at;
    assert!(waited >= Duration::from_secs(1), "asked again after {waited:?}");
    let (_, metrics) = get(hub.address, "/metrics").unwrap();
    for result in ["rate-limited", "auth", "retry", "permanent", "page"] {
        let line = format!("snodo_polls_total{{channel=\"walk\",result=\"{result}\"}} 1\n");
        assert!(metrics.contains(&line), "{line} is missing in:\n{metrics}");
    }
    let balance = company.settled();
    assert_eq!((&balance["difference"], &balance["fates"]["delivered"]), (&json!(0), &json!(2)));
    let log = hub.stop();
    assert!(log.contains("a poll failed") && log.contains("walk") && log.contains("auth"), "{log}");
    assert!(!log.contains("rosa@example.com") && !log.contains("t0ken"), "{log}");
}
