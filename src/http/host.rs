//! The Host of a request, and whether it means this service.
//!
//! A foreign page cannot read this service's answers, but it can make its own name resolve to this machine a
//! moment later (DNS rebinding): then the browser sees page and camera as one site. It still sends the page's
//! name as Host. So only hosts that no page on the Internet can have are accepted: addresses, names that
//! public DNS does not resolve, and configured names.

use std::cell::RefCell;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::clock::{Clock, Monotonic};
use crate::config::host::normalised;

/// How long the machine's own names are cached: a DHCP server may assign a domain long after the start.
const NAMES_KEPT: Duration = Duration::from_secs(10);

/// The host of a request (RFC 9110, section 7.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    name: Name,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Address(IpAddr),
    /// In normalised form.
    Name(String),
}

impl Host {
    /// Parses `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']')?;
            (Name::Address(IpAddr::V6(ipv6(address)?)), port)
        } else {
            let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
            (name(host)?, port)
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => None,
            // RFC 3986, section 3.2.3: the digits may be missing.
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
            None | Some(_) => return None,
        };
        Some(Self { name: host, port })
    }

    /// Whether both are the same, given the scheme's default port.
    pub fn is_same(&self, other: &Self, default_port: u16) -> bool {
        self.name == other.name && self.port.unwrap_or(default_port) == other.port.unwrap_or(default_port)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Address(address) => address.fmt(f),
            Name::Name(name) => name.fmt(f),
        }
    }
}

fn name(text: &str) -> Option<Name> {
    // Browsers treat "192.0.2.1." as the address, too.
    match text.strip_suffix('.').unwrap_or(text).parse::<Ipv4Addr>() {
        Ok(address) => Some(Name::Address(address.into())),
        Err(_) => normalised(text).map(Name::Name),
    }
}

/// Parses an address, optionally with a zone: `fe80::1%eth0`, or with `%25` as in URLs (RFC 6874).
fn ipv6(text: &str) -> Option<Ipv6Addr> {
    let Some((address, zone)) = text.split_once('%') else { return text.parse().ok() };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    let zone = zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone);
    (!zone.is_empty() && zone.bytes().all(fits)).then_some(())?;
    address.parse().ok()
}

/// The hosts that this service answers to.
#[derive(Debug)]
pub struct Hosts {
    configured: Vec<String>,
    clock: Clock,
    /// The machine's own fully qualified names, and when they were looked up.
    own: RefCell<Option<(Monotonic, Vec<String>)>>,
}

impl Hosts {
    /// The configured names in [`normalised`] form, in addition to those that are always accepted.
    pub fn new(configured: Vec<String>, clock: Clock) -> Self {
        Self { configured, clock, own: RefCell::default() }
    }

    /// Whether a request for this host is meant for this service.
    pub fn contain(&self, host: &Host) -> bool {
        let name = match &host.name {
            Name::Address(_) => return true,
            Name::Name(name) => name,
        };
        // A name without a dot (localhost, this machine's name, a container's, one from a hosts file or a
        // router) has no entry in public DNS. `.localhost` stays on the browser's machine (RFC 6761, section
        // 6.3), `.local` on its link (RFC 6762, section 3).
        let is_never_public = match name.rsplit_once('.') {
            None => true,
            Some((_, top)) => matches!(top, "localhost" | "local"),
        };
        is_never_public || self.configured.contains(name) || self.own_contain(name)
    }

    fn own_contain(&self, name: &String) -> bool {
        let now = self.clock.now();
        let mut own = self.own.borrow_mut();
        let is_fresh = own.as_ref().is_some_and(|(then, _)| now.since(*then) < NAMES_KEPT);
        if !is_fresh {
            let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
            let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
            *own = Some((now, own_names(&host_name, &read("/etc/hosts"), &read("/etc/resolv.conf"))));
        }
        own.as_ref().is_some_and(|(_, names)| names.contains(name))
    }
}

