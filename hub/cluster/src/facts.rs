//! What is known about customers: who an identifier belongs to, and what they have agreed to. Reads only.

use std::collections::HashMap;

use snodo_core::consent::{Change, Consents, State};
use snodo_core::identity::IdentifierKey;
use snodo_core::{CustomerId, Timestamp};
use snodo_store::{AsOf, Facts, StoreError};
use tokio_postgres::Row;

use crate::text::given;
use crate::{Reader, row};

const CONSENTS: &str = "SELECT customer, purpose, state, at FROM consent WHERE customer = ANY ($1)";

impl Reader {
    /// What is known of the owners of these identifiers, all at one moment.
    pub fn facts(&self, identifiers: &[IdentifierKey]) -> Result<Facts, StoreError> {
        let keys: Vec<&[u8]> = identifiers.iter().map(|key| &key.0[..]).collect();
        let (last, owners, consents) = self.snapshot(async |client| {
            let last = client.query_one("SELECT consent_change FROM ends", &[]).await?;
            if keys.is_empty() {
                return Ok((last, Vec::new(), Vec::new()));
            }
            let statement =
                client.prepare_cached("SELECT key, customer FROM identifier WHERE key = ANY ($1)").await?;
            let owners = client.query(&statement, &[&keys]).await?;
            let customers: Vec<&[u8]> = owners.iter().map(|row| row.get(1)).collect();
            let statement = client.prepare_cached(CONSENTS).await?;
            let consents = client.query(&statement, &[&customers]).await?;
            Ok((last, owners, consents))
        })?;
        let mut facts =
            Facts { as_of: AsOf(last.get(0)), consents: consents_of(&consents)?, ..Facts::default() };
        for row in &owners {
            let customer = CustomerId::from_bytes(row::sixteen(row.get(1))?);
            facts.customers.insert(IdentifierKey(row::sixteen(row.get(0))?), customer);
        }
        Ok(facts)
    }

    /// What each of these customers has said. One who has said nothing is absent.
    pub fn consents(&self, customers: &[CustomerId]) -> Result<HashMap<CustomerId, Consents>, StoreError> {
        let customers: Vec<&[u8]> = customers.iter().map(|customer| &customer.as_bytes()[..]).collect();
        let rows = self.with(async |client| {
            let statement = client.prepare_cached(CONSENTS).await?;
            client.query(&statement, &[&customers]).await
        })?;
        consents_of(&rows)
    }

    pub fn customer_of(&self, identifier: IdentifierKey) -> Result<Option<CustomerId>, StoreError> {
        Ok(self.facts(&[identifier])?.customers.get(&identifier).copied())
    }

    /// The identifiers of a customer: namespace, and since when the hub knows it. The values are in their events.
    pub fn identifiers_of(&self, customer: CustomerId) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let sql = "SELECT namespace, at FROM identifier WHERE customer = $1 ORDER BY at";
        let rows = self.with(async |client| client.query(sql, &[&&customer.as_bytes()[..]]).await)?;
        Ok(rows.iter().map(|row| (given(row.get(0)), Timestamp::from_millis(row.get(1)))).collect())
    }
}

fn consents_of(rows: &[Row]) -> Result<HashMap<CustomerId, Consents>, StoreError> {
    let mut found: HashMap<CustomerId, Consents> = HashMap::new();
    for row in rows {
        let change = Change {
            purpose: given(row.get(1)),
            state: State::parse(row.get(2)),
            at: Timestamp::from_millis(row.get(3)),
        };
        found.entry(CustomerId::from_bytes(row::sixteen(row.get(0))?)).or_default().apply(&change);
    }
    Ok(found)
}
