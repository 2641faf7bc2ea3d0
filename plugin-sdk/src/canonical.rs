//! What many events say alike, as types: their customer and the customer's consent. What is not named here is not read.
//!
//! ```
//! use serde::Deserialize;
//! use serde_json::json;
//! use snodo_connector::canonical::{Consent, Customer};
//!
//! #[derive(Deserialize)]
//! #[serde(default)]
//! # #[derive(Default)]
//! struct Body {
//!     customer: Customer,
//!     consent: Consent,
//! }
//!
//! let body = json!({
//!     "customer": {
//!         "identifiers": [
//!             {"namespace": "email", "value": "old@example.com", "primary": true, "valid_to": "2025-01-01T00:00:00Z"},
//!             {"namespace": "email", "value": "Anna@Example.com"},
//!         ],
//!         "traits": {"given_name": "Anna", "phone": "+39 02 1234567"},
//!     },
//!     "consent": {"purposes": {"marketing": {"state": "granted"}}},
//! });
//! let Body { customer, consent } = Body::deserialize(body).unwrap();
//! assert_eq!(customer.current("email").collect::<Vec<_>>(), ["Anna@Example.com"]);
//! assert_eq!(customer.identifier("email"), Some("old@example.com"));
//! assert_eq!(customer.phone().as_deref(), Some("+39021234567"));
//! assert_eq!(consent.about("marketing.email").map(|purpose| purpose.state.as_str()), Some("granted"));
//! ```

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

use crate::money::Money;
use crate::{Fault, contact};

/// A part of an event's body that may be absent; `at` is its JSON Pointer.
pub fn part<T: DeserializeOwned + Default>(part: Option<&Value>, at: &str) -> Result<T, Fault> {
    let part: Option<T> = Deserialize::deserialize(part.unwrap_or(&Value::Null)).map_err(|error| {
        Fault::permanent_at(at, format!("failed to read the {}: {error}", at.trim_start_matches('/')))
    })?;
    Ok(part.unwrap_or_default())
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Customer {
    pub identifiers: Vec<Identifier>,
    pub traits: Traits,
}

#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Identifier {
    pub namespace: String,
    pub value: String,
    #[serde(default)]
    pub primary: bool,
    /// Until when it was the customer's.
    pub valid_to: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Traits {
    pub name: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub salutation: Option<String>,
    pub nickname: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub mobile: Option<String>,
    pub website: Option<String>,
    pub avatar_url: Option<String>,
    pub birth_date: Option<String>,
    pub gender: Option<String>,
    pub language: Option<String>,
    pub locale: Option<String>,
    pub timezone: Option<String>,
    pub company: Option<String>,
    pub job_title: Option<String>,
    pub industry: Option<String>,
    pub note: Option<String>,
    pub tags: Vec<String>,
    pub addresses: Vec<Address>,
    #[serde(deserialize_with = "whole")]
    pub orders_count: Option<i64>,
    pub total_spent: Option<Money>,
    pub lifecycle_stage: Option<String>,
    /// The company's own, by its own names.
    pub custom: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
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

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Consent {
    pub purposes: BTreeMap<String, Purpose>,
}

#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Purpose {
    /// `granted`, `denied`, `withdrawn`, `pending` or `unknown`.
    pub state: String,
    /// When it was decided.
    pub at: Option<String>,
}

impl Customer {
    /// The identifier of the namespace: the primary one, else the first.
    pub fn identifier(&self, namespace: &str) -> Option<&str> {
        let found = || self.identifiers.iter().filter(|one| one.namespace == namespace);
        found().find(|one| one.primary).or_else(|| found().next()).map(|one| one.value.as_str())
    }

    /// All of the namespace that are still the customer's, the primary ones first.
    pub fn current<'a>(&'a self, namespace: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let of = |one: &&Identifier| one.namespace == namespace && one.valid_to.is_none();
        let mut found: Vec<&Identifier> = self.identifiers.iter().filter(of).collect();
        found.sort_by_key(|one| !one.primary);
        found.into_iter().map(|one| one.value.as_str())
    }

    /// The e-mail address in lower case: the identifier, else the trait. `None` also for what is no address.
    pub fn email(&self) -> Option<String> {
        contact::email(self.identifier("email").or(self.traits.email.as_deref())?)
    }

    /// The first number with its country's code: of the identifiers that are still the customer's, else of the traits, the mobile one
    /// first.
    pub fn phone(&self) -> Option<String> {
        let traits =
            [&self.traits.mobile, &self.traits.phone].into_iter().filter_map(|number| number.as_deref());
        self.current("phone").chain(traits).find_map(contact::phone)
    }
}

impl Traits {
    /// The primary one, else the first.
    pub fn address(&self) -> Option<&Address> {
        self.addresses.iter().find(|one| one.primary).or_else(|| self.addresses.first())
    }
}

impl Consent {
    /// About the purpose, or the nearest wider one: `marketing` speaks for `marketing.email`.
    pub fn about(&self, purpose: &str) -> Option<&Purpose> {
        let mut purpose = purpose;
        loop {
            if let Some(said) = self.purposes.get(purpose) {
                return Some(said);
            }
            purpose = purpose.rsplit_once('.')?.0;
        }
    }
}

/// JSON has one kind of number: 3.0 is whole, too.
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let number = Option::<Number>::deserialize(deserializer)?;
    Ok(number.and_then(|number| {
        let float = || number.as_f64().filter(|float| float.fract() == 0.0).map(|float| float as i64);
        number.as_i64().or_else(float)
    }))
}
