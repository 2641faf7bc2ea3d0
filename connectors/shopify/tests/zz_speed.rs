use shopify::Shopify;
use snodo_connector::{Context, Message, Source};
#[test]
fn speed() {
    let big = std::fs::read("golden/order-placed/body.json").unwrap();
    let big: serde_json::Value = serde_json::from_slice(&big).unwrap();
    let mut small = big.clone();
    let keep = [
        "id",
        "admin_graphql_api_id",
        "created_at",
        "currency",
        "email",
        "name",
        "order_number",
        "processed_at",
        "source_name",
        "total_price",
        "total_price_set",
        "total_tax",
        "subtotal_price",
        "financial_status",
        "updated_at",
        "customer_locale",
        "line_items",
    ];
    small.as_object_mut().unwrap().retain(|k, _| keep.contains(&k.as_str()));
    small["line_items"].as_array_mut().unwrap().truncate(1);
    let l = small["line_items"][0].as_object_mut().unwrap();
    l.retain(|k, _| {
        ["id", "name", "price", "product_id", "quantity", "sku", "title", "variant_id"].contains(&k.as_str())
    });
    small["customer"] = serde_json::json!({"id":7001,"email":"ada@example.com","first_name":"Ada","last_name":"Conti","email_marketing_consent":{"state":"subscribed","opt_in_level":"single_opt_in","consent_updated_at":"2026-01-01T00:00:00Z"}});
    for (name, v) in [("small", small), ("golden order", big)] {
        let body = serde_json::to_vec(&v).unwrap();
        let ctx = Context { channel: "c".into(), config: b"{}".to_vec(), now: 0 };
        let msg = Message {
            id: "1".into(),
            received_at: 0,
            headers: vec![
                ("x-shopify-topic".into(), "orders/create".into()),
                ("x-shopify-shop-domain".into(), "a.myshopify.com".into()),
                ("x-shopify-event-id".into(), "9f2c4c1e-6b1d-4c58-9d0b-2f1f4e0a1b01".into()),
                ("x-shopify-api-version".into(), "2025-10".into()),
            ],
            name: String::new(),
            body,
        };
        let n = 40000;
        let mut best = f64::MAX;
        for _ in 0..5 {
            let t = std::time::Instant::now();
            for _ in 0..n {
                std::hint::black_box(Shopify::decode(&ctx, msg.clone()).unwrap());
            }
            best = best.min(t.elapsed().as_secs_f64() * 1e6 / n as f64);
        }
        let t = std::time::Instant::now();
        for _ in 0..n {
            std::hint::black_box(serde_json::from_slice::<serde_json::Value>(&msg.body).unwrap());
        }
        println!(
            "{name}: {} bytes {:.2} us/event; serde Value parse alone {:.2}",
            msg.body.len(),
            best,
            t.elapsed().as_secs_f64() * 1e6 / n as f64
        );
    }
}
