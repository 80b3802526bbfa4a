//! The client of a request: the peer of its connection, or the one that a trusted proxy names.
//!
//! Of the proxy headers, only `X-Forwarded-For` is read. `Forwarded` (RFC 7239) and `X-Forwarded-Host` are
//! not: common proxies pass on what a client wrote there.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::config::TrustedProxies;

/// The client of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The address used for limits, passwords and the log; IPv4 never in IPv6 notation.
    pub address: IpAddr,
    /// The other end of the connection: the client itself, or a proxy.
    peer: SocketAddr,
}

impl Client {
    /// The client of a connection from `peer`, with this value of `X-Forwarded-For`.
    ///
    /// Each proxy appends the address of its own peer, so the list is read from its end: an entry counts if
    /// the one that reported it is trusted. An unreadable entry is attributed to the proxy that passed it on.
    pub fn of(peer: SocketAddr, forwarded_for: &str, proxies: &TrustedProxies) -> Self {
        let mut address = peer.ip().to_canonical();
        for entry in forwarded_for.rsplit(',') {
            if !proxies.contain(address) {
                break;
            }
            let Some(reported) = parse(entry) else { break };
            address = reported;
        }
        Self { address, peer }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.address == self.peer.ip().to_canonical() {
            self.peer.fmt(f)
        } else {
            write!(f, "{} by way of {}", self.address, self.peer)
        }
    }
}

/// Parses an entry in the notations of proxies: an address, optionally with a port, in brackets, with a zone,
/// or in quotes.
fn parse(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let entry = entry.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(entry);
    let address = |text: &str| -> Option<IpAddr> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let (bare, is_bracketed) = bare.map_or((text, false), |bare| (bare, true));
        // The zone makes sense only to the proxy.
        let without_zone = bare.split('%').next().unwrap_or_default();
        match without_zone.parse::<Ipv6Addr>() {
            Ok(v6) => Some(v6.into()),
            Err(_) if is_bracketed => None,
            Err(_) => bare.parse::<Ipv4Addr>().ok().map(Into::into),
        }
    };
    let with_port = || {
        let v4 = entry.parse::<SocketAddrV4>().ok().map(|it| IpAddr::V4(*it.ip()));
        let v6 = || entry.parse::<SocketAddrV6>().ok().map(|it| IpAddr::V6(*it.ip()));
        let v6_with_zone = || {
            entry
                .rsplit_once("]:")
                .and_then(|(host, port)| port.parse::<u16>().ok().and_then(|_| address(&format!("{host}]"))))
        };
        v4.or_else(v6).or_else(v6_with_zone)
    };
    address(entry).or_else(with_port).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::proxies::AddressBlock;

    fn client(peer: &str, forwarded_for: &str) -> String {
        let proxies = ["127.0.0.1", "::1", "10.0.0.0/8", "fd00::/8"];
        let proxies = TrustedProxies(proxies.map(|it| it.parse::<AddressBlock>().unwrap()).to_vec());
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        Client::of(peer, forwarded_for, &proxies).address.to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_is_not_a_trusted_proxy() {
        assert_eq!(client("127.0.0.1", "192.0.2.7"), "192.0.2.7");
        assert_eq!(
            client("::ffff:127.0.0.1", "198.51.100.9, 192.0.2.7"),
            "192.0.2.7",
            "the first is hearsay"
        );
        assert_eq!(client("127.0.0.1", "198.51.100.9, 192.0.2.7, 10.1.2.3,fd00::1"), "192.0.2.7");
        assert_eq!(client("192.0.2.1", "198.51.100.9"), "192.0.2.1", "not a trusted proxy");
        assert_eq!(client("127.0.0.1", ""), "127.0.0.1");
        assert_eq!(client("127.0.0.1", "10.0.0.9, 10.0.0.8"), "10.0.0.9", "all are trusted: the farthest");
    }

    #[test]
    fn the_log_names_client_and_proxy() {
        let proxies = TrustedProxies(vec!["127.0.0.1".parse().unwrap()]);
        let name = |list: &str| Client::of(([127, 0, 0, 1], 4711).into(), list, &proxies).to_string();
        assert_eq!(name("192.0.2.7"), "192.0.2.7 by way of 127.0.0.1:4711");
        assert_eq!(name(""), "127.0.0.1:4711");
    }

    #[test]
    fn entries_in_the_notations_of_proxies() {
        for (entry, address) in [
            ("192.0.2.7:4711", "192.0.2.7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("\"[2001:db8::7]:4711\"", "2001:db8::7"),
            ("2001:DB8::7", "2001:db8::7"),
            ("fe80::7%eth0", "fe80::7"),
            ("[fe80::7%eth0]:80", "fe80::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("\t192.0.2.7 ", "192.0.2.7"),
        ] {
            assert_eq!(client("127.0.0.1", entry), address, "{entry}");
        }
    }

    #[test]
    fn an_unreadable_entry_is_attributed_to_the_proxy() {
        for entry in [
            "unknown",
            "_hidden",
            "for=192.0.2.7",
            "192.0.2",
            "192.0.2.7.8",
            "0x7f.1",
            "1.2.3.4:x",
            "[192.0.2.7]",
            "[::1",
            "::1]",
            "2001:db8::7]:1",
            "1.2.3.4%eth0",
            "\u{fffd}",
            ",",
            "localhost",
            "1.2.3.4 5",
            "[]:1",
        ] {
            assert_eq!(client("127.0.0.1", entry), "127.0.0.1", "{entry}");
            assert_eq!(client("127.0.0.1", &format!("192.0.2.7, {entry}")), "127.0.0.1", "{entry}");
            assert_eq!(client("127.0.0.1", &format!("{entry}, 192.0.2.7")), "192.0.2.7", "{entry}");
        }
        let endless = "10.0.0.1,".repeat(3000);
        assert_eq!(client("127.0.0.1", &endless), "127.0.0.1");
    }
}
