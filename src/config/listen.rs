//! Addresses to listen on, in common spellings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::quote::quoted;

/// The meaning of one entry: an address and its port, or two for `localhost`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen(pub Vec<SocketAddr>);

impl FromStr for Listen {
    type Err = String;

    /// `ADDRESS:PORT`; `localhost:PORT`, which is 127.0.0.1 and ::1; and `PORT`, `:PORT` or `*:PORT` for
    /// every address.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self(vec![address]));
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let number = if is_number { Some(port.parse().map_err(|_| wrong_port(port))?) } else { None };
        let at = |addresses: &[IpAddr], port: u16| {
            Ok(Self(addresses.iter().map(|address| SocketAddr::new(*address, port)).collect()))
        };
        match (host.to_ascii_lowercase().as_str(), number) {
            ("" | "*", Some(port)) => at(&[Ipv6Addr::UNSPECIFIED.into()], port),
            ("localhost", Some(port)) => at(&[Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()], port),
            _ => Err(explain(text)),
        }
    }
}

fn wrong_port(port: &str) -> String {
    format!("port must be 1 to 65535, got {}", quoted(port).trim_matches('"'))
}

/// Explains why an address cannot be parsed.
fn explain(text: &str) -> String {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        let with_port = SocketAddr::new(address, 8080);
        return format!("{} has no port; write \"{with_port}\"", quoted(text));
    }
    let how =
        "write ADDRESS:PORT, as in \"[::]:80\", \"0.0.0.0:8080\" or \"localhost:8080\", or a port alone";
    let what = match text.rsplit_once(':') {
        _ if text.is_empty() => "is empty",
        _ if text.contains("//") || text.contains('/') => "is a URL or a path, not an address",
        _ if text.eq_ignore_ascii_case("localhost") => "has no port",
        Some((host, _)) if host.parse::<Ipv6Addr>().is_ok() => "needs [ ] around its IPv6 address",
        Some((_, port)) if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) => {
            "has no port number at its end"
        }
        Some(_) => "names a machine; this must be an address of this machine, or localhost",
        None => "is not an address with a port",
    };
    format!("{} {what}; {how}", quoted(text))
}

/// Why two of the addresses cannot be listened on together, with the position of the later one.
pub fn clash(addresses: &[SocketAddr]) -> Option<(usize, String)> {
    for (later, address) in addresses.iter().enumerate() {
        for before in &addresses[..later] {
            if before == address && address.port() != 0 {
                return Some((later, format!("{address} stands here twice; leave one of them out")));
            }
            let covers = |one: &SocketAddr, other: &SocketAddr| {
                one.port() == other.port()
                    && one.port() != 0
                    && match one.ip() {
                        // A socket on [::] accepts IPv4 connections too.
                        IpAddr::V6(ip) => ip.is_unspecified(),
                        IpAddr::V4(ip) => ip.is_unspecified() && other.is_ipv4(),
                    }
            };
            let (all, one) = match (covers(before, address), covers(address, before)) {
                (true, _) => (before, address),
                (_, true) => (address, before),
                _ => continue,
            };
            return Some((later, format!("{all} includes {one}; leave {one} out")));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_common_spellings() {
        let parsed = |text: &str| text.parse::<Listen>().map(|listen| listen.0);
        let addresses = |texts: &[&str]| Ok(texts.iter().map(|text| text.parse().unwrap()).collect());
        for text in ["8080", ":8080", "*:8080", " 8080 ", "[::]:8080"] {
            assert_eq!(parsed(text), addresses(&["[::]:8080"]), "{text}");
        }
        assert_eq!(parsed("localhost:80"), addresses(&["127.0.0.1:80", "[::1]:80"]));
        assert_eq!(parsed("LocalHost:80"), addresses(&["127.0.0.1:80", "[::1]:80"]));
        for (text, words) in [
            ("", "\"\" is empty"),
            ("70000", "port must be 1 to 65535, got 70000"),
            (":99999999999999999999", "port must be 1 to 65535"),
            ("0.0.0.0", "\"0.0.0.0\" has no port; write \"0.0.0.0:8080\""),
            ("::1", "\"::1\" has no port; write \"[::1]:8080\""),
            ("[::]", "\"[::]\" has no port; write \"[::]:8080\""),
            ("localhost", "\"localhost\" has no port"),
            ("0.0.0.0:", "\"0.0.0.0:\" has no port number"),
            ("http://0.0.0.0:80/", "\"...\" is a URL or a path"),
            ("camera.lan:80", "\"camera.lan:80\" names a machine"),
            ("fe80::1%eth0:80", "\"fe80::1%eth0:80\""),
            ("-1", "\"-1\" is not an address"),
            ("8o80", "\"8o80\" is not an address"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.starts_with(words), "{text}: {error}");
        }
    }

    #[test]
    fn two_addresses_that_clash() {
        let found = |texts: &[&str]| {
            clash(&texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>()).map(|(_, what)| what)
        };
        assert_eq!(
            found(&["[::]:80", "[::]:80"]).as_deref(),
            Some("[::]:80 stands here twice; leave one of them out")
        );
        for both in [["[::]:80", "127.0.0.1:80"], ["127.0.0.1:80", "[::]:80"]] {
            assert_eq!(
                found(&both).as_deref(),
                Some("[::]:80 includes 127.0.0.1:80; leave 127.0.0.1:80 out")
            );
        }
        assert!(
            found(&["[::]:80", "0.0.0.0:80"]).is_some() && found(&["0.0.0.0:80", "10.0.0.1:80"]).is_some()
        );
        for both in [["[::]:80", "[::]:81"], ["127.0.0.1:80", "[::1]:80"], ["0.0.0.0:80", "[::1]:80"]] {
            assert_eq!(found(&both), None, "{both:?}");
        }
        // Port 0 is a different free port each time.
        assert_eq!(found(&["127.0.0.1:0", "127.0.0.1:0"]), None);
    }
}
