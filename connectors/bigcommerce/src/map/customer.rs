//! Customers and subscribers: <https://developer.bigcommerce.com/docs/integrations/webhooks/events#customers>.

use serde_json::json;
use snodo_connector::fields::{Fields, Take};

use super::{Story, Told};

pub fn told(story: &mut Story) -> Option<Told> {
    let kind = match story.scope {
        "customer/created" => "crm.contact.created",
        "customer/deleted" => "crm.contact.deleted",
        "subscriber/created" | "subscriber/deleted" => return subscribed(story),
        "subscriber/updated"
        | "customer/updated"
        | "customer/address/created"
        | "customer/address/updated"
        | "customer/address/deleted"
        | "customer/metafield/created"
        | "customer/metafield/updated"
        | "customer/metafield/deleted"
        | "customer/payment/instrument/default/updated"
        | "customer/channel/login/access/updated" => "crm.contact.updated",
        _ => return None,
    };
    let id = whose(story)?;
    let namespace = match story.scope {
        "subscriber/updated" => "bigcommerce:subscriber",
        _ => "bigcommerce:customer",
    };
    let mut customer = Fields::new();
    customer.insert("identifiers".into(), json!([story.identifier(namespace, &id)]));
    let moment = match kind {
        "crm.contact.created" => "created_at",
        "crm.contact.deleted" => "deleted_at",
        _ => "updated_at",
    };
    customer.leave("traits", story.at.clone().map(|at| json!({moment: at})));
    let mut data = Fields::new();
    data.insert("customer".into(), customer.into());
    Some(Told { kind, subject: format!("customer/{id}"), data })
}

/// An address and a metafield have ids of their own, and name the customer beside.
fn whose(story: &mut Story) -> Option<String> {
    match story.scope.split('/').nth(1)? {
        "address" => {
            let mut address = story.data.object("address")?;
            let id = address.text("customer_id");
            story.data.leave("address", address);
            id
        }
        "metafield" => story.data.text("resource_id"),
        "channel" => story.data.text("customer_id"),
        // Of an instrument it is said whose the number is.
        "payment" if story.data.get("type").is_none_or(|kind| kind != "customer") => None,
        _ => story.data.text("id"),
    }
}

/// A subscriber is somebody who wants the newsletter.
fn subscribed(story: &mut Story) -> Option<Told> {
    let id = story.data.text("id")?;
    let state = if story.scope == "subscriber/created" { "granted" } else { "withdrawn" };
    let mut purpose = Fields::new();
    purpose.insert("state".into(), state.into());
    purpose.leave("at", story.at.clone());
    purpose.insert("source".into(), "BigCommerce newsletter".into());
    let mut data = Fields::new();
    let subscriber = story.identifier("bigcommerce:subscriber", &id);
    data.insert("customer".into(), json!({"identifiers": [subscriber]}));
    data.insert("consent".into(), json!({"purposes": {"marketing.email": purpose}}));
    Some(Told { kind: "consent.preference.updated", subject: format!("subscriber/{id}"), data })
}
