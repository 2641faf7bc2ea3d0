//! Events as rows of a PostgreSQL table. Writes no SQL: it says which rows, the hub writes them with parameters.

mod answer;
mod table;

use snodo_connector::{Context, Delivery, Destination, Exchange, Outcome, Plan};

use crate::table::Table;

pub struct Postgresql;

impl Destination for Postgresql {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        let table = match ctx.config().and_then(Table::of) {
            Ok(table) => table,
            Err(fault) => return Plan::settle_all(deliveries.len(), &Outcome::Failed(fault)),
        };
        let mut plan = Plan::new();
        let (mut rows, mut covers) = (Vec::new(), Vec::new());
        for (place, delivery) in (0..).zip(&deliveries) {
            match table.row(delivery) {
                Ok(row) => {
                    rows.push(row);
                    covers.push(place);
                }
                Err(outcome) => plan.settle(place, outcome),
            }
        }
        if !rows.is_empty() {
            plan.call(table.request(&rows), covers, Vec::new());
        }
        plan
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        let mut plan = Plan::new();
        for (place, outcome) in (0..).zip(answer::outcomes(&exchange.answer, exchange.deliveries.len())) {
            plan.settle(place, outcome);
        }
        plan
    }
}

snodo_connector::export!(Postgresql: destination);
