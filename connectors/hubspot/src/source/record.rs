//! Companies, deals and tickets by HubSpot's own properties:
//! <https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/deals/guide> and its neighbours.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::money::Money;
use snodo_connector::time;

use super::{moment, person};
use crate::config::Config;

pub fn account(id: &str, properties: &mut Fields, config: &Config) -> Fields {
    let mut account = begun(
        id,
        properties,
        &[
            ("name", "name"),
            ("domain", "domain"),
            ("website", "website"),
            ("phone", "phone"),
            ("industry", "industry"),
            ("type", "kind"),
            ("lifecyclestage", "status"),
            ("description", "description"),
            ("hs_parent_company_id", "parent_id"),
        ],
    );
    let count = |value: &Value| fields::text(value)?.parse::<u64>().ok();
    account.leave("employees", properties.take("numberofemployees", count));
    account.leave("revenue", money(properties, "annualrevenue", "hs_annual_revenue_currency_code", config));
    account.leave("addresses", person::address(properties).map(|address| vec![address]));
    account.leave("owner", owner(properties));
    account
}

pub fn deal(id: &str, properties: &mut Fields, config: &Config) -> Fields {
    let mut deal = begun(
        id,
        properties,
        &[
            ("dealname", "name"),
            ("dealstage", "stage"),
            ("pipeline", "pipeline"),
            ("closed_lost_reason", "loss_reason"),
            ("hs_next_step", "next_step"),
            ("hs_analytics_source", "source"),
        ],
    );
    deal.leave("amount", money(properties, "amount", "deal_currency_code", config));
    let share = |value: &Value| {
        let share = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        share.filter(|share| (0.0..=1.0).contains(share))
    };
    deal.leave("probability", properties.take("hs_deal_stage_probability", share));
    let truth = |value: &Value| value.as_bool().or_else(|| value.as_str()?.parse().ok());
    let closed = properties.take("hs_is_closed", truth);
    let won = properties.take("hs_is_closed_won", truth);
    let status = match (closed, won) {
        (_, Some(true)) => Some("won"),
        (Some(true), Some(false)) => Some("lost"),
        (Some(false), _) => Some("open"),
        _ => None,
    };
    deal.leave("status", status);
    // Until it is closed, the close date is a guess.
    if closed == Some(true) {
        deal.leave("closed_at", properties.take("closedate", moment));
    } else {
        // The hour stays where it is.
        let day = properties.get("closedate").and_then(|value| time::day(&moment(value)?));
        deal.leave("expected_close_on", day);
    }
    deal.leave("stage_entered_at", properties.take("hs_v2_date_entered_current_stage", moment));
    deal.leave("owner", owner(properties));
    deal
}

pub fn ticket(id: &str, properties: &mut Fields) -> Fields {
    let mut ticket = begun(
        id,
        properties,
        &[
            ("subject", "subject"),
            ("content", "text"),
            ("hs_pipeline_stage", "status"),
            ("hs_ticket_priority", "priority"),
            ("hs_ticket_category", "category"),
            ("source_type", "via"),
        ],
    );
    ticket.leave("solved_at", properties.take("closed_date", moment));
    ticket.leave("assignee", owner(properties));
    ticket
}

fn begun(id: &str, properties: &mut Fields, names: &[(&str, &str)]) -> Fields {
    let mut record = Fields::from_iter([("id".to_owned(), id.into())]);
    record.extend(properties.texts(names));
    record.leave("created_at", properties.take("createdate", moment));
    record.leave("updated_at", properties.take("hs_lastmodifieddate", moment));
    record
}

/// An account that knows one currency sends none: then it is the channel's. Without either it is no amount, and stays.
fn money(properties: &mut Fields, amount: &str, currency: &str, config: &Config) -> Option<Value> {
    let sent = properties.get(currency).and_then(fields::text);
    let code = sent.as_deref().or(config.currency.as_deref())?;
    let money = properties.take(amount, |value| Money::new(&fields::decimal(value)?, code))?;
    properties.shift_remove(currency);
    Some(json!(money))
}

fn owner(properties: &mut Fields) -> Option<Value> {
    Some(json!({"id": properties.text("hubspot_owner_id")?}))
}
