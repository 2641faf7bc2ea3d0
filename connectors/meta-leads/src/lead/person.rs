//! Answers that say who somebody is. Names of questions as Meta gives them to its own (prefilled) questions.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};
use snodo_connector::{contact, locale, time};

use crate::config::{Config, DateOrder};

/// What stands in the leads of Meta's testing tool, in the place of an answer.
const DUMMY: &str = "<test lead: dummy data for";

/// What a question asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Email,
    WorkEmail,
    Phone,
    /// Often a switchboard's: it tells nobody apart, and stays an answer.
    WorkPhone,
    BirthDate,
    /// A trait that is taken as it was written.
    Text(&'static str),
    /// A part of the address.
    Place(&'static str),
    Country,
}

impl Asked {
    /// By the trait's name, as a channel's `questions` have it.
    pub fn by_trait(name: &str) -> Option<Self> {
        Some(match name {
            "email" => Self::Email,
            "work_email" => Self::WorkEmail,
            "phone" => Self::Phone,
            "work_phone" => Self::WorkPhone,
            "birth_date" => Self::BirthDate,
            "name" => Self::Text("name"),
            "given_name" => Self::Text("given_name"),
            "family_name" => Self::Text("family_name"),
            "gender" => Self::Text("gender"),
            "company" => Self::Text("company"),
            "job_title" => Self::Text("job_title"),
            "street" => Self::Place("line1"),
            "city" => Self::Place("city"),
            "region" => Self::Place("region"),
            "postal_code" => Self::Place("postal_code"),
            "country" => Self::Country,
            _ => return None,
        })
    }

    /// By the question's name in lower case. A form made by the API may call it as its type is called: `phone`, `dob`, `zip`.
    pub fn by_question(name: &str) -> Option<Self> {
        Self::by_trait(match name {
            "full_name" => "name",
            "first_name" => "given_name",
            "last_name" => "family_name",
            "phone_number" => "phone",
            "work_phone_number" => "work_phone",
            "date_of_birth" | "dob" => "birth_date",
            "company_name" => "company",
            "street_address" => "street",
            "state" | "province" => "region",
            "zip_code" | "zip" | "post_code" => "postal_code",
            "email" | "work_email" | "phone" | "gender" | "job_title" | "city" | "country" => name,
            _ => return None,
        })
    }
}

/// Who has sent it, and the answers that say something else.
pub fn read(config: &Config, lead: &str, rest: &mut Fields) -> (Fields, Vec<Value>) {
    let mut person = Person::default();
    person.identify("meta:lead", lead);
    let mut answers = Vec::new();
    let mut strange = Vec::new();
    for one in rest.list("field_data").unwrap_or_default() {
        let name = one.get("name").and_then(fields::text);
        let values = one["values"].as_array().map(|values| values.iter().map(fields::text).collect());
        // `None` for what is no text.
        let (Some(name), Some(Some(values))) = (name, values) else {
            strange.push(one);
            continue;
        };
        let values: Vec<String> = values;
        let taken = match (config.asked(&name), values.as_slice()) {
            (Some(asked), [value]) if !value.starts_with(DUMMY) => person.learn(config, asked, value),
            _ => false,
        };
        if values.is_empty() {
            answers.push(json!({"name": name}));
        } else if !taken {
            answers.extend(values.into_iter().map(|value| json!({"name": name, "value": value})));
        }
    }
    rest.leave("field_data", strange);
    (person.told(), answers)
}

#[derive(Default)]
struct Person {
    identifiers: Vec<Value>,
    traits: Fields,
    address: Fields,
    /// What counts where no other is given.
    work: Fields,
}

impl Person {
    fn identify(&mut self, namespace: &str, value: &str) {
        let found =
            json!({"namespace": namespace, "value": value, "kind": "person", "authenticated": "asserted"});
        if !self.identifiers.contains(&found) {
            self.identifiers.push(found);
        }
    }

    /// Whether the answer has found its place.
    fn learn(&mut self, config: &Config, asked: Asked, value: &str) -> bool {
        let value = value.trim();
        match asked {
            Asked::Email | Asked::WorkEmail => {
                let Some(email) = contact::email(value) else { return false };
                self.identify("email", &email);
                let of = if asked == Asked::Email { &mut self.traits } else { &mut self.work };
                put(of, "email", &email);
                true
            }
            Asked::Phone => {
                let Some(number) = contact::phone(value) else { return false };
                self.identify("phone", &number);
                put(&mut self.traits, "phone", &number);
                true
            }
            Asked::WorkPhone => {
                if let Some(number) = contact::phone(value) {
                    put(&mut self.work, "phone", &number);
                }
                false
            }
            Asked::BirthDate => {
                day(config, value).is_some_and(|day| put(&mut self.traits, "birth_date", &day))
            }
            Asked::Text(name) => put(&mut self.traits, name, value),
            Asked::Place(name) => put(&mut self.address, name, value),
            Asked::Country => match locale::country(value) {
                Some(code) => put(&mut self.address, "country_code", &code),
                None => put(&mut self.address, "country", value),
            },
        }
    }

    fn told(mut self) -> Fields {
        for (name, value) in self.work {
            self.traits.entry(name).or_insert(value);
        }
        self.traits.leave("addresses", Value::from_iter((!self.address.is_empty()).then_some(self.address)));
        let mut customer = Fields::new();
        customer.leave("identifiers", self.identifiers);
        customer.leave("traits", self.traits);
        customer
    }
}

/// What was said first stays.
fn put(of: &mut Fields, name: &str, value: &str) -> bool {
    let new = !of.contains_key(name);
    if new {
        of.insert(name.to_owned(), value.into());
    }
    new
}

/// `1990-03-05`, and with strokes if the channel says what stands first.
fn day(config: &Config, value: &str) -> Option<String> {
    let written = || {
        let mut parts = value.split('/');
        let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
        let (month, day) = match config.date_order? {
            DateOrder::DayMonthYear => (second, first),
            DateOrder::MonthDayYear => (first, second),
        };
        parts.next().is_none().then(|| format!("{year}-{month:0>2}-{day:0>2}"))
    };
    time::day(value).or_else(|| time::day(&written()?))
}
