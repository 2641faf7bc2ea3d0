//! Text into rows, and rows into documents (RFC 4180). Rows end in CRLF, LF or CR; rows of nothing but blanks are none.

use serde_json::{Map, Value};
use snodo_connector::Fault;

pub type Row = Vec<String>;

pub fn rows(text: &str, delimiter: char) -> Result<Vec<Row>, Fault> {
    let mut rows = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut row = Vec::new();
        loop {
            let (field, after) = field(rest, delimiter)
                .ok_or_else(|| Fault::permanent(format!("failed to read row {} as CSV: a quotation mark is not closed, or something stands behind one that is", rows.len() + 1)))?;
            row.push(field);
            rest = after;
            match rest.strip_prefix(delimiter) {
                Some(after) => rest = after,
                None => break,
            }
        }
        rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\r', '\n'])).unwrap_or(rest);
        if !(row.len() == 1 && row[0].trim().is_empty()) {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// A field, and what comes behind it: a delimiter, the end of the row or of the text.
fn field(text: &str, delimiter: char) -> Option<(String, &str)> {
    let is_end = |letter: char| letter == delimiter || letter == '\r' || letter == '\n';
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find(is_end).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut field = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return (after.is_empty() || after.starts_with(is_end)).then_some((field, after)),
        }
    }
}

/// The names of the columns: each once. One without a name is called by its number, one whose name was there already by both.
pub fn header(row: Row) -> Row {
    let mut names: Row = Vec::with_capacity(row.len());
    for (number, name) in (1..).zip(row) {
        let name = match name.trim() {
            "" => format!("column {number}"),
            name => name.to_owned(),
        };
        let name = if names.contains(&name) { format!("{name} ({number})") } else { name };
        names.push(name);
    }
    names
}

/// A row as an object. Spreadsheets leave out empty fields at the end; more fields than columns are handed back.
pub fn record(header: &[String], row: Row) -> Result<Value, Row> {
    if row.iter().skip(header.len()).any(|field| !field.trim().is_empty()) {
        return Err(row);
    }
    let fields = header.iter().cloned().zip(row.into_iter().map(Value::String));
    Ok(Value::Object(fields.collect::<Map<_, _>>()))
}
