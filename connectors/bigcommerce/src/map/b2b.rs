//! Companies, their users and quotes: <https://developer.bigcommerce.com/docs/integrations/webhooks/events/b2b-edition>.

use serde_json::json;
use snodo_connector::fields::{Fields, Take};

use super::{Story, Told};

pub fn told(story: &mut Story) -> Option<Told> {
    if story.scope == "quote/created" {
        return quoted(story);
    }
    let kind = match story.scope {
        "company/created" => "crm.account.created",
        "company/updated"
        | "company/statusUpdated"
        | "company/superadmin/assignmentUpdated"
        | "company/address/created"
        | "company/address/updated"
        | "company/address/deleted" => "crm.account.updated",
        "company/user/created" => "crm.contact.created",
        "company/user/updated" => "crm.contact.updated",
        "company/user/deleted" => "crm.contact.deleted",
        _ => return None,
    };
    let company = story.data.text("company_id");
    let mut data = Fields::new();
    if !story.scope.starts_with("company/user/") {
        let company = company?;
        data.insert("account".into(), json!({"id": company}));
        return Some(Told { kind, subject: format!("account/{company}"), data });
    }
    let user = story.data.text("user_id")?;
    data.insert(
        "customer".into(),
        json!({"identifiers": [story.identifier("bigcommerce:company_user", &user)]}),
    );
    if kind == "crm.contact.deleted" {
        // A contact that is gone has no account; whose it was stays with it.
        story.data.leave("company_id", company);
    } else {
        data.leave("account", company.map(|id| json!({"id": id})));
    }
    Some(Told { kind, subject: format!("contact/{user}"), data })
}

/// Which stage it is in is not told; that it is there is the first one.
fn quoted(story: &mut Story) -> Option<Told> {
    let id = story.data.text("quote_id")?;
    let mut quote = Fields::new();
    quote.insert("id".into(), id.clone().into());
    quote.insert("stage".into(), "created".into());
    quote.insert("status".into(), "open".into());
    quote.leave("created_at", story.at.clone());
    let mut data = Fields::new();
    data.insert("opportunity".into(), quote.into());
    Some(Told { kind: "crm.opportunity.stage_changed", subject: format!("opportunity/{id}"), data })
}
