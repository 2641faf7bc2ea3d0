//! The header and the rows of a message, each with its line. A row that cannot be read is a row all the same.

use std::fmt::Write;

use snodo_connector::Fault;

use crate::config::Config;

pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Row>,
}

pub struct Row {
    /// `part 3, line 17`, or `line 17`; the header is line 1 of each part.
    pub place: String,
    pub cells: Vec<String>,
    /// Why it cannot be read.
    pub fault: Option<&'static str>,
}

/// What spreadsheets put before the first letter.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub fn read(body: &[u8], config: &Config, part: Option<u64>) -> Result<Table, Fault> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true).delimiter(config.delimiter());
    let mut records = reader.from_reader(body).into_byte_records();
    let Some(Ok(first)) = records.next() else {
        return Err(Fault::permanent("expected CSV with a header in its first line"));
    };
    let (header, _) = cells(&first);
    let header: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let wanted = || config.identifiers.keys();
    if !wanted().any(|column| header.contains(column)) {
        let columns: Vec<&str> = wanted().map(String::as_str).collect();
        let columns = columns.join(", ");
        return Err(Fault::misconfigured(format!(
            "the header has none of the identifiers' columns: {columns}"
        )));
    }
    let mut rows = Vec::new();
    let mut lines = Lines { byte: 0, line: 1 };
    for record in records {
        let mut place = part.map_or_else(String::new, |part| format!("part {part}, "));
        let Ok(record) = record else {
            // Bytes in memory cannot fail to be read; what is not CSV is still some record.
            rows.push(Row { place, cells: Vec::new(), fault: Some("the row is no CSV") });
            continue;
        };
        let line = lines.at(body, record.position().map_or(0, csv::Position::byte));
        write!(place, "line {line}").expect("a text takes all that is written to it");
        let (cells, is_text) = cells(&record);
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let fault = match cells.len().cmp(&header.len()) {
            _ if !is_text => Some("the row is not UTF-8"),
            std::cmp::Ordering::Less => Some("the row has fewer fields than the header"),
            std::cmp::Ordering::Greater => Some("the row has more fields than the header"),
            std::cmp::Ordering::Equal => None,
        };
        rows.push(Row { place, cells, fault });
    }
    if rows.is_empty() {
        let place = part.map_or_else(|| "line 1".to_owned(), |part| format!("part {part}, line 1"));
        rows.push(Row { place, cells: header.clone(), fault: Some("there is no row under the header") });
    }
    Ok(Table { header, rows })
}

/// Counts lines from one record to the next. The reader's own count stands between the `\r` and the `\n` of a line's end.
struct Lines {
    byte: usize,
    line: u64,
}

impl Lines {
    fn at(&mut self, body: &[u8], record: u64) -> u64 {
        let from = usize::try_from(record).unwrap_or(body.len()).clamp(self.byte, body.len());
        let blank = body[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = body[self.byte..from + blank].iter().filter(|byte| **byte == b'\n');
        self.line += passed.map(|_| 1).sum::<u64>();
        self.byte = from + blank;
        self.line
    }
}

/// The fields as text, and whether they were.
fn cells(record: &csv::ByteRecord) -> (Vec<String>, bool) {
    let is_text = record.iter().all(|cell| std::str::from_utf8(cell).is_ok());
    (record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect(), is_text)
}
