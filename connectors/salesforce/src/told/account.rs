//! Companies: <https://developer.salesforce.com/docs/platform/object-reference/guide/sforce-api-objects-account.html>.

use serde_json::Value;
use snodo_connector::fields::{self, Fields, Take};

use super::{Record, Told};

pub fn account(record: &mut Record<'_>, by: Option<&Value>) -> Option<Told> {
    let created = record.is_new("CreatedDate");
    let at = record.created().filter(|_| created);
    let mut account = Fields::from_iter([("id".to_owned(), record.id.clone().into())]);
    account.extend(record.fields.texts(&[
        ("Name", "name"),
        ("Type", "kind"),
        ("ParentId", "parent_id"),
        ("Industry", "industry"),
        ("Website", "website"),
        ("Phone", "phone"),
        ("Description", "description"),
    ]));
    account.leave("employees", record.fields.take("NumberOfEmployees", Value::as_u64));
    account.leave("revenue", record.money("AnnualRevenue"));
    let mut addresses = Vec::new();
    for (prefix, kind) in [("Billing", "billing"), ("Shipping", "shipping")] {
        if let Some(mut address) = record.address(prefix) {
            address.insert("kind".into(), kind.into());
            addresses.push(address);
        }
    }
    account.leave("addresses", addresses);
    account.leave("owner", record.owner());
    account.leave("created_at", record.fields.take("CreatedDate", fields::moment));
    account.leave("updated_at", record.fields.take("LastModifiedDate", fields::moment));
    let mut data = Fields::new();
    data.leave("account", account);
    data.leave("contact_change", record.change(by));
    let kind = if created { "crm.account.created" } else { "crm.account.updated" };
    Some(Told { kind, subject: record.subject("account"), time: at, data })
}
