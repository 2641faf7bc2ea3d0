//! A guest for transports that the plainest connectors do not know. It keeps rows and mails that come in whole. Of orders it
//! makes rows of the table that `table` names, all of a batch in one request; without one, a mail to each customer.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use snodo_connector::{
    Context, Delivery, Destination, Draft, Exchange, Fault, Message, Outcome, Plan, Request, Source,
};

pub struct Clerk;

impl Source for Clerk {
    fn decode(_: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let (told, whole): (Value, &RawValue) = (message.json()?, message.json()?);
        let key = [&told["id"], &told["message_id"]].into_iter().find(|key| !key.is_null());
        // Digit for digit.
        let draft = Draft::unknown(Some(&message.name), &whole);
        Ok(vec![match key {
            Some(key) => draft.with_key(key.to_string()),
            None => draft,
        }])
    }
}

impl Destination for Clerk {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        let config: Value = match ctx.config() {
            Ok(config) => config,
            Err(fault) => return Plan::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        };
        let orders = deliveries.iter().map(|delivery| serde_json::from_slice(&delivery.event.data));
        let orders: Vec<Value> = orders.map(|order| order.unwrap_or_default()).collect();
        let mut plan = Plan::new();
        match config["table"].as_str() {
            Some(table) => {
                let rows: Vec<Value> = orders.iter().map(|order| row(order, &config)).collect();
                let method = config["method"].as_str().unwrap_or("UPSERT");
                let mut request = Request::json(method, table, &rows);
                request.headers = vec![("sql-key".into(), "id".into())];
                plan.call(request, (0..).take(rows.len()).collect(), Vec::new());
            }
            None => {
                for (place, order) in (0..).zip(&orders) {
                    plan.call(mail(order), vec![place], Vec::new());
                }
            }
        }
        plan
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        let count = exchange.deliveries.len();
        let told: Value = exchange.answer.json().unwrap_or_default();
        let of_row = |row: &Value| match (row["error"]["case"].as_str(), row["written"].as_u64()) {
            (Some(case), _) => {
                let why = row["error"].to_string();
                Outcome::Failed(if case == "permanent" {
                    Fault::permanent(why)
                } else {
                    Fault::misconfigured(why)
                })
            }
            (None, Some(0)) => Outcome::Duplicate,
            (None, _) => Outcome::Accepted(None),
        };
        match (exchange.answer.status, told["rows"].as_array()) {
            (207, Some(rows)) if rows.len() == count => {
                let mut plan = Plan::new();
                for (place, row) in (0..).zip(rows) {
                    plan.settle(place, of_row(row));
                }
                plan
            }
            (200, _) => {
                let id = told["message_id"].as_str().map(str::to_owned);
                Plan::settle_all(count, &Outcome::Accepted(id))
            }
            _ => Plan::settle_all(count, &Outcome::Failed(exchange.answer.fault("it answered otherwise"))),
        }
    }
}

fn row(order: &Value, config: &Value) -> Value {
    let mut row = Map::new();
    row.insert("id".into(), order["order"]["id"].clone());
    row.insert("email".into(), order["customer"]["identifiers"][0]["value"].clone());
    row.insert("total".into(), order["order"]["total"]["amount"].clone());
    // Not in every row: the others keep the column's default.
    if order["order"]["id"] == "7" {
        row.insert("note".into(), json!("seven"));
    }
    if let Some(column) = config["column"].as_str() {
        row.insert(column.to_owned(), json!("x"));
    }
    row.into()
}

fn mail(order: &Value) -> Request {
    let address = order["customer"]["identifiers"][0]["value"].as_str().unwrap_or_default();
    let id = order["order"]["id"].as_str().unwrap_or_default();
    let body = json!({
        "to": [{"name": order["customer"]["traits"]["given_name"], "address": address}],
        "subject": format!("Bestellung {id} für Sie"),
        "text": format!("Danke für {id}.\n.\nBis bald"),
        "html": format!("<p>Danke für {id}.</p>"),
        "headers": {"List-Unsubscribe": "<https://shop.example/u>", "X-Order": id},
    });
    Request::json("SEND", format!("mailto:{address}"), &body)
}

snodo_connector::export!(Clerk: source, destination);
