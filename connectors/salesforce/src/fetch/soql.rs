//! The queries: <https://developer.salesforce.com/docs/platform/soql-sosl/guide/sforce-api-calls-soql-select.html>.

use snodo_connector::time;

use super::Place;
use crate::config::Config;

const ALWAYS: &str = "Id IsDeleted CreatedDate LastModifiedDate LastModifiedById SystemModstamp OwnerId";

/// Salesforce's own fields of an object, by its object reference.
fn fields(object: &str) -> &'static str {
    match object {
        "Contact" => {
            "MasterRecordId AccountId Account.Name Name Salutation FirstName LastName Email Phone MobilePhone HomePhone Title \
             Department Birthdate Description LeadSource HasOptedOutOfEmail DoNotCall MailingStreet MailingCity MailingState \
             MailingPostalCode MailingCountry OtherStreet OtherCity OtherState OtherPostalCode OtherCountry"
        }
        "Lead" => {
            "MasterRecordId Name Salutation FirstName LastName Company Email Phone MobilePhone Title Industry Website \
             Description LeadSource Status Rating HasOptedOutOfEmail DoNotCall Street City State PostalCode Country IsConverted \
             ConvertedDate ConvertedAccountId ConvertedContactId ConvertedOpportunityId"
        }
        "Account" => {
            "MasterRecordId Name AccountNumber Type ParentId Industry Website Phone NumberOfEmployees AnnualRevenue Description \
             BillingStreet BillingCity BillingState BillingPostalCode BillingCountry ShippingStreet ShippingCity ShippingState \
             ShippingPostalCode ShippingCountry"
        }
        "Opportunity" => {
            "Name StageName Amount Probability CloseDate IsClosed IsWon LeadSource NextStep Description Type AccountId \
             Account.Name ContactId LastStageChangeDate"
        }
        "Task" => {
            "Subject Description Status Priority ActivityDate IsClosed CompletedDateTime TaskSubtype CallType CallDurationInSeconds \
             CallDisposition WhoId WhatId AccountId"
        }
        "Case" => {
            "CaseNumber Subject Description Status Priority Origin Reason Type IsClosed ClosedDate ContactId AccountId \
             Account.Name SuppliedName SuppliedEmail SuppliedPhone"
        }
        _ => "",
    }
}

pub fn query(config: &Config, object: &str, after: Option<&Place>, until: i64) -> String {
    let is_seen = |field: &&str| {
        !config.hidden_fields.iter().any(|hidden| hidden.split_once('.') == Some((object, *field)))
    };
    let money = ["Account", "Opportunity"].contains(&object) && config.multi_currency;
    let names =
        ALWAYS.split(' ').chain(fields(object).split_whitespace()).chain(money.then_some("CurrencyIsoCode"));
    let mut names: Vec<&str> = names.filter(is_seen).collect();
    for more in config.more_fields.get(object).into_iter().flatten() {
        if !names.contains(&more.as_str()) {
            names.push(more);
        }
    }
    let stamp =
        |millis: i64| time::from_epoch_millis(millis).unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned());
    let mut wanted = vec![format!("SystemModstamp < {}", stamp(until))];
    match (after, config.since.as_deref().and_then(time::epoch_millis)) {
        // Record ids are letters and digits, and a cursor is the hub's own: nothing in it can end the text.
        (Some(Place { stamp: last, id }), _) => {
            let id: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
            let last = stamp(*last);
            wanted.push(format!("(SystemModstamp > {last} OR (SystemModstamp = {last} AND Id > '{id}'))"));
        }
        (None, Some(since)) => wanted.push(format!("SystemModstamp >= {}", stamp(since))),
        (None, None) => {}
    }
    format!(
        "SELECT {} FROM {object} WHERE {} ORDER BY SystemModstamp, Id",
        names.join(", "),
        wanted.join(" AND ")
    )
}
