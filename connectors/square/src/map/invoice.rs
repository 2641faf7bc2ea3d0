//! Invoices: <https://developer.squareup.com/reference/square/objects/Invoice>. An invoice asks for the money of an order.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use super::person::Person;
use super::{Story, Told, addressed, money as sum, store, touched};

pub fn told(story: &mut Story) -> Option<Told> {
    let order_id = story.object.get("order_id").and_then(fields::text)?;
    let contract = story.object.text("subscription_id");
    let paid = story.object.get("status") == Some(&json!("PAID"));
    let (kind, status) = match (story.kind, contract.is_some()) {
        ("invoice.payment_made", true) if paid => ("subscription.contract.renewed", Some("paid")),
        ("invoice.payment_made", false) if paid => ("commerce.order.paid", Some("paid")),
        ("invoice.payment_made", _) => ("commerce.order.edited", Some("partially_paid")),
        ("invoice.scheduled_charge_failed", true) => ("subscription.contract.payment_failed", Some("failed")),
        ("invoice.scheduled_charge_failed", false) => ("commerce.order.edited", Some("failed")),
        ("invoice.canceled", _) => ("commerce.order.cancelled", Some("voided")),
        ("invoice.published" | "invoice.updated" | "invoice.refunded", _) => ("commerce.order.edited", None),
        // A draft that nobody has seen.
        _ => return None,
    };
    let from = &mut story.object;
    let time = touched(from);
    let mut person = recipient(from);
    person.sale("square:order", Some(&order_id));
    let mut order = from.texts(&[
        ("order_id", "id"),
        ("invoice_number", "number"),
        ("title", "name"),
        ("description", "note"),
        ("public_url", "url"),
    ]);
    let word = from.take("status", |word| word.as_str().map(str::to_lowercase));
    order.leave("payment_status", status.map(str::to_owned).or(word));
    if kind == "commerce.order.cancelled" {
        order.insert("status".into(), "cancelled".into());
        order.leave("cancelled_at", time.clone());
    }
    order.leave("store", store(from));
    // With several requests none of them is the whole.
    let requests = from.get_mut("payment_requests").and_then(Value::as_array_mut);
    if let Some([Value::Object(request)]) = requests.map(Vec::as_mut_slice) {
        order.leave("total", sum(request, "computed_amount_money"));
        order.leave("paid", sum(request, "total_completed_amount_money"));
        order.leave("payment_terms", request.text("due_date"));
    }
    order.leave("outstanding", sum(from, "next_payment_amount_money"));
    order.leave("attributes", custom_fields(from));
    order.leave("email", person.traits.get("email").cloned());
    order.leave("salesperson", from.text("creator_team_member_id").map(|id| json!({"id": id})));
    let mut data = Fields::new();
    data.leave("customer", Value::from(person));
    let subject = match &contract {
        Some(contract) if kind.starts_with("subscription.") => {
            let mut found = Fields::new();
            found.insert("id".into(), contract.clone().into());
            found.insert("order_id".into(), order_id.into());
            data.insert("subscription".into(), found.into());
            format!("subscription/{contract}")
        }
        _ => {
            order.leave("subscription_id", contract);
            format!("order/{order_id}")
        }
    };
    data.insert("order".into(), order.into());
    Some(Told::new(kind, subject, data)?.at(time))
}

/// Where they stand on the invoice is left.
fn custom_fields(from: &mut Fields) -> Vec<Value> {
    let fields = from.get_mut("custom_fields").and_then(Value::as_array_mut).into_iter().flatten();
    let named = |field: &mut Value| {
        let field = field.as_object_mut()?;
        let text = |name: &str| field.get(name).and_then(fields::text);
        let named = json!({"name": text("label")?, "value": text("value")?});
        for name in ["label", "value"] {
            field.shift_remove(name);
        }
        Some(named)
    };
    fields.filter_map(named).collect()
}

fn recipient(from: &mut Fields) -> Person {
    let mut recipient = from.object("primary_recipient").unwrap_or_default();
    let mut person = Person::of(&mut recipient);
    person.email(recipient.text("email_address"));
    person.phone(recipient.text("phone_number"));
    person.traits.extend(recipient.texts(&[
        ("given_name", "given_name"),
        ("family_name", "family_name"),
        ("company_name", "company"),
    ]));
    let address = addressed(&mut recipient, "address");
    person.traits.leave("addresses", address.map(|address| vec![Value::Object(address)]));
    from.leave("primary_recipient", recipient);
    person
}
