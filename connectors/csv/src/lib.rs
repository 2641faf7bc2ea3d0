//! Rows of CSV as canonical events, by the same rules as the connector `json`; and events as rows. The format is RFC 4180's.

mod encoding;
mod read;
mod write;

use declarative::columns::{self, Column};
use declarative::{About, Rules};
use serde::Deserialize;
use serde_json::json;
use snodo_connector::{
    Context, Delivery, Destination, Draft, Exchange, Fault, Message, Plan, Request, Source,
};

use crate::encoding::Encoding;
use crate::write::Formulas;

pub struct Csv;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    rules: Rules,
    decimal_comma: bool,
    delimiter: char,
    encoding: Encoding,
    /// Names of columns, for files without a header.
    header: Option<Vec<String>>,
    file: String,
    columns: Vec<Column>,
    formulas: Formulas,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            decimal_comma: false,
            delimiter: ',',
            encoding: Encoding::default(),
            header: None,
            file: "events.csv".into(),
            columns: columns::log(),
            formulas: Formulas::default(),
        }
    }
}

impl Source for Csv {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        if config.rules.is_empty() {
            return Err(Fault::misconfigured("a channel that takes CSV needs rules"));
        }
        let text = config.encoding.text(&message.body)?;
        let about = About { message: &message, decimal_comma: config.decimal_comma };
        let mut rows = read::rows(&text, config.delimiter)?.into_iter();
        let header = match config.header {
            Some(header) => header,
            None => read::header(rows.next().ok_or_else(|| {
                Fault::permanent("failed to read the body as CSV: there is not even a header")
            })?),
        };
        let mut drafts = Vec::new();
        for row in rows {
            match read::record(&header, row) {
                Ok(record) => drafts.extend(config.rules.events(&record, about)?),
                // There are more fields than columns: which is which, nobody can tell.
                Err(row) => drafts.push(declarative::unknown(&json!({"header": header, "row": row}), about)),
            }
        }
        if drafts.is_empty() {
            drafts.push(declarative::unknown(&json!({"header": header}), about));
        }
        Ok(drafts)
    }
}

impl Destination for Csv {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(ctx.config(), &deliveries, row)
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        columns::appended(&exchange)
    }
}

/// A row of a file that begins with its header.
fn row(config: &Config, delivery: &Delivery) -> Result<Request, Fault> {
    let event = columns::event(delivery)?;
    let line = |cells: Vec<String>| write::line(cells.into_iter(), config.delimiter, config.formulas);
    let header = line(config.columns.iter().map(|column| column.name.clone()).collect());
    let value = |column: &Column| column.of(&event).map(columns::plain).unwrap_or_default();
    let headers = [("content-type", "text/csv; charset=utf-8"), ("file-head", header.as_str())];
    Ok(columns::append(&config.file, &headers, line(config.columns.iter().map(value).collect())))
}

snodo_connector::export!(Csv: source, destination);
