//! Custom attributes of customers and orders: <https://developer.squareup.com/docs/customer-custom-attributes-api/overview>. Whose it
//! is stands at the end of the webhook's `data.id`: `key:CUSTOMER:id`.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use super::person::Person;
use super::{Story, Told, touched};

pub fn told(story: &mut Story) -> Option<Told> {
    let whole = story.id.clone()?;
    let (rest, owner) = whole.rsplit_once(':')?;
    let (_, class) = rest.rsplit_once(':')?;
    let deleted = story.kind.ends_with(".deleted");
    let time = if deleted { story.at.clone() } else { touched(&story.object) };
    let key = story.object.get("key").and_then(fields::text)?;
    let scalar = |value: &Value| match value {
        // What was selected of a list.
        Value::Array(chosen) => {
            let chosen: Option<Vec<String>> = chosen.iter().map(fields::text).collect();
            chosen.filter(|chosen| !chosen.is_empty()).map(|chosen| Value::from(chosen.join(", ")))
        }
        value => (value.is_boolean() || fields::text(value).is_some()).then(|| value.clone()),
    };
    let value = story.object.take("value", scalar);
    if value.is_some() {
        story.object.shift_remove("key");
    }
    let mut data = Fields::new();
    match class {
        "CUSTOMER" => {
            let mut person = Person::default();
            person.profile(owner);
            if let Some(value) = value {
                let side = if deleted { "old" } else { "new" };
                data.insert("contact_change".into(), json!({"fields": [{"name": key, side: value}]}));
            }
            data.leave("customer", Value::from(person));
            Some(Told::new("crm.contact.updated", format!("customer/{owner}"), data)?.at(time))
        }
        "ORDER" => {
            let mut person = Person::default();
            person.sale("square:order", Some(owner));
            data.leave("customer", Value::from(person));
            let mut order = Fields::new();
            order.insert("id".into(), owner.into());
            match value {
                Some(value) if !deleted => {
                    order.insert("attributes".into(), json!([{"name": key, "value": value}]));
                }
                // What is gone is none of the order's attributes any more.
                Some(value) => {
                    story.object.insert("key".into(), key.into());
                    story.object.insert("value".into(), value);
                }
                None => {}
            }
            data.insert("order".into(), order.into());
            Some(Told::new("commerce.order.edited", format!("order/{owner}"), data)?.at(time))
        }
        _ => None,
    }
}
