//! Reverse proxies that are trusted to name their clients' addresses.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::quote::quoted;

/// Networks of trusted proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(pub Vec<AddressBlock>);

impl TrustedProxies {
    /// Whether this address belongs to a trusted proxy.
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|block| block.contains(address))
    }
}

/// An address, or a network in CIDR notation (RFC 4632, section 3.1; RFC 4291, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressBlock {
    first: IpAddr,
    prefix: u32,
}

impl AddressBlock {
    /// Whether it contains this address; an IPv4 address in IPv6 notation counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(address.to_canonical(), self.prefix) == self.first
    }
}

/// The address with all but the first `prefix` bits cleared.
fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(prefix)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(prefix)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl FromStr for AddressBlock {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{} is not an address or network; write an address as in \"127.0.0.1\" or \"::1\", or \
                 ADDRESS/BITS as in \"10.0.0.0/8\" or \"fd00::/8\"",
                quoted(text)
            )
        };
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address = address.parse::<IpAddr>().map_err(|_| wrong())?.to_canonical();
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits_max,
            Some(bits) if !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= bits_max).ok_or_else(|| {
                    format!(
                        "{} is not a network; the bits behind {address} are 0 to {bits_max}",
                        quoted(text)
                    )
                })?
            }
            Some(_) => return Err(wrong()),
        };
        let first = masked(address, prefix);
        if first != address {
            return Err(format!(
                "{} names an address within a network; write \"{first}/{prefix}\" for the whole network, \
                 or \"{address}\" for this address",
                quoted(text)
            ));
        }
        Ok(Self { first, prefix })
    }
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn addresses_and_networks() {
        let block = |text: &str| text.parse::<AddressBlock>().unwrap();
        let holds = |text: &str, address: &str| block(text).contains(address.parse().unwrap());
        assert!(holds("192.0.2.1", "192.0.2.1") && holds("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!holds("192.0.2.1", "192.0.2.2") && !holds("192.0.2.1", "::192.0.2.1"));
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("fd00::/8", "fdff::1") && !holds("fd00::/8", "fe80::1") && holds("::1", "::1"));
        assert!(holds("0.0.0.0/0", "198.51.100.1") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1") && !holds("::/0", "198.51.100.1"));
        assert_eq!(block("fd00::/8").to_string(), "fd00::/8");
    }

    #[test]
    fn mistakes_give_the_correct_form() {
        for (text, part) in [
            ("10.0.0.0/33", "the bits behind 10.0.0.0 are 0 to 32"),
            ("::1/129", "the bits behind ::1 are 0 to 128"),
            ("10.0.0.5/8", "write \"10.0.0.0/8\" for the whole network, or \"10.0.0.5\""),
            ("fe80::1/64", "write \"fe80::/64\""),
            ("proxy.example.org", "is not an address or network; write an address as in"),
            ("10.0.0/8", "is not an address"),
            ("10.0.0.0/", "is not an address"),
            ("10.0.0.0/+8", "is not an address"),
            ("10.0.0.0/255.0.0.0", "is not an address"),
            ("127.0.0.1:80", "is not an address"),
            ("[::1]", "is not an address"),
            ("*", "is not an address"),
            ("", "is not an address"),
        ] {
            let error = text.parse::<AddressBlock>().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn in_a_file_each_mistake_has_its_line_and_key() {
        let text =
            "[http]\ntrusted_proxies = [\"127.0.0.1\", \"fd00::/8\"]\nhosts = [\"Cam.Example.org.\"]\n";
        let http = Config::parse(text, "f").unwrap().http;
        assert_eq!(http.hosts, ["cam.example.org"]);
        assert!(http.trusted_proxies.contain("127.0.0.1".parse().unwrap()));
        let text = "[http]\nhosts = [\n  \"a.example\",\n  \"b.example:80\",\n]\ntrusted_proxies = [\"10.0.0.5/8\"]\n";
        let wrong = Config::parse(text, "f").unwrap_err().to_string();
        assert!(wrong.contains("f:4: http.hosts: \"b.example:80\" is not a host name"), "{wrong}");
        assert!(wrong.contains("f:6: http.trusted_proxies: \"10.0.0.5/8\" names an address"), "{wrong}");
        let many = format!("[http]\ntrusted_proxies = [{}]\n", "\"::1\",".repeat(65));
        let wrong = Config::parse(&many, "f").unwrap_err().to_string();
        assert_eq!(wrong, "f:2: http.trusted_proxies: must have at most 64 entries, got 65");
    }
}
