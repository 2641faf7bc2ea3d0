//! What was sold to a customer at a till: `retail_selling` with the invoice that came of it.

use serde_json::{Value, json};
use snodo_connector::fields::{self, Fields, Take};

use crate::event::{Base, Made};
use crate::word;

/// Goods are named by their EPC; classes of goods have a quantity.
pub fn draft(base: &Base, step: Option<&str>, event: &mut Fields) -> Option<Made> {
    if step != Some("retail_selling") || event.contains_key("sensorElementList") {
        return None;
    }
    let invoice = invoice(event)?;
    let mut lines: Vec<Value> = Vec::new();
    if let Some(goods) = event.take("epcList", texts) {
        lines.extend(goods.iter().map(|epc| json!({"product": product(epc), "quantity": "1"})));
    }
    for mut class in event.list("quantityList").unwrap_or_default() {
        let Some(class) = class.as_object_mut() else { continue };
        let Some(epc) = class.text("epcClass") else { continue };
        let mut line = Fields::from_iter([("product".to_owned(), product(&epc))]);
        line.leave("quantity", class.decimal("quantity"));
        line.leave("unit", class.text("uom"));
        lines.push(line.into());
    }
    let mut data = Fields::new();
    data.leave("receipt", json!({"id": invoice, "lines": lines}));
    data.leave("store", json!({"id": base.store}));
    let mut made = Made::new(base, "pos.sale.completed", "sale", data);
    made.draft.subject = Some(format!("receipt/{invoice}"));
    made.data["touchpoint"]["channel"] = "pos".into();
    Some(made)
}

/// Takes the first transaction of that type out of the list.
fn invoice(event: &mut Fields) -> Option<String> {
    let transactions = event.get_mut("bizTransactionList")?.as_array_mut()?;
    for transaction in transactions {
        let kind = transaction.get("type").and_then(Value::as_str).map(word::standard);
        let is_invoice = kind == Some("inv");
        if let Some(id) = transaction.get("bizTransaction").and_then(fields::text).filter(|_| is_invoice) {
            *transaction = Value::Null;
            return Some(id);
        }
    }
    None
}

fn texts(list: &Value) -> Option<Vec<String>> {
    list.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

fn product(epc: &str) -> Value {
    match gtin(epc) {
        Some(gtin) => json!({"id": epc, "gtin": gtin}),
        None => json!({"id": epc}),
    }
}

/// The trade item's number: of a GS1 Digital Link the digits behind `/01/`; of a URN (EPC Tag Data Standard, 7.1) indicator,
/// company, item and the check digit that the URN leaves out.
fn gtin(epc: &str) -> Option<String> {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((_, rest)) = epc.split_once("/01/") {
        let number = rest.split(['/', '?']).next()?;
        return (number.len() == 14 && is_number(number)).then(|| number.to_owned());
    }
    let urn = ["urn:epc:id:sgtin:", "urn:epc:idpat:sgtin:", "urn:epc:class:lgtin:"];
    let mut parts = urn.iter().find_map(|prefix| epc.strip_prefix(prefix))?.split('.');
    let (company, item) = (parts.next()?, parts.next()?);
    let (indicator, item) = item.split_at_checked(1)?;
    let digits = format!("{indicator}{company}{item}");
    if digits.len() != 13 || !is_number(&digits) {
        return None;
    }
    let weighted = |(place, digit): (usize, u8)| u32::from(digit - b'0') * if place % 2 == 0 { 3 } else { 1 };
    let sum: u32 = digits.bytes().enumerate().map(weighted).sum();
    Some(format!("{digits}{}", (10 - sum % 10) % 10))
}
