//! Limits where a redirect may lead.
//!
//! A camera, or an attacker in its place, could otherwise make this machine talk to services that trust it
//! for being near: those on its loopback, and those that only link-local neighbours reach. Addresses are
//! checked after resolution, and exactly the checked address is connected to, so neither notation nor DNS
//! gets around the check.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address is, seen from this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// This machine's loopback.
    Loopback,
    /// Link-local: 169.254.0.0/16 (RFC 3927), fe80::/10 (RFC 4291 section 2.5.6).
    Link,
    /// Not a host: unspecified (which Linux connects to loopback), multicast, broadcast.
    Nowhere,
    /// Anything else.
    Ordinary,
}

/// Whether a camera at `from` may redirect to `to`.
pub fn may_redirect(from: IpAddr, to: IpAddr) -> bool {
    match place(to) {
        Place::Ordinary => true,
        Place::Nowhere => false,
        near => near == place(from),
    }
}

/// Why not, for the camera's reason.
pub fn words(to: IpAddr) -> &'static str {
    match place(to) {
        Place::Loopback => "an address of this machine itself",
        Place::Link => "a link-local address",
        Place::Nowhere => "no machine's address",
        Place::Ordinary => "an address of this machine",
    }
}

fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => embedded(address).map_or_else(|| place_v6(address), place_v4),
    }
}

fn place_v4(address: Ipv4Addr) -> Place {
    match address.octets() {
        [127, ..] => Place::Loopback,
        [169, 254, ..] => Place::Link,
        // RFC 1122 section 3.2.1.3, RFC 5771, RFC 1112 section 4.
        [0 | 224..=255, ..] => Place::Nowhere,
        _ => Place::Ordinary,
    }
}

fn place_v6(address: Ipv6Addr) -> Place {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Place::Loopback,
        [0, 0, 0, 0, 0, 0, 0, 0] | [0xff00..=0xffff, ..] => Place::Nowhere,
        // Site-local addresses (RFC 3879) end at a router.
        [0xfe80..=0xfeff, ..] => Place::Link,
        _ => Place::Ordinary,
    }
}

/// The embedded IPv4 address: mapped and compatible (RFC 4291 section 2.5.5), translated (RFC 6052 section
/// 2.1, RFC 8215), 6to4 (RFC 3056 section 2).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, _, _, high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(from: &str, to: &str) -> bool {
        may_redirect(from.parse().unwrap(), to.parse().unwrap())
    }

    #[test]
    fn a_redirect_reaches_no_nearer_than_the_camera() {
        for to in [
            "127.0.0.1",
            "127.255.0.9",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::1",
            "169.254.169.254",
            "::ffff:169.254.1.1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "224.0.0.1",
            "239.1.2.3",
            "255.255.255.255",
            "ff02::1",
        ] {
            for from in ["192.0.2.1", "192.168.1.9", "10.0.0.1", "2001:db8::1", "fd00::1", "::ffff:192.0.2.1"]
            {
                assert!(!may(from, to), "{from} to {to}");
            }
        }
        for to in ["192.168.1.1", "198.51.100.1", "2001:db8::2", "fd00::2", "2002:c000:201::1"] {
            for from in ["127.0.0.1", "169.254.1.1", "fe80::1", "192.0.2.1", "2001:db8::1"] {
                assert!(may(from, to), "{from} to {to}");
            }
        }
        assert!(may("127.0.0.1", "127.0.0.1") && may("::1", "127.0.0.1") && may("127.0.0.1", "::1"));
        assert!(may("fe80::1", "fe80::2") && may("169.254.0.1", "fe80::2"));
        assert!(!may("fe80::1", "127.0.0.1") && !may("127.0.0.1", "fe80::1"));
        assert!(!may("127.0.0.1", "0.0.0.0") && !may("::1", "::"));
    }
}
