//! The part of a canonical body that Salesforce has a place for. What is not named here is not read.

use serde::Deserialize;
use snodo_connector::canonical::{Consent, Customer};

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
