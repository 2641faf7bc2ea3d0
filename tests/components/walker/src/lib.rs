//! A guest that polls and transforms. Its vendor answers `GET {url}/page/{n}` with
//! `{"items": [{"id": "7", "code": "…"}], "next": 3, "more": true, "detail": "/detail/3"}`; where there is a `detail`, that is asked
//! for too before the page is whole, and its items come last. Of each event it makes `copies` others.

use serde_json::{Value, json};
use snodo_connector::{Context, Draft, Event, Fault, Page, Poll, Reply, Request, Step, Transform};

pub struct Walker;

fn config(ctx: &Context) -> Result<Value, Fault> {
    ctx.config()
}

fn ask(ctx: &Context, path: &str, state: Vec<u8>) -> Result<Step, Fault> {
    let config = config(ctx)?;
    let url = config["url"].as_str().ok_or_else(|| Fault::misconfigured("url is missing"))?;
    let request =
        Request { method: "GET".into(), target: format!("{url}{path}"), headers: vec![], body: vec![] };
    Ok(Step::ask(request, state))
}

fn alert(code: &str) -> Draft {
    let data = json!({
        "device": {"id": "b7", "class": "iot"},
        "alert": {"code": code, "severity": "info"},
        "touchpoint": {"channel": "iot"},
    });
    Draft::new("iot.alert.raised", &data)
}

fn items(page: &Value) -> Vec<Draft> {
    let items = page["items"].as_array().into_iter().flatten();
    let draft = |item: &Value| {
        let draft = alert(item["code"].as_str().unwrap_or("none")).with_time("2026-03-01T10:00:00+01:00");
        match item["id"].as_str() {
            Some(id) => draft.with_key(id),
            None => draft,
        }
    };
    items.map(draft).collect()
}

impl Poll for Walker {
    fn next(ctx: &Context, cursor: Option<Vec<u8>>, reply: Option<Reply>) -> Result<Step, Fault> {
        let Some(Reply { state, answer }) = reply else {
            let at = cursor.unwrap_or_else(|| b"0".to_vec());
            return ask(ctx, &format!("/page/{}", String::from_utf8_lossy(&at)), Vec::new());
        };
        if !answer.is_success() {
            return Err(answer.fault(format!("it said {}", String::from_utf8_lossy(&answer.body))));
        }
        let told: Value = answer.json().ok_or_else(|| Fault::permanent("the page is no JSON"))?;
        if let Some(detail) = told["detail"].as_str() {
            return ask(ctx, detail, answer.body);
        }
        // The page itself, when this is the detail of one.
        let page: Option<Value> = serde_json::from_slice(&state).ok();
        let (page, detail) = page.map_or((told.clone(), None), |page| (page, Some(told)));
        let mut events = items(&page);
        events.extend(detail.iter().flat_map(items));
        let cursor = page["next"].to_string().into_bytes();
        let more = page["more"] == true;
        Ok(Step::Page(Page { events, cursor, more, wait_ms: page["wait_ms"].as_u64() }))
    }
}

impl Transform for Walker {
    fn apply(ctx: &Context, event: Event) -> Result<Vec<Draft>, Fault> {
        let data: Value = event.data()?;
        let code = data["alert"]["code"].as_str().or(event.subject.as_deref()).unwrap_or("none");
        match code {
            "order/666" => return Err(Fault::permanent("not this one")),
            "order/667" => panic!("as asked"),
            "order/668" => return Ok(Vec::new()),
            _ => {}
        }
        let copies = config(ctx)?["copies"].as_u64().unwrap_or(1);
        Ok((0..copies).map(|copy| alert(&format!("{code}.{copy}"))).collect())
    }
}

snodo_connector::export!(Walker: poll, transform);
