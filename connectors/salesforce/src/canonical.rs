//! The part of a canonical body that Salesforce has a place for. What is not named here is not read.

use std::collections::BTreeMap;

use serde::Deserialize;
use snodo_connector::contact;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Body {
    pub customer: Customer,
    pub consent: Consent,
    pub complaint: Option<Complaint>,
    pub critical: Option<Critical>,
    pub callback: Option<Callback>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Customer {
    pub identifiers: Vec<Identifier>,
    pub traits: Traits,
}

#[derive(Debug, Deserialize)]
pub struct Identifier {
    pub namespace: String,
    pub value: String,
    #[serde(default)]
    pub primary: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Traits {
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub salutation: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub mobile: Option<String>,
    pub birth_date: Option<String>,
    pub gender: Option<String>,
    pub language: Option<String>,
    pub company: Option<String>,
    pub job_title: Option<String>,
    pub industry: Option<String>,
    pub website: Option<String>,
    pub note: Option<String>,
    pub addresses: Vec<Address>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Address {
    pub line1: Option<String>,
    pub line2: Option<String>,
    pub city: Option<String>,
    pub region: Option<String>,
    pub postal_code: Option<String>,
    pub country: Option<String>,
    pub country_code: Option<String>,
    pub primary: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Consent {
    pub purposes: BTreeMap<String, Purpose>,
}

#[derive(Debug, Deserialize)]
pub struct Purpose {
    pub state: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Complaint {
    pub id: Option<String>,
    pub subject: Option<String>,
    pub text: Option<String>,
    pub category: Option<String>,
    pub severity: Option<String>,
    pub demand: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Critical {
    pub id: Option<String>,
    pub rule: Option<String>,
    pub severity: Option<String>,
    pub reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Callback {
    pub id: Option<String>,
    pub phone: Option<String>,
    pub reason: Option<String>,
    pub scheduled_at: Option<String>,
}

impl Customer {
    /// The primary identifier of the namespace, else the first.
    pub fn identifier(&self, namespace: &str) -> Option<String> {
        let found = || self.identifiers.iter().filter(|one| one.namespace == namespace);
        let one = found().find(|one| one.primary).or_else(|| found().next());
        match (one, namespace) {
            (Some(one), "email") => contact::email(&one.value),
            (Some(one), _) => Some(one.value.clone()),
            (None, "email") => self.traits.email.as_deref().and_then(contact::email),
            (None, _) => None,
        }
    }
}
