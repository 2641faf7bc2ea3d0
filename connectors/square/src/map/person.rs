//! Who an event is about.

use serde_json::{Value, json};
use snodo_connector::contact;
use snodo_connector::fields::{Fields, Take};

#[derive(Default)]
pub struct Person {
    identifiers: Vec<Value>,
    pub traits: Fields,
}

impl Person {
    /// Takes the id of the customer's profile out of `customer_id`.
    pub fn of(from: &mut Fields) -> Self {
        let mut person = Self::default();
        if let Some(id) = from.text("customer_id") {
            person.profile(&id);
        }
        person
    }

    pub fn profile(&mut self, id: &str) {
        self.identify(json!({"namespace": "square:customer", "value": id}));
    }

    /// Refunds, fulfilments and disputes name no person but an order or a payment: so those are told with the sale.
    pub fn sale(&mut self, namespace: &str, id: Option<&str>) {
        if let Some(id) = id {
            self.identify(json!({"namespace": namespace, "value": id}));
        }
    }

    pub fn email(&mut self, text: Option<String>) {
        let Some(email) = text.and_then(|text| contact::email(&text)) else { return };
        self.identify(json!({"namespace": "email", "value": email, "authenticated": "asserted"}));
        self.traits.insert("email".into(), email.into());
    }

    pub fn phone(&mut self, text: Option<String>) {
        let Some(text) = text else { return };
        // Without its country's code nobody can tell whose it is, so it is a trait only.
        let number = contact::phone(&text);
        if let Some(number) = &number {
            self.identify(json!({"namespace": "phone", "value": number, "authenticated": "asserted"}));
        }
        self.traits.insert("phone".into(), number.unwrap_or(text).into());
    }

    pub fn identify(&mut self, identifier: Value) {
        self.identifiers.push(identifier);
    }

    pub fn is_unknown(&self) -> bool {
        self.identifiers.is_empty()
    }
}

impl From<Person> for Value {
    fn from(person: Person) -> Self {
        let mut customer = Fields::new();
        customer.leave("identifiers", person.identifiers);
        customer.leave("traits", person.traits);
        Self::Object(customer)
    }
}
