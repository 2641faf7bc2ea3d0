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
    /// Takes the id of the customer's record out of `customer`.
    pub fn of(from: &mut Fields) -> Self {
        let mut person = Self::default();
        if let Some(id) = super::take_id(from, "customer") {
            person.record(&id);
        }
        person
    }

    /// Stripe's ids of customers are one's own everywhere.
    pub fn record(&mut self, id: &str) {
        self.identify("stripe:customer", id, None);
    }

    /// A refund or a dispute names what was paid and no person: so it is told with the payment, and finds who paid.
    pub fn order(&mut self, id: &str) {
        self.identify("stripe:order", id, None);
    }

    pub fn email(&mut self, text: Option<String>) {
        let Some(text) = text else { return };
        if let Some(email) = contact::email(&text).filter(|_| !self.traits.contains_key("email")) {
            self.identify("email", &email, Some("asserted"));
            self.traits.insert("email".into(), email.into());
        }
    }

    pub fn phone(&mut self, text: Option<String>) {
        let Some(text) = text.filter(|_| !self.traits.contains_key("phone")) else { return };
        // Without its country's code nobody can tell whose it is, so it is a trait only.
        let number = contact::phone(&text);
        if let Some(number) = &number {
            self.identify("phone", number, Some("asserted"));
        }
        self.traits.insert("phone".into(), number.unwrap_or(text).into());
    }

    pub fn name(&mut self, text: Option<String>) {
        self.traits.leave("name", text);
    }

    pub fn is_unknown(&self) -> bool {
        self.identifiers.is_empty()
    }

    pub fn identify(&mut self, namespace: &str, value: &str, authenticated: Option<&str>) {
        let mut identifier = json!({"namespace": namespace, "value": value});
        if let Some(authenticated) = authenticated {
            identifier["authenticated"] = authenticated.into();
        }
        self.identifiers.push(identifier);
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
