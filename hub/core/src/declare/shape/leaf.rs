//! Single values and lists: their bounds, and the formats that our types name.

use std::net::SocketAddr;

use serde_json::Value;

use super::{Walk, remedy};
use crate::ChannelName;
use crate::declare::document::Spot;
use crate::declare::{Address, Period};
use crate::declare::{address, trust, wording};
use crate::topic;
use crate::verify::is_called_url;

impl Walk<'_, '_> {
    pub(super) fn visit_leaf(&mut self, schema: &Value, value: &Value, at: &str) {
        let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
        let fault = match value {
            Value::String(text) => {
                let format = schema.get("format").and_then(Value::as_str).unwrap_or("");
                match text.trim().is_empty() && bound("minLength").is_some() {
                    true => Some((format!("{} is empty", remedy::subject(at)), remedy::example(schema))),
                    false => of_format(format, text, at),
                }
            }
            Value::Number(number) => {
                let (least, most) = (bound("minimum"), bound("maximum"));
                let number = number.as_f64().unwrap_or(f64::NAN);
                match (least, most) {
                    (Some(least), _) if number < least => Some((
                        format!("{} is too small", remedy::subject(at)),
                        format!("write {least} or more"),
                    )),
                    (_, Some(most)) if number > most => Some((
                        format!("{} is too large", remedy::subject(at)),
                        format!("write {most} or less"),
                    )),
                    _ => None,
                }
            }
            Value::Array(items) => {
                let count = items.len() as f64;
                match (bound("minItems"), bound("maxItems")) {
                    (Some(least), _) if count < least => {
                        Some((format!("{} is empty", remedy::subject(at)), remedy::example(schema)))
                    }
                    (_, Some(most)) if count > most => Some((
                        format!("{} has {count} entries", remedy::subject(at)),
                        format!("write at most {most}"),
                    )),
                    _ => None,
                }
            }
            _ => None,
        };
        if let Some((message, remedy)) = fault {
            self.report(&Spot::Value(at), message, remedy);
        }
    }
}

fn of_format(format: &str, text: &str, at: &str) -> Option<(String, String)> {
    let subject = remedy::subject(at);
    match format {
        "period" => {
            let message = format!("{subject} is {text:?}, which is not a length of time");
            let remedy = "write a whole number and its unit: \"30 seconds\", \"5 min\", \"2 h\", \"7 days\""
                .to_owned();
            text.parse::<Period>().is_err().then_some((message, remedy))
        }
        "name" => {
            let message = format!("{subject} cannot be {text:?}");
            let remedy = format!(
                "write lower-case letters, digits and hyphens, beginning with a letter: \"{}\"",
                as_name(text)
            );
            text.parse::<ChannelName>().is_err().then_some((message, remedy))
        }
        "listen" => {
            let message = format!("{subject} is {text:?}, which is not an address and a port");
            let remedy =
                "write \"127.0.0.1:7070\" for this machine only, or \"0.0.0.0:7070\" to be reached from others".to_owned();
            text.parse::<SocketAddr>().is_err().then_some((message, remedy))
        }
        "header" => {
            let message =
                format!("{} is neither a header nor the beginning of some", wording::value(&text.into()));
            let remedy = "write a name, or what names begin with and then `*`: \"ce-*\"".to_owned();
            let name = text.strip_suffix('*').unwrap_or(text);
            (name.is_empty() || name.contains('*')).then_some((message, remedy))
        }
        "minisign-key" => {
            let message = format!("{subject} is no public key");
            let remedy = "write the line of the file FILE.pub that begins with RW: \"RW…\"".to_owned();
            (!trust::is_public_key(text)).then_some((message, remedy))
        }
        "host" => {
            let message = format!("{} is not the name of a host", wording::value(&text.into()));
            let remedy = format!("write only the name, with a port if there is one: \"{}\"", as_host(text));
            (!is_host(text)).then_some((message, remedy))
        }
        "origin" => {
            let message = format!("{} is not a web site as a browser names it", wording::value(&text.into()));
            let remedy = format!("write \"https://{}\", or \"*\" for all", as_host(text));
            (text != "*" && !is_origin(text)).then_some((message, remedy))
        }
        "url" => {
            let message = format!("{subject} is {text:?}, which is not an address that a vendor calls");
            let remedy =
                "write it as the vendor was given it, \"https://hub.example.com/in/NAME\", without a query"
                    .to_owned();
            (!is_called_url(text)).then_some((message, remedy))
        }
        "topic-filter" => {
            let message = format!("{} is no filter of topics", wording::value(&text.into()));
            let remedy = "write a topic, with + for one whole level or # for all further ones at its end: \"shop/+/orders/#\"".to_owned();
            (!topic::is_filter(text)).then_some((message, remedy))
        }
        "topic-level" => {
            let message = format!("{subject} cannot be {text:?}");
            (!topic::is_topic(text) || text.contains('/'))
                .then_some((message, "write letters, digits and hyphens".to_owned()))
        }
        _ => of_address(format, text, &subject),
    }
}

/// Nothing of the text is repeated: it may hold a password.
fn of_address(format: &str, text: &str, subject: &str) -> Option<(String, String)> {
    let spoken = address::spoken(format)?;
    let (what, remedy) = Address::parse(text, spoken).err()?.explain(spoken);
    Some((format!("{subject} {what}"), remedy))
}

/// Scheme and host, in lower case, as browsers write them (RFC 6454, section 6.2).
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| is_host(host) && !host.contains(|c: char| c.is_ascii_uppercase()))
}

/// What comes nearest to `text` among names.
pub fn as_name(text: &str) -> String {
    let lower = text.trim().to_lowercase();
    let plain = lower.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect::<String>();
    let name = plain.trim_start_matches(|c: char| !c.is_ascii_lowercase()).trim_end_matches('-');
    if name.is_empty() { "my-name".to_owned() } else { name.chars().take(63).collect() }
}

/// `name`, `name:port`, `[address]` or `[address]:port`.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let bracketed = name.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    let named = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.chars().all(plain) && !name.starts_with(['.', '-']),
    };
    named && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// The host in what is a URL, or looks like one.
fn as_host(text: &str) -> String {
    let after = text.split_once("://").map_or(text, |(_, after)| after);
    let host = after.split(['/', '?', '#']).next().unwrap_or("");
    let host = host.rsplit('@').next().unwrap_or("").trim_start_matches("*.");
    if is_host(host) { host.to_owned() } else { "api.example.com".to_owned() }
}
