//! Which addresses may be called. Judges the address that is connected to, so that no name can lead elsewhere than it says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far away an address is, after IANA's registries of special-purpose addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Public,
    /// This machine or a private network: for channels that were granted it.
    Private,
    /// Nothing a destination could be, or too dangerous: unspecified, link-local (where clouds keep their credentials), multicast, documentation.
    Never,
}

pub fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] => Reach::Private,
        // Carriers' own network, and what benchmarks run in.
        [100, 64..=127, ..] | [198, 18 | 19, ..] => Reach::Private,
        [0 | 224..=255, ..] | [169, 254, ..] => Reach::Never,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Never,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    /// Where one cloud keeps the credentials of its machines.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // Version 4 in other clothes, mapped or behind NAT64, is as near as the address inside.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            reach_v4(Ipv4Addr::new(a, b, c, d))
        }
        [0x64, 0xff9b, 1, ..] => Reach::Private,
        _ if address == METADATA => Reach::Never,
        [0xfc00..=0xfdff, ..] => Reach::Private,
        // Teredo and 6to4 tunnels, documentation.
        [0x2001, 0 | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => Reach::Never,
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Never,
    }
}

/// What a channel was granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Networks {
    #[default]
    Public,
    PublicAndPrivate,
}

impl Networks {
    pub fn allow(self, address: IpAddr) -> bool {
        match reach(address) {
            Reach::Public => true,
            Reach::Private => self == Self::PublicAndPrivate,
            Reach::Never => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_as_near_as_it_is_however_it_is_written() {
        for (address, expected) in [
            ("8.8.8.8", Reach::Public),
            ("172.15.0.1", Reach::Public),
            ("172.32.0.1", Reach::Public),
            ("127.0.0.1", Reach::Private),
            ("127.255.255.254", Reach::Private),
            ("10.1.2.3", Reach::Private),
            ("172.16.0.1", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("100.127.255.255", Reach::Private),
            ("0.0.0.0", Reach::Never),
            ("0.1.2.3", Reach::Never),
            ("169.254.169.254", Reach::Never),
            ("224.0.0.1", Reach::Never),
            ("255.255.255.255", Reach::Never),
            ("192.0.2.1", Reach::Never),
            ("2606:4700::1111", Reach::Public),
            ("::1", Reach::Private),
            ("fd12:3456::1", Reach::Private),
            ("fd00:ec2::254", Reach::Never),
            ("::", Reach::Never),
            ("fe80::1", Reach::Never),
            ("fec0::1", Reach::Never),
            ("ff02::1", Reach::Never),
            ("::ffff:127.0.0.1", Reach::Private),
            ("::ffff:169.254.169.254", Reach::Never),
            ("::ffff:8.8.8.8", Reach::Public),
            ("::127.0.0.1", Reach::Never),
            ("64:ff9b::10.0.0.1", Reach::Private),
            ("64:ff9b::169.254.169.254", Reach::Never),
            ("64:ff9b::8.8.8.8", Reach::Public),
            ("64:ff9b:1::1", Reach::Private),
            ("2002:7f00:1::", Reach::Never),
            ("2001::1", Reach::Never),
            ("2001:db8::1", Reach::Never),
        ] {
            assert_eq!(reach(address.parse().unwrap()), expected, "{address}");
        }
    }
}
