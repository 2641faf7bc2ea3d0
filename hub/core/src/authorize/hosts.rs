//! The hosts that a channel's requests may go to, and with them its credentials and secrets. Never looks a name up.

use std::fmt;
use std::net::Ipv6Addr;

/// A channel's allow-list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts(Vec<Host>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    name: Name,
    /// `None` is any.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Exactly(String),
    /// Compared as a number: it can be written in several ways.
    Address(Ipv6Addr),
    /// `.example.com`: any name that ends so, but not `example.com` itself.
    Below(String),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no host: write a name such as \"api.example.com\", \"api.example.com:8443\" or \"*.example.com\""
)]
pub struct HostError(String);

impl Hosts {
    /// Reads `name`, `name:port`, `*.name`, `[address]:port`.
    pub fn parse<S: AsRef<str>>(declared: &[S]) -> Result<Self, HostError> {
        let hosts = declared
            .iter()
            .map(|text| host(text.as_ref()).ok_or_else(|| HostError(text.as_ref().to_owned())));
        hosts.collect::<Result<_, _>>().map(Self)
    }

    /// `host` as a parsed URL has it: lower case, addresses of version 6 in brackets.
    pub fn allow(&self, host: &str, port: u16) -> bool {
        self.0.iter().any(|allowed| {
            allowed.port.is_none_or(|wanted| wanted == port)
                && match &allowed.name {
                    Name::Exactly(name) => name == host,
                    Name::Address(address) => version_6(host).is_some_and(|(called, _)| called == *address),
                    Name::Below(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
                }
        })
    }
}

fn host(text: &str) -> Option<Host> {
    let (name, port) = match version_6(text) {
        Some((address, "")) => (Name::Address(address), None),
        Some((address, after)) => (Name::Address(address), Some(after.strip_prefix(':')?)),
        None => {
            let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
            (named(&name.to_ascii_lowercase())?, port)
        }
    };
    let port = match port {
        Some(digits) => Some(digits.parse().ok().filter(|port| *port > 0)?),
        None => None,
    };
    Some(Host { name, port })
}

/// The address in brackets that the text begins with, and what stands after it.
fn version_6(text: &str) -> Option<(Ipv6Addr, &str)> {
    let (address, after) = text.strip_prefix('[')?.split_once(']')?;
    Some((address.parse().ok()?, after))
}

fn named(name: &str) -> Option<Name> {
    match name.strip_prefix("*.") {
        // A whole registry of names, as `*.com` would be, is not an allow-list.
        Some(parent) => (is_name(parent) && parent.contains('.')).then(|| Name::Below(format!(".{parent}"))),
        None => is_name(name).then(|| Name::Exactly(name.to_owned())),
    }
}

fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.split('.').all(|label| !label.is_empty() && label.bytes().all(fits))
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, host) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            match &host.name {
                Name::Exactly(name) => write!(f, "{comma}{name}")?,
                Name::Address(address) => write!(f, "{comma}[{address}]")?,
                Name::Below(suffix) => write!(f, "{comma}*{suffix}")?,
            }
            if let Some(port) = host.port {
                write!(f, ":{port}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_allowed_by_its_name_and_port() {
        for (declared, host, port, allowed) in [
            ("api.example.com", "api.example.com", 443, true),
            ("API.Example.com", "api.example.com", 443, true),
            ("api.example.com", "api.example.com.evil.test", 443, false),
            ("api.example.com", "evilapi.example.com", 443, false),
            ("api.example.com:8443", "api.example.com", 8443, true),
            ("api.example.com:8443", "api.example.com", 443, false),
            ("*.example.com", "eu.api.example.com", 443, true),
            ("*.example.com", "example.com", 443, false),
            ("*.example.com", "evilexample.com", 443, false),
            ("127.0.0.1:8080", "127.0.0.1", 8080, true),
            ("[::1]:8080", "[::1]", 8080, true),
            ("[0:0:0:0:0:0:0:1]", "[::1]", 80, true),
            ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", 80, true),
            ("[::1]", "[::2]", 80, false),
        ] {
            assert_eq!(
                Hosts::parse(&[declared]).expect(declared).allow(host, port),
                allowed,
                "{declared} {host}:{port}"
            );
        }
        assert!(!Hosts::default().allow("api.example.com", 443));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "*",
            "*.com",
            "*.",
            "a..b",
            "https://a.b",
            "a.b/c",
            "a.b:",
            "a.b:0",
            "a.b:70000",
            "::1",
            "[::1",
            "[x]",
            "a b",
            "a.*.b",
            "[::1]80",
            "]",
        ] {
            assert_eq!(Hosts::parse(&[text]), Err(HostError(text.to_owned())));
        }
    }
}
