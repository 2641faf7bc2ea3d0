//! Records as canonical events. A query says how a record is, not what was done to it: what it means is judged by its times.

mod account;
mod activity;
mod person;
mod sale;

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{Draft, time};

use crate::config::Config;

/// An event without what all of them have.
struct Told {
    kind: &'static str,
    subject: String,
    time: Option<String>,
    data: Fields,
}

/// A record, and what is known of it.
struct Record<'a> {
    config: &'a Config,
    object: &'a str,
    id: String,
    fields: Fields,
    /// Its object was known up to then; `None` at the first walk.
    known: Option<i64>,
}

pub fn draft(config: &Config, object: &str, known: Option<i64>, record: &Value) -> Draft {
    let text = |name: &str| record[name].as_str().map(str::to_owned);
    let (id, changed) = (text("Id"), text("SystemModstamp").and_then(|stamp| time::rfc3339(&stamp)));
    let told = id.clone().zip(record.as_object().cloned()).and_then(|(id, mut fields)| {
        changed.as_ref()?;
        fields.shift_remove("attributes");
        fields.shift_remove("Id");
        let mut record = Record { config, object, id, fields, known };
        let by = record.fields.text("LastModifiedById").map(|id| json!({"id": id}));
        let mut told = record.tell(by.as_ref())?;
        let mut touchpoint = Fields::from_iter([("channel".to_owned(), "crm".into())]);
        touchpoint.leave("operator", by);
        told.data.leave("touchpoint", touchpoint);
        record.fields.shift_remove("SystemModstamp");
        record.fields.shift_remove("IsDeleted");
        told.data.leave("vendor", record.fields);
        Some(told)
    });
    let key = id.as_ref().zip(changed.as_deref().and_then(time::epoch_millis));
    let key = key.map(|(id, stamp)| format!("{object}/{id}/{stamp}"));
    let mut draft = match told {
        Some(Told { kind, subject, time, data }) => {
            Draft { time: time.or(changed), ..Draft::new(kind, &data).with_subject(subject) }
        }
        None => {
            let subject = id.map(|id| format!("{}/{id}", object.to_lowercase()));
            Draft { time: changed, subject, ..Draft::unknown(Some(object), record) }
        }
    };
    draft.key = key;
    draft
}

impl Record<'_> {
    fn tell(&mut self, by: Option<&Value>) -> Option<Told> {
        let deleted = self.is("IsDeleted");
        match self.object {
            "Contact" => person::contact(self, by),
            "Lead" => person::lead(self, by),
            _ if deleted => None,
            "Account" => account::account(self, by),
            "Opportunity" => sale::opportunity(self),
            "Case" => activity::case(self),
            "Task" => activity::task(self, by),
            _ => None,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.fields.get(name) == Some(&Value::Bool(true))
    }

    /// Whether that happened since the object was last known. At the first walk everything is news.
    fn is_new(&self, name: &str) -> bool {
        let at = self.fields.get(name).and_then(Value::as_str).and_then(time::epoch_millis);
        at.is_some_and(|at| self.known.is_none_or(|known| at > known))
    }

    fn created(&self) -> Option<String> {
        self.fields.get("CreatedDate").and_then(fields::moment)
    }

    fn subject(&self, word: &str) -> String {
        format!("{word}/{}", self.id)
    }

    fn person(&self, namespace: &str, id: &str) -> Value {
        json!({"namespace": namespace, "value": self.config.own(id), "kind": "person"})
    }

    /// What was done to the record, of which only the last hand is known.
    fn change(&self, by: Option<&Value>) -> Fields {
        let mut change = Fields::from_iter([("record_id".to_owned(), self.id.clone().into())]);
        change.leave("by", by.cloned());
        change
    }

    /// The company that it belongs to: `AccountId`, and `Account.Name` as a record within.
    fn account(&mut self) -> Option<Value> {
        let id = self.fields.text("AccountId")?;
        let mut account = Fields::from_iter([("id".to_owned(), id.into())]);
        if let Some(mut within) = self.fields.object("Account") {
            within.shift_remove("attributes");
            account.extend(within.texts(&[("Name", "name")]));
            self.fields.leave("Account", within);
        }
        Some(account.into())
    }

    fn owner(&mut self) -> Option<Value> {
        Some(json!({"id": self.fields.text("OwnerId")?}))
    }

    /// An amount with its currency, or the org's. Without either it is none, and stays.
    fn money(&mut self, name: &str) -> Option<Value> {
        let own = self.fields.get("CurrencyIsoCode").and_then(fields::text);
        let code = own.as_deref().or(self.config.currency.as_deref())?;
        let read = |value: &Value| snodo_connector::money::Money::new(&fields::decimal(value)?, code);
        let money = self.fields.take(name, read)?;
        self.fields.shift_remove("CurrencyIsoCode");
        Some(json!(money))
    }

    /// `{prefix}Street` and what goes with it.
    fn address(&mut self, prefix: &str) -> Option<Fields> {
        let mut address = Fields::new();
        for (name, ours) in
            [("Street", "line1"), ("City", "city"), ("State", "region"), ("PostalCode", "postal_code")]
        {
            address.leave(ours, self.fields.text(&format!("{prefix}{name}")));
        }
        let country = format!("{prefix}Country");
        let code = |value: &Value| snodo_connector::locale::country(value.as_str()?);
        address.leave("country_code", self.fields.take(&country, code));
        address.leave("country", self.fields.text(&country));
        (!address.is_empty()).then_some(address)
    }
}
