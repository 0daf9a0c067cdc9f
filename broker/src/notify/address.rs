//! Which addresses a notice may go to.
//!
//! A URL is written by an operator, but a name in it is looked up each time, and whoever answers for
//! the name chooses the address. So the address is judged, after it was looked up and in every way
//! it can be written, and it is this address that is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is, as the registries of special addresses have it (RFC 6890, RFC 4291).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anybody's.
    Public,
    /// This host, or a network of one's own.
    Private,
    /// One that no notice goes to, whatever the operator allows: link-local, where clouds answer with
    /// credentials, multicast, and what is no address of anybody.
    Never,
}

/// Azure's own service of every virtual machine, at a public address.
const AZURE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Alibaba's metadata, in the range that carriers share.
const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);

/// Oracle's metadata, in the range of protocol assignments.
const ORACLE: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 192);

/// Google's metadata over IPv6, among the unique local addresses.
const GOOGLE: Ipv6Addr = Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254);

pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => of_v4(address),
        IpAddr::V6(address) => of_v6(address),
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    if [AZURE, ALIBABA, ORACLE].contains(&address) {
        return Reach::Never;
    }
    match address.octets() {
        [0, ..] | [169, 254, ..] | [224..=255, ..] => Reach::Never,
        [10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] => Reach::Private,
        // Carrier-grade NAT (RFC 6598), which some overlay networks use.
        [100, 64..=127, ..] => Reach::Private,
        // Protocol assignments, documentation, 6to4 relays, benchmarks.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => Reach::Never,
        [198, 51, 100, _] | [203, 0, 113, _] => Reach::Never,
        _ => Reach::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    if address.is_loopback() {
        return Reach::Private;
    }
    if address == GOOGLE {
        return Reach::Never;
    }
    let within = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // Mapped (RFC 4291 section 2.5.5.2), and translated by NAT64 (RFC 6052): what is in it.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] => {
            within(high, low)
        }
        // AWS's own services of every instance: metadata, names, time.
        [0xfd00, 0x0ec2, ..] => Reach::Never,
        // Unique local (RFC 4193).
        [0xfc00..=0xfdff, ..] => Reach::Private,
        // Special assignments with Teredo, documentation, 6to4: these have others in them, or nobody.
        [0x2001, 0..=0x01ff, ..]
        | [0x2001, 0x0db8, ..]
        | [0x2002, ..]
        | [0x3fff, 0..=0x0fff, ..] => Reach::Never,
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_the_registries_say() {
        for (reach, addresses) in [
            (
                Reach::Public,
                &[
                    "1.1.1.1",
                    "172.15.0.1",
                    "172.32.0.1",
                    "100.63.0.1",
                    "100.128.0.1",
                    "192.0.1.1",
                    "223.255.255.254",
                    "2606:4700:4700::1111",
                    "2001:4860:4860::8888",
                    "::ffff:1.1.1.1",
                    "64:ff9b::1.1.1.1",
                ][..],
            ),
            (
                Reach::Private,
                &[
                    "127.0.0.1",
                    "127.255.0.9",
                    "10.1.2.3",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.168.1.1",
                    "100.64.0.1",
                    "::1",
                    "fd12:3456::1",
                    "fd00:ec3::1",
                    "::ffff:127.0.0.1",
                    "64:ff9b::10.0.0.1",
                ],
            ),
            (
                Reach::Never,
                &[
                    "169.254.169.254",
                    "::ffff:169.254.169.254",
                    "64:ff9b::169.254.169.254",
                    "168.63.129.16",
                    "100.100.100.200",
                    "192.0.0.192",
                    "fd00:ec2::254",
                    "fd00:ec2::23",
                    "fd20:ce::254",
                    "fe80::1",
                    "0.0.0.0",
                    "::",
                    "224.0.0.1",
                    "255.255.255.255",
                    "ff02::1",
                    "2002:7f00:1::",
                    "2001::1",
                    "2001:db8::1",
                    "::127.0.0.1",
                    "64:ff9b:1::1",
                    "192.0.2.1",
                    "198.18.0.1",
                    "203.0.113.9",
                ],
            ),
        ] {
            for address in addresses {
                assert_eq!(super::reach(address.parse().unwrap()), reach, "{address}");
            }
        }
    }
}
