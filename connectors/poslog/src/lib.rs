//! What tills write, as ARTS POSLog XML of version 2 to 6, becomes events of a point of sale. Elements are known by their
//! names alone, whatever namespace or prefix they have; what has no canonical place is kept, and nothing is computed that
//! the till did not say, but change and signs.

mod element;
mod map;
mod secret;

use element::{Element, Reading};
use serde::Deserialize;
use snodo_connector::{Context, Draft, Fault, Message, Source};

/// Transactions of one message; each is an event or more. A day's log of a busy till has about a thousand.
const TRANSACTIONS_MAX: usize = 10_000;

/// The channel's settings, for what the logs leave out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// ISO 4217 code for amounts of transactions that name none.
    pub currency: String,
    /// Offset of times that have none.
    #[serde(default = "utc")]
    pub utc_offset: String,
    /// Whose customer numbers these are, if the logs do not say.
    #[serde(default)]
    pub organization: Option<String>,
}

fn utc() -> String {
    "Z".into()
}

pub struct Poslog;

impl Source for Poslog {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        let text = markup::text(&message.body)?;
        let document = markup::parse(&text)?;
        let reading = Reading::of(&document);
        let root = reading.element(document.root_element());
        let transactions = transactions(root);
        if transactions.len() > TRANSACTIONS_MAX {
            return Err(Fault::permanent(format!(
                "a message holds more than {TRANSACTIONS_MAX} transactions: send it in parts"
            )));
        }
        if transactions.is_empty() && root.name() != "POSLog" {
            return Ok(vec![map::document(root)]);
        }
        let (mut events, mut around) = (Vec::new(), None);
        for (transaction, log) in transactions {
            // A log is asked once for what it says of all its transactions.
            let (_, place) = match around.take().filter(|(id, _)| *id == log.map(Element::id)) {
                Some(known) => around.insert(known),
                None => around.insert((log.map(Element::id), log.map(map::around).unwrap_or_default())),
            };
            events.extend(map::transaction(transaction, place, &config));
        }
        Ok(events)
    }
}

/// The transactions of a document, each with the element around it: a log has many, an envelope may have the log in it.
fn transactions(root: Element) -> Vec<(Element, Option<Element>)> {
    let (mut found, mut open) = (Vec::new(), vec![(root, None)]);
    while let Some((element, around)) = open.pop() {
        if element.name() == "Transaction" {
            found.push((element, around));
        } else {
            let start = open.len();
            open.extend(element.children().map(|child| (child, Some(element))));
            open[start..].reverse();
        }
    }
    found
}

snodo_connector::export!(Poslog: source);
