use canonical::Canonical;
use snodo_connector::*;
#[test]
fn speed() {
    let data = format!(r#"{{"order":{{"id":"1","note":"{}"}}}}"#, "x".repeat(800));
    let one = format!(
        r#"{{"specversion":"1.0","id":"evt-1","type":"commerce.order.placed","source":"shop","subject":"order/1","time":"2026-01-01T00:00:00Z","data":{data}}}"#
    );
    let ctx = Context { channel: "c".into(), config: b"{}".to_vec(), now: 0 };
    for k in [1usize, 100] {
        let body =
            if k == 1 { one.clone() } else { format!("[{}]", vec![one.clone(); k].join(",")) }.into_bytes();
        let msg = Message { id: "1".into(), received_at: 0, headers: vec![], name: String::new(), body };
        let n = 100_000 / k;
        let mut best = f64::MAX;
        for _ in 0..5 {
            let t = std::time::Instant::now();
            for _ in 0..n {
                std::hint::black_box(Canonical::decode(&ctx, msg.clone()).unwrap());
            }
            best = best.min(t.elapsed().as_secs_f64() * 1e6 / (n * k) as f64);
        }
        println!("decode x{k}: {best:.2} us/event");
        let ev = Event {
            id: "e".into(),
            kind: "commerce.order.placed".into(),
            source: "s".into(),
            subject: None,
            time: "2026-01-01T00:00:00Z".into(),
            dataschema: "d".into(),
            ordering_key: "o".into(),
            attributes: vec![],
            data: data.clone().into_bytes(),
        };
        let ds: Vec<Delivery> = (0..k)
            .map(|_| Delivery { idempotency_key: "k".into(), attempt: 1, customer: None, event: ev.clone() })
            .collect();
        let mut best = f64::MAX;
        for _ in 0..5 {
            let t = std::time::Instant::now();
            for _ in 0..n {
                std::hint::black_box(Canonical::encode(&ctx, ds.clone()));
            }
            best = best.min(t.elapsed().as_secs_f64() * 1e6 / (n * k) as f64);
        }
        println!("encode x{k}: {best:.2} us/event (with clone)");
    }
}
