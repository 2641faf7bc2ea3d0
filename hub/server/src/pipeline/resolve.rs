//! valid → accepted: who the event is about, and what they have said about consent. What the store knows is looked up once for
//! the whole batch; what the batch itself adds is known to its later events.

use snodo_core::Timestamp;
use snodo_core::consent::{self, Change, Consents};
use snodo_core::identity::{self, Identifier, IdentifierKey, Resolution};
use snodo_store::home::Reading;
use snodo_store::{AsOf, Facts, StoreError};

use super::decode::Decoded;
use super::validate::Checked;

/// An event with its customer.
pub struct Accepted<'a> {
    pub checked: Checked<'a>,
    pub resolution: Resolution,
    pub changes: Vec<Change>,
    /// Everything the customer has said, this event included.
    pub consents: Consents,
}

/// A batch with its customers, and the moment at which the store was asked about them.
pub struct Resolved<'a> {
    pub batch: Vec<Decoded<Accepted<'a>>>,
    pub as_of: AsOf,
}

pub fn resolve<'a>(
    store: &dyn Reading,
    decoded: Vec<Decoded<Checked<'a>>>,
) -> Result<Resolved<'a>, StoreError> {
    let named: Vec<Vec<Vec<Identifier>>> =
        decoded.iter().map(|one| one.events.iter().flatten().map(named_in).collect()).collect();
    let mut keys: Vec<IdentifierKey> = named.iter().flatten().flatten().map(|one| one.key).collect();
    keys.sort();
    keys.dedup();
    let Facts { mut customers, mut consents, as_of } = store.facts(&keys)?;

    let mut accept = |checked: Checked<'a>, identifiers: &[Identifier]| {
        let event = &checked.candidate.event;
        let occurred = Timestamp::parse(&event.time).unwrap_or_default();
        let resolution = identity::resolve(identifiers, &customers, event.id, occurred);
        let changes = match checked.violations.is_empty() {
            true => consent::changes(&checked.data, occurred),
            false => Vec::new(),
        };
        let mut said = Consents::default();
        if let Some(customer) = resolution.customer {
            customers.extend(resolution.attach.iter().map(|one| (one.key, customer)));
            let all = consents.entry(customer).or_default();
            changes.iter().for_each(|change| all.apply(change));
            said = all.clone();
        }
        Accepted { checked, resolution, changes, consents: said }
    };
    let batch = decoded
        .into_iter()
        .zip(named)
        .map(|(one, named)| Decoded {
            message: one.message,
            events: one.events.map(|events| {
                events.into_iter().zip(&named).map(|(event, ids)| accept(event, ids)).collect()
            }),
        })
        .collect();
    Ok(Resolved { batch, as_of })
}

/// An event that is not valid is not believed about who it is about either.
fn named_in(checked: &Checked<'_>) -> Vec<Identifier> {
    match checked.violations.is_empty() {
        true => identity::identifiers(&checked.data),
        false => Vec::new(),
    }
}
