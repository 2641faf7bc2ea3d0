//! A row as events: one with what the provider says about the customer, and one for each audience they are in or out of.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use snodo_connector::fields::{Fields, Take};
use snodo_connector::{Draft, binary, contact, money};

use crate::config::Config;
use crate::table::Row;

pub fn drafts(row: &Row, header: &[String], config: &Config) -> Vec<Draft> {
    let key = key(row, header, config);
    if let Some(why) = row.fault {
        return vec![unread(row, why)];
    }
    let mut cells: Fields =
        header.iter().zip(&row.cells).map(|(name, cell)| (name.clone(), Value::from(cell.trim()))).collect();
    let Some((customer, matched)) = customer(&mut cells, config) else {
        return vec![unread(row, "the row names nobody by the identifiers' columns")];
    };
    let at = config.time_column.as_ref().and_then(|column| cells.moment(column));
    let confidence = config.confidence_column.as_ref().and_then(|column| cells.take(column, share));
    if let Some(column) = &config.key_column {
        cells.shift_remove(column);
    }
    let attributes = attributes(&mut cells, config);
    let audiences = audiences(&mut cells, config);
    if attributes.is_empty() && audiences.is_empty() {
        return vec![unread(row, "the row has neither an attribute nor an audience")];
    }
    let obtained_at = at.clone().or_else(|| config.obtained_at.clone());
    cells.leave("legal_basis", config.legal_basis.as_str());
    let around = |mut data: Fields| {
        data.insert("customer".into(), customer.clone());
        data.insert("touchpoint".into(), json!({"channel": "third_party"}));
        data.leave("vendor", cells.clone());
        data
    };
    let mut drafts = Vec::with_capacity(1 + audiences.len());
    if !attributes.is_empty() {
        let mut appended = Map::new();
        appended.leave("provider", config.provider.as_str());
        appended.leave("dataset", config.dataset.as_deref());
        appended.leave("licence", config.licence.as_str());
        appended.leave("purpose", config.purpose.as_deref());
        appended.leave("obtained_at", obtained_at.as_deref());
        appended.leave("expires_at", config.valid_until.as_deref());
        appended.leave("matched_on", matched.as_slice());
        appended.leave("match_confidence", confidence);
        appended.leave("attributes", attributes);
        let data = around(Map::from_iter([("appended".to_owned(), appended.into())]));
        drafts.push(Draft::new("thirdparty.attribute.appended", &data).with_key(format!("{key}/attributes")));
    }
    for (name, action) in audiences {
        let mut audience = Map::new();
        audience.leave("name", name.as_str());
        audience.leave("action", action);
        audience.leave("provider", config.provider.as_str());
        audience.leave("licence", config.licence.as_str());
        audience.leave("refreshed_at", obtained_at.as_deref());
        audience.leave("expires_at", config.valid_until.as_deref());
        audience.leave("match_keys", matched.as_slice());
        let data = around(Map::from_iter([("audience".to_owned(), audience.into())]));
        let draft = Draft::new("thirdparty.audience.received", &data);
        drafts
            .push(draft.with_key(format!("{key}/audience/{name}")).with_subject(format!("audience/{name}")));
    }
    for draft in &mut drafts {
        draft.time.clone_from(&at);
    }
    drafts
}

/// Kept whole, with its place: nobody has to count lines to find it.
fn unread(row: &Row, why: &str) -> Draft {
    Draft::unknown(Some("row"), &json!({"place": row.place, "why": why, "fields": row.cells}))
}

/// The provider's number of the row, with the time it is as of. Else the row itself: told again it says nothing new.
fn key(row: &Row, header: &[String], config: &Config) -> String {
    let cell = |column: &String| {
        let at = header.iter().position(|name| name == column)?;
        row.cells.get(at).map(|cell| cell.trim()).filter(|cell| !cell.is_empty())
    };
    let dataset = config.dataset.as_deref().unwrap_or(&config.provider);
    let number = config.key_column.as_ref().and_then(cell);
    let at = config.time_column.as_ref().and_then(cell);
    match (number, at) {
        (Some(number), Some(at)) => format!("{dataset}/{number}/{at}"),
        (Some(number), None) => format!("{dataset}/{number}/{}", digest(row, header)),
        (None, _) => format!("{dataset}/{}", digest(row, header)),
    }
}

fn digest(row: &Row, header: &[String]) -> String {
    let mut digest = Sha256::new();
    for text in header.iter().chain(&row.cells) {
        digest.update(text.trim().as_bytes());
        digest.update([0]);
    }
    binary::to_hex(&digest.finalize()[..16])
}

/// The customer, and by which namespaces.
fn customer(cells: &mut Fields, config: &Config) -> Option<(Value, Vec<String>)> {
    let (mut identifiers, mut matched) = (Vec::new(), Vec::new());
    for (column, namespace) in &config.identifiers {
        let value = cells.take(column, |cell| {
            let cell = cell.as_str().filter(|cell| !cell.is_empty())?;
            match namespace.as_str() {
                "email" => contact::email(cell),
                "phone" => match &config.calling_code {
                    Some(code) => contact::phone_in(cell, code),
                    None => contact::phone(cell),
                },
                _ => Some(cell.to_owned()),
            }
        });
        if let Some(value) = value {
            // Somebody else collected it.
            identifiers.push(json!({"namespace": namespace, "value": value, "first_party": false}));
            matched.push(namespace.clone());
        }
    }
    (!identifiers.is_empty()).then(|| (json!({"identifiers": identifiers}), matched))
}

/// As text: "00184" is a postal code, and no number.
fn attributes(cells: &mut Fields, config: &Config) -> Vec<Value> {
    let named = config.attributes.iter();
    named.filter_map(|(column, name)| Some(json!({"name": name, "value": cells.text(column)?}))).collect()
}

/// The audiences that the row speaks of, and what happened.
fn audiences(cells: &mut Fields, config: &Config) -> Vec<(String, &'static str)> {
    let mut found = Vec::new();
    for (column, name) in &config.audiences {
        let action = cells.take(column, |cell| match cell.as_str()?.to_lowercase().as_str() {
            "1" | "true" | "yes" | "y" | "x" => Some("added"),
            "0" | "false" | "no" | "n" => Some("removed"),
            _ => None,
        });
        found.extend(action.map(|action| (name.clone(), action)));
    }
    let named = config.audience_column.as_ref().and_then(|column| cells.text(column));
    found.extend(named.map(|name| (name, "received")));
    found
}

/// From 0 to 1.
fn share(cell: &Value) -> Option<f64> {
    let share: f64 = money::decimal(cell.as_str()?)?.parse().ok()?;
    (0.0..=1.0).contains(&share).then_some(share)
}
