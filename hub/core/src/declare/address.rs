//! Where a channel connects to, as a declaration writes it: `mqtts://name:8883`. Never holds a user, a password or a key: they
//! have places of their own, which are only ever named.

use std::fmt;

/// What is spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoken {
    Mqtt,
    Amqp,
    WebSocket,
}

impl Spoken {
    /// The name in front of `://`, in clear and over TLS, with the port that stands for each.
    const fn schemes(self) -> [(&'static str, u16); 2] {
        match self {
            Self::Mqtt => [("mqtt", 1883), ("mqtts", 8883)],
            Self::Amqp => [("amqp", 5672), ("amqps", 5671)],
            Self::WebSocket => [("ws", 80), ("wss", 443)],
        }
    }

    /// A feed has many on one host.
    const fn has_path(self) -> bool {
        matches!(self, Self::WebSocket)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub tls: bool,
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// With the query, if there is one; `/` if there is none.
    pub path: String,
    /// `host:port` where the port is not the usual one: what a server is called.
    pub authority: String,
}

/// Why a text is no address. Says nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    Scheme,
    Credentials,
    Host,
    Path,
}

impl AddressError {
    /// What is wrong, and what to write instead.
    pub fn explain(self, spoken: Spoken) -> (String, String) {
        let [(plain, _), (tls, port)] = spoken.schemes();
        let write = format!("write \"{tls}://broker.example.com:{port}\", or \"{plain}://…\" without TLS");
        match self {
            Self::Scheme => ("does not begin with a scheme that is spoken there".to_owned(), write),
            Self::Credentials => (
                "holds a user or a password; these files are copied and shown".to_owned(),
                "write the address without them, and name them in keys of their own".to_owned(),
            ),
            Self::Host => ("does not name a host".to_owned(), write),
            Self::Path => ("has something behind the host and its port".to_owned(), write),
        }
    }
}

impl Address {
    pub fn parse(text: &str, spoken: Spoken) -> Result<Self, AddressError> {
        let (scheme, rest) = text.split_once("://").ok_or(AddressError::Scheme)?;
        let named = spoken.schemes().into_iter().enumerate().find(|(_, (name, _))| *name == scheme);
        let (place, (_, usual)) = named.ok_or(AddressError::Scheme)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(AddressError::Credentials);
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        let port = port.map_or(Ok(usual), |port| port.parse().map_err(|_| AddressError::Host))?;
        let bracketed = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
        let fits = match bracketed {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(plain) && !host.starts_with(['.', '-']),
        };
        if !fits || port == 0 {
            return Err(AddressError::Host);
        }
        let path = match path {
            "" | "/" => "/".to_owned(),
            path if spoken.has_path() && path.starts_with('/') && is_path(path) => path.to_owned(),
            _ => return Err(AddressError::Path),
        };
        let authority = if port == usual { host.to_owned() } else { format!("{host}:{port}") };
        Ok(Self { tls: place == 1, host: bracketed.unwrap_or(host).to_owned(), port, path, authority })
    }
}

/// Where it is, for logs: hosts are the operator's words, and no personal data. What is asked there stays out.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

fn is_path(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_graphic()) && !path.contains('#')
}

/// The protocol that a `format` of a schema stands for.
pub fn spoken(format: &str) -> Option<Spoken> {
    match format {
        "mqtt-url" => Some(Spoken::Mqtt),
        "amqp-url" => Some(Spoken::Amqp),
        "ws-url" => Some(Spoken::WebSocket),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_into_its_parts() {
        for (text, spoken, expected) in [
            ("mqtt://broker", Spoken::Mqtt, Ok((false, "broker", 1883, "/", "broker"))),
            ("mqtts://broker:8883/", Spoken::Mqtt, Ok((true, "broker", 8883, "/", "broker"))),
            ("amqp://[::1]:5673", Spoken::Amqp, Ok((false, "::1", 5673, "/", "[::1]:5673"))),
            (
                "wss://feed.example.com/v1?x=y",
                Spoken::WebSocket,
                Ok((true, "feed.example.com", 443, "/v1?x=y", "feed.example.com")),
            ),
            ("ws://127.0.0.1:9000", Spoken::WebSocket, Ok((false, "127.0.0.1", 9000, "/", "127.0.0.1:9000"))),
            ("broker:1883", Spoken::Mqtt, Err(AddressError::Scheme)),
            ("tcp://broker:1883", Spoken::Mqtt, Err(AddressError::Scheme)),
            ("amqp://guest:guest@broker", Spoken::Amqp, Err(AddressError::Credentials)),
            ("mqtt://:1883", Spoken::Mqtt, Err(AddressError::Host)),
            ("mqtt://broker:0", Spoken::Mqtt, Err(AddressError::Host)),
            ("mqtt://broker:eight", Spoken::Mqtt, Err(AddressError::Host)),
            ("mqtt://a b", Spoken::Mqtt, Err(AddressError::Host)),
            ("amqp://broker/shop", Spoken::Amqp, Err(AddressError::Path)),
            ("wss://feed/a b", Spoken::WebSocket, Err(AddressError::Path)),
            ("wss://feed/a#b", Spoken::WebSocket, Err(AddressError::Path)),
        ] {
            let read = Address::parse(text, spoken);
            let parts = read
                .as_ref()
                .map(|a| (a.tls, a.host.as_str(), a.port, a.path.as_str(), a.authority.as_str()));
            assert_eq!(parts.map_err(|error| *error), expected, "{text}");
        }
    }
}
