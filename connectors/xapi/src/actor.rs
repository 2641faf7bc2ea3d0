//! Who a statement is about: <https://github.com/adlnet/xAPI-Spec/blob/master/xAPI-Data.md#242-actor>.

use serde_json::{Value, json};
use snodo_connector::contact;
use snodo_connector::fields::{Fields, Take};

use crate::config::Config;

/// Takes the actor's name and identifier out. An actor has one identifier at most; a group without any is several people, so it
/// is nobody.
pub fn customer(actor: &mut Fields, config: &Config) -> Value {
    let is_group = actor.get("objectType").and_then(Value::as_str) == Some("Group");
    let kind = if is_group { "account" } else { "person" };
    let known = |namespace: &str, value: String| json!({"namespace": namespace, "value": value, "kind": kind, "authenticated": "asserted"});
    let email = actor.take("mbox", |mbox| {
        let address = mbox.as_str()?;
        contact::email(address.strip_prefix("mailto:").unwrap_or(address))
    });
    let mut identifiers: Vec<Value> = email.map(|email| known("email", email)).into_iter().collect();
    let hash = |value: &Value| {
        let hash = value.as_str()?.trim().to_ascii_lowercase();
        (hash.len() == 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(hash)
    };
    identifiers.extend(actor.take("mbox_sha1sum", hash).map(|hash| known("mbox_sha1sum", hash)));
    identifiers.extend(actor.text("openid").map(|openid| known("openid", openid)));
    if let Some(mut account) = actor.object("account") {
        identifiers.extend(account_of(&mut account, config).map(|(namespace, id)| known(&namespace, id)));
        actor.leave("account", account);
    }
    let mut customer = Fields::new();
    if identifiers.is_empty() {
        customer.insert("anonymous".into(), true.into());
    }
    customer.leave("identifiers", identifiers);
    if !is_group {
        customer.leave("traits", actor.texts(&[("name", "name")]));
    }
    if actor.get("objectType").and_then(Value::as_str) == Some("Agent") {
        actor.shift_remove("objectType");
    }
    Value::Object(customer)
}

/// A name is unique on its home page only. No IRI holds a bar, so it parts the two.
fn account_of(account: &mut Fields, config: &Config) -> Option<(String, String)> {
    let page = account.get("homePage")?.as_str().filter(|page| !page.is_empty())?.to_owned();
    let name = account.text("name")?;
    account.shift_remove("homePage");
    Some(match config.account_namespaces.get(&page) {
        Some(namespace) => (namespace.clone(), name),
        None => ("xapi:account".to_owned(), format!("{page}|{name}")),
    })
}
