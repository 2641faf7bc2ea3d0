//! Whatever comes and whatever HubSpot answers: every delivery is covered by exactly one call or settled, in every round, no
//! request names a record twice, what a call remembers is small, and the batch comes to an end.

use std::collections::BTreeSet;

use hubspot::Hubspot;
use serde_json::{Value, json};
use snodo_connector::{Answer, Context, Delivery, Destination, Event, Exchange, Plan, Request};

/// The hub follows no delivery further.
const ROUNDS_MAX: usize = 8;
const STATE_BYTES_MAX: usize = 16 * 1024;

#[test]
fn every_delivery_has_one_way_and_one_end() {
    for seed in 0..400 {
        let mut dice = Dice(seed * 2 + 1);
        let count = 1 + dice.below(if seed % 8 == 0 { 260 } else { 40 });
        let deliveries: Vec<Delivery> = (0..count).map(|at| delivery(at, &mut dice)).collect();
        let outcomes = run(deliveries, &mut dice, seed);
        assert_eq!(outcomes, count, "seed {seed}");
    }
}

fn run(deliveries: Vec<Delivery>, dice: &mut Dice, seed: u64) -> usize {
    let ctx = Context { channel: "crm".into(), config: config(dice), now: 0 };
    let mut open = vec![(deliveries.clone(), Hubspot::encode(&ctx, deliveries))];
    let mut settled = 0;
    for _ in 0..=ROUNDS_MAX {
        let mut next = Vec::new();
        for (deliveries, plan) in open {
            check(&plan, deliveries.len(), seed);
            settled += plan.settled.len();
            for call in plan.calls {
                let covered: Vec<Delivery> =
                    call.covers.iter().map(|&at| deliveries[at as usize].clone()).collect();
                let answer = answer(&call.request, dice);
                let exchange = Exchange { deliveries: covered.clone(), state: call.state, answer };
                next.push((covered, Hubspot::interpret(&ctx, exchange)));
            }
        }
        if next.is_empty() {
            return settled;
        }
        open = next;
    }
    panic!("seed {seed}: the batch has no end");
}

fn check(plan: &Plan, count: usize, seed: u64) {
    let mut times = vec![0; count];
    for call in &plan.calls {
        assert!(!call.covers.is_empty(), "seed {seed}: a call for nobody");
        assert!(call.state.len() <= STATE_BYTES_MAX, "seed {seed}: {} bytes of state", call.state.len());
        let body: Value = serde_json::from_slice(&call.request.body).unwrap();
        let inputs = body["inputs"].as_array().unwrap();
        let names: BTreeSet<String> = inputs.iter().map(|input| name(input).to_string()).collect();
        assert!((1..=100).contains(&inputs.len()), "seed {seed}: {} inputs", inputs.len());
        assert_eq!(names.len(), inputs.len(), "seed {seed}: a record is named twice");
        call.covers.iter().for_each(|&at| times[at as usize] += 1);
    }
    plan.settled.iter().for_each(|settled| times[settled.delivery as usize] += 1);
    assert!(times.iter().all(|&times| times == 1), "seed {seed}: {times:?}");
}

fn name(input: &Value) -> Value {
    if input["id"].is_null() { json!([input["from"], input["to"]]) } else { input["id"].clone() }
}

/// HubSpot on a good, a middling or a bad day.
fn answer(request: &Request, dice: &mut Dice) -> Answer {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let inputs = body["inputs"].as_array().unwrap();
    let reply = |status: u16, body: Value| Answer {
        status,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    };
    match dice.below(12) {
        0 => reply(400, json!({"status": "error", "category": "VALIDATION_ERROR"})),
        1 => reply(
            [401, 403, 404, 409, 423, 429, 477, 500, 503, 302][dice.below(10)],
            json!({"policyName": "DAILY"}),
        ),
        2 => reply(200, json!("nonsense")),
        3 => reply(200, json!({"results": []})),
        4 | 5 => {
            let (failed, taken): (Vec<_>, Vec<_>) =
                inputs.iter().enumerate().partition(|_| dice.below(3) == 0);
            let errors: Vec<Value> = failed.iter().map(|(at, _)| error(*at)).collect();
            let results: Vec<Value> = taken.iter().map(|(at, input)| record(*at, input)).collect();
            reply(207, json!({"results": results, "errors": errors}))
        }
        _ => {
            let results: Vec<Value> =
                inputs.iter().enumerate().map(|(at, input)| record(at, input)).collect();
            reply(200, json!({"results": results}))
        }
    }
}

fn error(at: usize) -> Value {
    json!({"category": if at.is_multiple_of(2) { "VALIDATION_ERROR" } else { "CONFLICT" }, "context": {"objectWriteTraceId": [at.to_string()]}})
}

fn record(at: usize, input: &Value) -> Value {
    if input["id"].is_null() {
        return json!({"fromObjectId": input["from"]["id"], "toObjectId": input["to"]["id"]});
    }
    let properties = json!({"order": input["id"], "amount": "100.00", "refunds": "r1;r4"});
    let id = format!("90000000000000000{}", input["id"].as_str().unwrap().len() + at);
    json!({"id": id, "objectWriteTraceId": input.get("objectWriteTraceId"), "properties": properties})
}

fn config(dice: &mut Dice) -> Vec<u8> {
    let config = match dice.below(4) {
        0 => json!({}),
        1 => json!({"order_id_property": "order"}),
        _ => json!({"order_id_property": "order", "deal_properties": {"refunds": "refunds"}}),
    };
    config.to_string().into_bytes()
}

fn delivery(at: usize, dice: &mut Dice) -> Delivery {
    // Few addresses and few orders, so that deliveries meet.
    let email = format!("c{}@example.com", dice.below(12));
    let order_id = dice.below(8);
    let customer = if dice.below(4) == 0 {
        json!({})
    } else {
        json!({"identifiers": [{"namespace": "email", "value": email}]})
    };
    let refund = json!({"id": format!("r{}", dice.below(6)), "order_id": order_id.to_string(), "amount": {"amount": "5.00", "currency": "EUR"}});
    match dice.below(6) {
        0 => event(at, "crm.contact.updated", &json!({"customer": customer})),
        1 => event(at, "web.page.viewed", &json!({"customer": customer})),
        2 | 3 => event(at, "commerce.refund.issued", &json!({"customer": customer, "refund": refund})),
        4 => event(
            at,
            "commerce.order.paid",
            &json!({"customer": customer, "order": {"id": order_id.to_string()}}),
        ),
        _ => order(at, &email, order_id),
    }
}

fn order(at: usize, email: &str, order_id: usize) -> Delivery {
    let total = json!({"amount": "100.00", "currency": "EUR"});
    let customer = json!({"identifiers": [{"namespace": "email", "value": email}]});
    event(
        at,
        "commerce.order.placed",
        &json!({"customer": customer, "order": {"id": order_id.to_string(), "total": total}}),
    )
}

fn event(at: usize, kind: &str, data: &Value) -> Delivery {
    Delivery {
        idempotency_key: format!("key-{at}"),
        attempt: 1,
        customer: None,
        event: Event {
            id: at.to_string(),
            kind: kind.into(),
            source: "snodo://example/shop".into(),
            subject: None,
            time: format!("2026-01-01T00:00:{:02}Z", at % 60),
            dataschema: format!("snodo:snodo/{kind}/1-0-0"),
            ordering_key: String::new(),
            attributes: Vec::new(),
            data: data.to_string().into_bytes(),
        },
    }
}

/// Numbers that look random and are the same each time (splitmix64, Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap()
    }
}
