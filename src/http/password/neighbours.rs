//! Which addresses share a count of tries.
//!
//! A remote host has a whole /64 of IPv6 addresses to itself (RFC 6177), so that counts as one. On a local
//! link the /64 is shared: there each address counts alone, or one forgotten client would slow down its whole
//! household.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::clock::Monotonic;

/// This machine's IPv6 addresses and their prefixes (proc(5), `/proc/net/if_inet6`).
const ADDRESSES: &str = "/proc/net/if_inet6";

/// The maximum age of the list: addresses come and go with routers and cables.
const LIST_AGE_MAX: Duration = Duration::from_secs(10);

/// Prefixes of this machine to check. A machine has one to six.
const PREFIXES_MAX: usize = 64;

/// Knows which addresses are on a local link.
#[derive(Debug, Default)]
pub struct Neighbours {
    prefixes: RefCell<Vec<Prefix>>,
    read: RefCell<Option<Monotonic>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Prefix {
    bits: u128,
    length: u32,
}

impl Neighbours {
    /// The address or network that an address counts as.
    pub fn counted(&self, address: IpAddr, now: Monotonic) -> IpAddr {
        let IpAddr::V6(address) = address.to_canonical() else { return address.to_canonical() };
        if address.is_loopback() || address.is_unicast_link_local() {
            return address.into();
        }
        self.refresh(now);
        counted(address, &self.prefixes.borrow())
    }

    fn refresh(&self, now: Monotonic) {
        if self.read.borrow().is_some_and(|read| now.since(read) < LIST_AGE_MAX) {
            return;
        }
        *self.read.borrow_mut() = Some(now);
        // Without the list, a /64 counts as one, as elsewhere.
        *self.prefixes.borrow_mut() = parse(&std::fs::read_to_string(ADDRESSES).unwrap_or_default());
    }
}

fn counted(address: Ipv6Addr, prefixes: &[Prefix]) -> IpAddr {
    let bits = address.to_bits();
    if prefixes.iter().any(|prefix| prefix.has(bits)) {
        return address.into();
    }
    Ipv6Addr::from_bits(bits & !u128::from(u64::MAX)).into()
}

impl Prefix {
    fn has(self, bits: u128) -> bool {
        (bits ^ self.bits) >> (128 - self.length) == 0
    }
}

/// Columns: address, interface, prefix length, scope, flags, name; numbers in hexadecimal.
fn parse(text: &str) -> Vec<Prefix> {
    let prefix = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let bits = u128::from_str_radix(fields.next()?, 16).ok()?;
        let length = u32::from_str_radix(fields.nth(1)?, 16).ok()?;
        // A host prefix shows nothing about its link; a short one would cover half the world.
        (48..128).contains(&length).then_some(Prefix { bits, length })
    };
    text.lines().filter_map(prefix).take(PREFIXES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "00000000000000000000000000000001 01 80 10 80       lo\n\
        fd000000000000010000000000000005 02 40 00 00     eth0\n\
        20010db8000000070000000000000005 02 40 00 00     eth0\n\
        20010db8000000090000000000000005 02 80 00 00     eth0\n\
        nonsense\n";

    #[test]
    fn neighbours_count_alone_and_others_by_their_64() {
        let prefixes = parse(LIST);
        assert_eq!(prefixes.len(), 2);
        let as_text = |text: &str| counted(text.parse().unwrap(), &prefixes).to_string();
        assert_eq!(as_text("fd00:0:0:1::77"), "fd00:0:0:1::77");
        assert_eq!(as_text("2001:db8:0:7:1:2:3:4"), "2001:db8:0:7:1:2:3:4");
        assert_eq!(as_text("2001:db8:0:8:1:2:3:4"), "2001:db8:0:8::");
        assert_eq!(as_text("2001:db8:0:9:1:2:3:4"), "2001:db8:0:9::");
        let neighbours = Neighbours::default();
        let now = Monotonic::since_zero(Duration::from_secs(1));
        for (address, expected) in [
            ("fe80::1:2:3:4", "fe80::1:2:3:4"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("192.0.2.1", "192.0.2.1"),
            ("::1", "::1"),
        ] {
            assert_eq!(neighbours.counted(address.parse().unwrap(), now).to_string(), expected);
        }
    }
}
