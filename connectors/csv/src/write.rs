//! One row as one line (RFC 4180, 2), without what ends it.

use serde::Deserialize;
use snodo_connector::money;

/// What becomes of text that a spreadsheet would take for a formula: it comes from customers, and may send away what else is in
/// the sheet (<https://owasp.org/www-community/attacks/CSV_Injection>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Formulas {
    /// An apostrophe is put before it, which spreadsheets do not show.
    #[default]
    Neutralise,
    Keep,
}

pub fn line(values: impl Iterator<Item = String>, delimiter: char, formulas: Formulas) -> String {
    let mut line = String::new();
    for (place, value) in values.enumerate() {
        if place > 0 {
            line.push(delimiter);
        }
        append(&mut line, &value, delimiter, formulas);
    }
    line
}

/// A line end within a value would be the end of the line for whoever reads line by line: it becomes a blank.
fn append(line: &mut String, value: &str, delimiter: char, formulas: Formulas) {
    let mut value = value.replace("\r\n", " ").replace(['\r', '\n'], " ");
    if formulas == Formulas::Neutralise && is_formula(&value) {
        value.insert(0, '\'');
    }
    if value.contains(delimiter) || value.contains('"') || value.starts_with(' ') || value.ends_with(' ') {
        line.push('"');
        line.push_str(&value.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(&value);
    }
}

/// A number may begin with a sign.
fn is_formula(value: &str) -> bool {
    value.starts_with(['=', '+', '-', '@', '\t']) && money::decimal(value).is_none()
}
