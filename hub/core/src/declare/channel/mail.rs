//! A channel that is mail: whose mail comes in, or by which server and as whom mail goes out. Knows no SMTP.

use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::declare::Period;
use crate::secret::SecretRef;

/// Mail that is delivered to the hub: `[mail]` in hub.toml says where it listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailInlet {
    /// The addresses whose mail is this channel's: one by one, or `*@example.com` for all of a domain. Mail to any other
    /// address is refused.
    #[schemars(length(min = 1), extend("examples" = [["support@shop.example"]], "items" = { "type": "string", "format": "mail-pattern" }))]
    pub recipients: Vec<String>,
    /// The networks from which mail is taken, each as an address or `address/bits`. Without it: this machine only.
    #[serde(default = "MailInlet::default_networks")]
    #[schemars(length(min = 1), extend("examples" = [["10.0.0.0/8"]], "items" = { "type": "string", "format": "network" }))]
    pub from_networks: Vec<String>,
}

impl MailInlet {
    fn default_networks() -> Vec<String> {
        vec!["127.0.0.0/8".to_owned(), "::1".to_owned()]
    }
}

/// Mail that the hub hands to a mail server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailOutlet {
    /// The mail server, as `name` or `name:port`. Without a port: 465 with tls = "required", 587 with "starttls", 25 with "none".
    #[schemars(extend("format" = "host", "examples" = ["smtp.example.com"]))]
    pub server: String,
    /// How the connection is encrypted.
    #[serde(default)]
    pub tls: MailTls,
    /// The name to log in with. Without it, the hub does not log in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password to log in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
    /// Whom the mail is from.
    pub from: MailFrom,
    /// Who may be written to: addresses, or `*@example.com` for all of a domain. Without it: anybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("items" = { "type": "string", "format": "mail-pattern" }))]
    pub recipients: Vec<String>,
    /// How many mails are under way at once, each on a connection of its own.
    #[serde(default = "MailOutlet::default_concurrent")]
    #[schemars(range(min = 1, max = 64))]
    pub concurrent: usize,
    /// How long one mail may take.
    #[serde(default = "MailOutlet::default_timeout")]
    pub timeout: Period,
}

impl MailOutlet {
    /// Mail servers mind many connections of one sender.
    const fn default_concurrent() -> usize {
        2
    }

    /// Mail servers that look into a mail before they take it need their time.
    const fn default_timeout() -> Period {
        Period::of_secs(60)
    }
}

/// Whom mail is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MailFrom {
    /// The address that mail is from.
    #[schemars(extend("format" = "mail-address", "examples" = ["news@shop.example"]))]
    pub address: String,
    /// The name beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// From the first byte, and the server must prove its name.
    #[default]
    Required,
    /// From the server's greeting on, and it must prove its name. Nothing is sent to a server that cannot.
    StartTls,
    /// Not at all: only to this machine, or within a private network.
    None,
}

/// An address, or all of a domain. The part before the at sign is compared without regard to case, too: so do the servers there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailPattern {
    /// `None` for all of the domain.
    user: Option<String>,
    domain: String,
}

impl MailPattern {
    pub fn parse(text: &str) -> Option<Self> {
        let (user, domain) = parts(text)?;
        let user = (user != "*").then(|| user.to_lowercase());
        Some(Self { user, domain: domain.to_lowercase() })
    }

    pub fn fits(&self, address: &str) -> bool {
        let Some((user, domain)) = address.rsplit_once('@') else { return false };
        domain.to_lowercase() == self.domain
            && self.user.as_ref().is_none_or(|wanted| user.to_lowercase() == *wanted)
    }
}

/// Whether a text can be an address of mail. Quoted and commented forms are not.
pub fn is_mail_address(text: &str) -> bool {
    parts(text).is_some_and(|(user, _)| !user.contains('*'))
}

fn parts(text: &str) -> Option<(&str, &str)> {
    let (user, domain) = text.rsplit_once('@')?;
    let plain = |part: &str| {
        let odd = |c: char| c.is_control() || c.is_whitespace() || "<>()[]\\,;:\"@".contains(c);
        !part.is_empty() && !part.contains(odd) && !part.starts_with('.') && !part.ends_with('.')
    };
    // RFC 5321, 4.5.3.1.
    let fits = user.len() <= 64 && domain.len() <= 255;
    (fits && plain(user) && plain(domain) && !domain.contains('*')).then_some((user, domain))
}

/// Addresses that have their first bits in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an address, or an address and a number of bits")]
pub struct NetworkError;

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| NetworkError))?;
        if bits > most { Err(NetworkError) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    /// An address of version 4 that comes as one of version 6 counts as what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_one_address_or_a_domain() {
        for (pattern, address, expected) in [
            ("support@shop.example", "support@shop.example", Some(true)),
            ("support@shop.example", "Support@SHOP.example", Some(true)),
            ("support@shop.example", "sales@shop.example", Some(false)),
            ("*@shop.example", "anybody+1@shop.example", Some(true)),
            ("*@shop.example", "a@mail.shop.example", Some(false)),
            ("*@shop.example", "a@evilshop.example", Some(false)),
            ("*@shop.example", "*", Some(false)),
            ("*@*", "", None),
            ("*", "", None),
            ("shop.example", "", None),
            ("a b@shop.example", "", None),
            ("a@shop.example>", "", None),
        ] {
            let fits = MailPattern::parse(pattern).map(|pattern| pattern.fits(address));
            assert_eq!(fits, expected, "{pattern} {address}");
        }
    }

    #[test]
    fn a_network_holds_its_addresses() {
        for (network, address, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("192.168.1.7", "192.168.1.7", true),
            ("192.168.1.7", "192.168.1.8", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("::1", "::1", true),
            ("fd00::/8", "fd12::1", true),
            ("::/0", "fe80::1", true),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{network:?} {address}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "localhost", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
