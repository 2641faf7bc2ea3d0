//! A lead as a canonical event: who sent it, by which ad, and what they answered. What is no trait of a person stays an answer.

mod person;

use serde_json::{Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use crate::config::Config;
pub use person::Asked;

pub fn draft(config: &Config, form: &str, lead: &Value) -> Draft {
    let id = lead.get("id").and_then(fields::text);
    let (Some(id), Some(mut rest)) = (id, lead.as_object().cloned()) else {
        return Draft::unknown(Some("lead"), lead);
    };
    rest.shift_remove("id");
    let sent = rest.take("created_time", fields::moment);
    let ad = ad(&mut rest);
    let campaign = rest.texts(&[("campaign_name", "name")]);
    let mut touchpoint = Fields::from_iter([("channel".to_owned(), "social".into())]);
    let mut campaign_of = Fields::new();
    for (name, ours) in [("campaign_id", "id"), ("ad_group_id", "ad_group_id")] {
        campaign_of.leave(ours, ad.get(name).cloned());
    }
    campaign_of.extend(campaign);
    touchpoint.leave("campaign", campaign_of);

    let form = rest.text("form_id").unwrap_or_else(|| form.to_owned());
    let source = rest.text("platform").map(|platform| match platform.as_str() {
        "fb" => "facebook".to_owned(),
        "ig" => "instagram".to_owned(),
        _ => platform,
    });
    let (customer, answers) = person::read(config, &id, &mut rest);
    let mut data = Fields::new();
    data.leave("customer", customer);
    data.leave("consent", consent(config, &form, sent.as_deref(), &mut rest));
    data.leave("touchpoint", touchpoint);
    data.leave("form", json!({"id": form, "purpose": "lead", "fields": answers, "submission_id": id}));
    data.leave("lead", json!({"id": id, "source": source, "created_at": sent}));
    data.leave("ad", ad);
    data.leave("vendor", rest);
    // Not the webhook's `leadgen/…`: that one has no answers, and must not stand in the way of this one.
    let draft = Draft::new("social.lead.submitted", &data).with_key(format!("lead/{id}"));
    Draft { time: sent, ..draft.with_subject(format!("lead/{id}")) }
}

fn ad(rest: &mut Fields) -> Fields {
    let mut ad = rest.texts(&[
        ("ad_id", "id"),
        ("ad_name", "name"),
        ("campaign_id", "campaign_id"),
        ("adset_id", "ad_group_id"),
    ]);
    if !ad.is_empty() {
        ad.insert("platform".into(), "meta".into());
    }
    ad
}

/// Boxes that the channel has a purpose for, if they were ticked. Who has left one empty has said nothing by that: what they agreed
/// to elsewhere holds. Those stay, as do the boxes that nobody has named.
fn consent(config: &Config, form: &str, sent: Option<&str>, rest: &mut Fields) -> Option<Value> {
    let mut boxes = rest.list("custom_disclaimer_responses")?;
    let mut purposes = Fields::new();
    boxes.retain_mut(|one| {
        let Some(ticked) = ticked(&one["is_checked"]) else { return true };
        let purpose = one["checkbox_key"].as_str().and_then(|key| config.consents.get(key));
        let Some(purpose) = purpose.filter(|_| ticked) else {
            one["is_checked"] = ticked.into();
            return true;
        };
        let given =
            json!({"state": "granted", "at": sent, "basis": "consent", "source": format!("form/{form}")});
        purposes.leave(purpose, given);
        false
    });
    rest.leave("custom_disclaimer_responses", boxes);
    (!purposes.is_empty()).then(|| json!({"purposes": purposes, "collected_at": sent}))
}

/// `"1"` or `""`: Meta's clients have it as a text. A boolean says the same.
fn ticked(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(ticked) => Some(*ticked),
        Value::String(text) => match text.as_str() {
            "1" | "true" => Some(true),
            "" | "0" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