/// The fully qualified names of a machine: its host name if that has a domain, the names next to it in
/// hosts(5), and the host name in the domains of resolv.conf(5), which DHCP sets.
fn own_names(host_name: &str, hosts: &str, resolv_conf: &str) -> Vec<String> {
    let Some(full) = normalised(host_name) else { return Vec::new() };
    let short = full.split('.').next().unwrap_or_default();
    let is_own = |word: &&str| normalised(word).is_some_and(|name| name == full || name == short);
    let mut names = vec![full.clone()];
    for line in hosts.lines() {
        let words = || line.split('#').next().unwrap_or_default().split_whitespace().skip(1);
        if words().any(|word| is_own(&word)) {
            names.extend(words().filter_map(normalised));
        }
    }
    for line in resolv_conf.lines() {
        let mut words = line.split_whitespace();
        if matches!(words.next(), Some("search" | "domain")) {
            names.extend(words.filter_map(|domain| normalised(&format!("{short}.{domain}"))));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_host(text: &str) -> bool {
        Host::parse(text).is_some()
    }

    #[test]
    fn valid_and_invalid_host_headers() {
        for good in [
            "pi",
            "PI.local.",
            "pi:8080",
            "pi:",
            "192.0.2.1",
            "192.0.2.1.:80",
            "[::1]",
            "[2001:DB8::1]:8080",
            "[fe80::1%25eth0]:80",
            "[fe80::1%eth0]",
            "my_pi",
            "0x10",
            "2130706433",
        ] {
            assert!(is_host(good), "{good}");
        }
        for wrong in [
            "",
            ":80",
            ".",
            "a..b",
            "a b",
            "a,b",
            "a/b",
            "a@b",
            "user@a",
            "a?b",
            "a#b",
            "::1",
            "[::1",
            "[::1]80",
            "[::1]:x",
            "[192.0.2.1]",
            "[]",
            "[fe80::1%]",
            "[fe80::1% x]",
            "a:80:80",
            "a:+80",
            "a:65536",
            "a:-1",
            "a%2eb",
            "http://a",
            "\"a\"",
            "*",
            "a\u{f6}",
        ] {
            assert!(!is_host(wrong), "{wrong}");
        }
        let same =
            |one: &str, other: &str| Host::parse(one).unwrap().is_same(&Host::parse(other).unwrap(), 80);
        assert!(same("Pi:80", "pi.") && same("[::1]", "[0::1]:80"));
        assert!(!same("pi:8080", "pi") && !same("pi", "pi.local"));
    }

    #[test]
    fn issue_10_number_6_only_hosts_that_no_foreign_page_can_have() {
        let hosts = Hosts::new(vec!["cam.example.org".to_owned()], Clock::manual().0);
        let known = |text: &str| hosts.contain(&Host::parse(text).unwrap());
        for ours in [
            "127.0.0.1:8080",
            "192.0.2.7",
            "[fe80::1%25eth0]:8080",
            "localhost",
            "LOCALHOST.",
            "a.localhost:1",
            "pinhole.local",
            "Pinhole-2.LOCAL.:80",
            "cam.example.org",
            "CAM.example.org.:443",
            "octopi",
        ] {
            assert!(known(ours), "{ours}");
        }
        for foreign in [
            "evil.example",
            "local.evil.example",
            "pinhole.local.evil.example",
            "evil-local.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1.nip.io",
            "x.cam.example.org",
            "cam.example.org.evil.example",
            "1.2.3.4.5",
            "127.0.1",
            "notlocal.xlocal",
        ] {
            assert!(!known(foreign), "{foreign}");
        }
    }

    #[test]
    fn the_machine_has_its_fully_qualified_names() {
        let hosts =
            "127.0.0.1 localhost\n127.0.1.1 cam.example.org Cam # here\n192.0.2.9 other.example.org\n";
        let names =
            own_names("cam", hosts, "nameserver 192.0.2.1\nsearch fritz.box lan.\ndomain home.arpa\n");
        assert_eq!(names, ["cam", "cam.example.org", "cam", "cam.fritz.box", "cam.lan", "cam.home.arpa"]);
        assert_eq!(own_names("cam.example.net", "", "search lan"), ["cam.example.net", "cam.lan"]);
        assert!(own_names("(none)", hosts, "search lan").is_empty());
    }
}
