//! Quotes: <https://docs.stripe.com/api/quotes/object>. An offer to somebody is a sale that may come about.

use serde_json::Value;
use snodo_connector::fields::{Fields, Take};

use super::person::Person;
use super::sum::{Currency, sum};
use super::{Story, Told, epoch, id, when};

pub fn told(story: &mut Story) -> Option<Told> {
    let state = match story.kind.as_str() {
        "quote.created" | "quote.finalized" => "open",
        "quote.accepted" => "won",
        "quote.canceled" => "lost",
        _ => return None,
    };
    let quote = id(&story.object, "id")?;
    let from = &mut story.object;
    let customer = id(from, "customer");
    let person = Person::of(from);
    let mut found = from.texts(&[("id", "id"), ("status", "stage"), ("description", "name")]);
    found.get("stage")?;
    found.insert("status".into(), state.into());
    let currency = Currency::of(from);
    found.leave("amount", sum(from, "amount_total", currency.as_ref()));
    found.leave("created_at", when(from, "created"));
    found.leave("contact_ids", customer.map(|customer| vec![customer]));
    if let Some(mut moments) = from.object("status_transitions") {
        let closed = ["accepted_at", "canceled_at"].iter().find_map(|name| moments.take(name, epoch));
        found.leave("closed_at", closed);
        from.leave("status_transitions", moments);
    }
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    data.leave("opportunity", found);
    Told::new("crm.opportunity.stage_changed", format!("opportunity/{quote}"), data)
}
