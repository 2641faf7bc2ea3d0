//! Who an event is about. Version 1: identifiers that are exactly the same are the same customer; identifiers of different
//! customers are never a reason to merge them. Pure: what is known comes in, what follows goes out.

use std::collections::HashMap;

use crate::{Body, CustomerId, EventId, Timestamp};

/// An event about more identifiers than this is a list of people, not a contact with one.
const IDENTIFIERS_MAX: usize = 32;

/// Names of things that several people share, or of people who are not customers: no evidence of who the customer is.
const SHARED: [&str; 2] = ["household", "employee"];

/// What stands for an identifier in the store: the digest of its namespace and normalised value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentifierKey(pub [u8; 16]);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    pub namespace: String,
    pub key: IdentifierKey,
}

impl Identifier {
    /// `None` for a value that is nothing once normalised.
    pub fn new(namespace: &str, value: &str) -> Option<Self> {
        let value = normalise(namespace, value);
        if value.is_empty() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(namespace.as_bytes()).update(&[0]).update(value.as_bytes());
        let key = hasher.finalize().as_bytes()[..16].try_into().expect("a digest has 32 bytes");
        Some(Self { namespace: namespace.to_owned(), key: IdentifierKey(key) })
    }
}

/// Two spellings of one address or number are one identifier.
fn normalise(namespace: &str, value: &str) -> String {
    let value = value.trim();
    match namespace {
        "email" => value.to_lowercase(),
        "phone" => value.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect(),
        _ => value.to_owned(),
    }
}

/// The identifiers of the customer in a canonical body, strongest first.
pub fn identifiers(data: &Body<'_>) -> Vec<Identifier> {
    let Some(stated) = data.pointer("/customer/identifiers") else { return Vec::new() };
    let mut found: Vec<Identifier> = stated
        .items()
        .iter()
        .filter_map(|one| Some((one.get("namespace")?.text()?, one.get("value")?.text()?)))
        .filter(|(namespace, _)| !SHARED.contains(namespace))
        .filter_map(|(namespace, value)| Identifier::new(namespace, value))
        .take(IDENTIFIERS_MAX)
        .collect();
    found.sort_by_key(|one| weakness(&one.namespace));
    found.dedup_by_key(|one| one.key);
    found
}

/// An account somebody signed in to says more than a browser somebody sat at.
fn weakness(namespace: &str) -> u8 {
    match namespace {
        "account" | "loyalty" => 0,
        _ if namespace.contains(':') => 1,
        "email" => 2,
        "phone" => 3,
        "device" => 4,
        _ => 5,
    }
}

/// The customer of an event, and what the event adds to what is known of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolution {
    /// `None` if the event names nobody.
    pub customer: Option<CustomerId>,
    /// Identifiers seen for the first time: from now on they are this customer's.
    pub attach: Vec<Identifier>,
    /// Customers that other identifiers of the event belong to: evidence that they may be one person.
    pub others: Vec<CustomerId>,
}

/// The customer that the strongest known identifier belongs to, or a new one.
pub fn resolve(
    identifiers: &[Identifier],
    known: &HashMap<IdentifierKey, CustomerId>,
    event: EventId,
    at: Timestamp,
) -> Resolution {
    if identifiers.is_empty() {
        return Resolution::default();
    }
    let owner = |one: &Identifier| known.get(&one.key).copied();
    let customer = identifiers.iter().find_map(owner).unwrap_or_else(|| CustomerId::first_seen_in(event, at));
    let mut others: Vec<CustomerId> =
        identifiers.iter().filter_map(owner).filter(|one| *one != customer).collect();
    others.sort();
    others.dedup();
    let attach = identifiers.iter().filter(|one| owner(one).is_none()).cloned().collect();
    Resolution { customer: Some(customer), attach, others }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(n: i64) -> EventId {
        EventId::of_key("s", &n.to_string(), Timestamp::from_millis(n))
    }

    fn of(pairs: &[(&str, &str)]) -> Vec<Identifier> {
        let list: Vec<serde_json::Value> =
            pairs.iter().map(|(n, v)| json!({"namespace": n, "value": v})).collect();
        identifiers(&Body::from(&json!({"customer": {"identifiers": list}})))
    }

    #[test]
    fn spellings_of_one_identifier_are_one_customer() {
        for (one, same) in [
            (("email", "Anna@Example.com "), ("email", "anna@example.com")),
            (("phone", "+39 02 1234"), ("phone", "+39021234")),
        ] {
            assert_eq!(of(&[one]), of(&[same]));
        }
        assert_ne!(of(&[("email", "a@x.it")]), of(&[("account", "a@x.it")]));
    }

    #[test]
    fn who_is_known_keeps_their_id_and_gains_identifiers() {
        let at = Timestamp::from_millis(1);
        let mut known = HashMap::new();
        let first = resolve(&of(&[("email", "a@x.it")]), &known, event(1), at);
        known.insert(first.attach[0].key, first.customer.unwrap());

        let second = resolve(&of(&[("email", "a@x.it"), ("shopify:customer", "s/1")]), &known, event(2), at);
        assert_eq!(second.customer, first.customer);
        assert_eq!(second.attach, of(&[("shopify:customer", "s/1")]));

        let nobody = resolve(&of(&[("household", "h1")]), &known, event(3), at);
        assert_eq!(nobody, Resolution::default());
    }

    #[test]
    fn two_known_customers_are_not_merged() {
        let at = Timestamp::from_millis(1);
        let (mail, card) = (of(&[("email", "a@x.it")]), of(&[("loyalty", "77")]));
        let (a, b) = (CustomerId::first_seen_in(event(1), at), CustomerId::first_seen_in(event(2), at));
        let known = HashMap::from([(mail[0].key, a), (card[0].key, b)]);
        let both = resolve(&of(&[("email", "a@x.it"), ("loyalty", "77")]), &known, event(3), at);
        assert_eq!(both, Resolution { customer: Some(b), attach: vec![], others: vec![a] });
    }
}
