//! Any XML as canonical events, by the same rules as the connector `json`; and events as elements of an XML document. What the
//! rules can say is in the crate `declarative`, how XML is read in `markup`.

mod read;
mod write;

use std::collections::HashSet;

use declarative::columns::{self, Column};
use declarative::{About, Rules};
use serde::Deserialize;
use snodo_connector::{
    Context, Delivery, Destination, Draft, Exchange, Fault, Message, Plan, Request, Source,
};

pub struct Xml;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    rules: Rules,
    decimal_comma: bool,
    file: String,
    root: String,
    element: String,
    fields: Vec<Column>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            decimal_comma: false,
            file: "events.xml".into(),
            root: "events".into(),
            element: "event".into(),
            fields: columns::log(),
        }
    }
}

impl Config {
    fn of_destination(ctx: &Context) -> Result<Self, Fault> {
        let config: Self = ctx.config()?;
        let mut names = HashSet::new();
        match config.fields.iter().find(|field| !names.insert(&field.name)) {
            Some(twice) => Err(Fault::misconfigured(format!("two fields are called {}", twice.name))),
            None => Ok(config),
        }
    }
}

impl Source for Xml {
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault> {
        let config: Config = ctx.config()?;
        if config.rules.is_empty() {
            return Err(Fault::misconfigured("a channel that takes XML needs rules"));
        }
        let text = markup::text(&message.body)?;
        let document = read::document(&markup::parse(&text)?);
        let about = About { message: &message, decimal_comma: config.decimal_comma };
        config.rules.events(&document, about)
    }
}

impl Destination for Xml {
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan {
        Plan::one_by_one(Config::of_destination(ctx), &deliveries, element)
    }

    fn interpret(_: &Context, exchange: Exchange) -> Plan {
        columns::appended(&exchange)
    }
}

/// An element of a file that is a document from its first line to its last.
fn element(config: &Config, delivery: &Delivery) -> Result<Request, Fault> {
    let event = columns::event(delivery)?;
    let fields = config.fields.iter();
    let fields = fields.filter_map(|field| Some((field.name.as_str(), field.of(&event)?)));
    let line = write::element(&config.element, &fields.collect::<Vec<_>>());
    let (head, foot) = (write::head(&config.root), write::foot(&config.root));
    let headers = [
        ("content-type", "application/xml; charset=utf-8"),
        ("file-head", head.as_str()),
        ("file-foot", foot.as_str()),
    ];
    Ok(columns::append(&config.file, &headers, line))
}

snodo_connector::export!(Xml: source, destination);
