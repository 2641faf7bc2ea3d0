//! What became of each row. What concerns the whole request, such as a lost connection, never gets here: the hub settles it.

use serde::Deserialize;
use snodo_connector::{Answer, Fault, Outcome};

/// All rows went in, or were there already.
#[derive(Deserialize)]
struct Written {
    rows: u64,
}

/// At least one was refused; an entry for each row.
#[derive(Deserialize)]
struct InPart {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    ok: bool,
    written: Option<u64>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    case: String,
    /// The hub's own words: names of columns and constraints, never a value.
    message: String,
}

/// As many outcomes as there were rows.
pub fn outcomes(answer: &Answer, count: usize) -> Vec<Outcome> {
    match answer.status {
        207 => {
            let rows = answer.json::<InPart>().map(|answer| answer.rows).unwrap_or_default();
            let told = rows.into_iter().map(outcome);
            let untold = || Outcome::Failed(Fault::retry("the answer does not say what became of the row"));
            told.chain(std::iter::repeat_with(untold)).take(count).collect()
        }
        200..=299 => match answer.json() {
            // Of several it does not say which.
            Some(Written { rows: 0 }) => vec![Outcome::Duplicate; count],
            _ => vec![Outcome::Accepted(None); count],
        },
        status => {
            vec![Outcome::Failed(answer.fault(format!("the rows were not written: {status}"))); count]
        }
    }
}

fn outcome(row: Row) -> Outcome {
    match row {
        Row { error: Some(Refusal { case, message }), .. } => Outcome::Failed(match case.as_str() {
            "misconfigured" => Fault::misconfigured(message),
            _ => Fault::permanent(message),
        }),
        Row { ok: true, written: Some(0), .. } => Outcome::Duplicate,
        Row { ok: true, .. } => Outcome::Accepted(None),
        Row { .. } => Outcome::Failed(Fault::retry("the answer does not say what became of the row")),
    }
}
