//! What is known about customers: who an identifier belongs to, and what they have agreed to.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension};
use snodo_core::consent::{Change, Consents, State};
use snodo_core::identity::IdentifierKey;
use snodo_core::{CustomerId, Timestamp};

use crate::{Reader, StoreError};

/// The moment at which facts were read. A decision that rests on them is refused if they changed since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AsOf(pub i64);

#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub customers: HashMap<IdentifierKey, CustomerId>,
    /// Of the customers above. One who has said nothing is absent.
    pub consents: HashMap<CustomerId, Consents>,
    pub as_of: AsOf,
}

impl Reader {
    /// What is known of the owners of these identifiers, all at one moment.
    pub fn facts(&self, identifiers: &[IdentifierKey]) -> Result<Facts, StoreError> {
        self.snapshot(|sqlite| {
            let mut owner = sqlite.prepare_cached("SELECT customer FROM identifier WHERE key = ?1")?;
            let mut customers = HashMap::with_capacity(identifiers.len());
            for key in identifiers {
                let found = owner.query_row([&key.0[..]], |row| row.get(0)).optional()?;
                if let Some(bytes) = found {
                    customers.insert(*key, CustomerId::from_bytes(bytes));
                }
            }
            let distinct: HashSet<CustomerId> = customers.values().copied().collect();
            let consents = read_consents(sqlite, distinct)?;
            let mut last = sqlite.prepare_cached("SELECT max(seq) FROM consent_change")?;
            let as_of = AsOf(last.query_row([], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0));
            Ok(Facts { customers, consents, as_of })
        })
    }

    /// What each of these customers has said. One who has said nothing is absent.
    pub fn consents(&self, customers: &[CustomerId]) -> Result<HashMap<CustomerId, Consents>, StoreError> {
        self.snapshot(|sqlite| Ok(read_consents(sqlite, customers.iter().copied())?))
    }

    pub fn customer_of(&self, identifier: IdentifierKey) -> Result<Option<CustomerId>, StoreError> {
        Ok(self.facts(&[identifier])?.customers.get(&identifier).copied())
    }

    /// The identifiers of a customer: namespace, and since when the hub knows it. The values are in their events.
    pub fn identifiers_of(&self, customer: CustomerId) -> Result<Vec<(String, Timestamp)>, StoreError> {
        self.snapshot(|sqlite| {
            let mut found = sqlite
                .prepare_cached("SELECT namespace, at FROM identifier WHERE customer = ?1 ORDER BY at")?;
            let rows = found.query_map([&customer.as_bytes()[..]], |row| {
                Ok((row.get(0)?, Timestamp::from_millis(row.get(1)?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn read_consents(
    sqlite: &Connection,
    customers: impl IntoIterator<Item = CustomerId>,
) -> rusqlite::Result<HashMap<CustomerId, Consents>> {
    let mut said = sqlite.prepare_cached("SELECT purpose, state, at FROM consent WHERE customer = ?1")?;
    let mut found = HashMap::new();
    for customer in customers {
        let mut rows = said.query([&customer.as_bytes()[..]])?;
        while let Some(row) = rows.next()? {
            let change = Change {
                purpose: row.get(0)?,
                state: State::parse(row.get_ref(1)?.as_str()?),
                at: Timestamp::from_millis(row.get(2)?),
            };
            found.entry(customer).or_insert_with(Consents::default).apply(&change);
        }
    }
    Ok(found)
}
