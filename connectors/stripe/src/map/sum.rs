//! Amounts, which Stripe sends in the minor unit: <https://docs.stripe.com/currencies#minor-units>.

use serde_json::{Value, json};
use snodo_connector::fields::{Fields, Take};
use snodo_connector::money;

pub struct Currency {
    pub code: String,
    digits: u32,
}

impl Currency {
    /// Takes `currency` out.
    pub fn of(from: &mut Fields) -> Option<Self> {
        from.take("currency", |value| Self::named(value.as_str()?))
    }

    pub fn named(code: &str) -> Option<Self> {
        let code = money::currency(code)?;
        let digits = digits(&code);
        Some(Self { code, digits })
    }

    pub fn money(&self, units: i64) -> Option<Value> {
        Some(json!({"amount": money::from_minor(units, self.digits)?, "currency": self.code}))
    }
}

/// Stripe's own list. It is not ISO 4217's: the ariary has no minor unit, króna and shilling have one.
fn digits(code: &str) -> u32 {
    match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// Takes a sum; without a currency it is left.
pub fn sum(from: &mut Fields, name: &str, currency: Option<&Currency>) -> Option<Value> {
    let currency = currency?;
    from.take(name, |units| currency.money(units.as_i64()?))
}

/// The sum of the amounts in a list such as `total_discount_amounts`, which is left: it says of what each is.
pub fn total(from: &Fields, name: &str, currency: Option<&Currency>) -> Option<Value> {
    let items = from.get(name)?.as_array().filter(|items| !items.is_empty())?;
    let amounts = items.iter().map(|item| item.get("amount").and_then(Value::as_i64));
    let units = amounts.reduce(|sum, amount| sum?.checked_add(amount?)).flatten()?;
    currency?.money(units)
}
