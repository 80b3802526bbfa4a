//! The settings of the card except cameras, and the check of each value.

use std::fmt;
use std::net::IpAddr;

use crate::config::quote::quoted;

/// Maximum networks in `pinhole.toml`.
pub const WIFI_MAX: usize = 8;
/// Maximum name servers in `pinhole.toml`: as many as the C library's resolver uses.
pub const DNS_MAX: usize = 3;

/// A password, which is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("...")
    }
}

/// The valid settings of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// Host name, which is also the name in `.local`.
    pub name: Option<String>,
    /// A name from the time zone database.
    pub time_zone: Option<String>,
    /// The password of the page.
    pub password: Option<Secret>,
    /// The ISO 3166 country whose radio rules apply.
    pub country: Option<String>,
    /// Wireless networks, in order of preference.
    pub wifi: Vec<Wifi>,
    /// A fixed address.
    pub network: Option<Network>,
    /// The sections `[[camera]]` and `[http]`, checked.
    pub service: String,
    /// Why nothing is shown: the file may have been meant to set a password, and has none.
    pub closed: Option<String>,
}

/// A wireless network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wifi {
    /// Its name, the SSID.
    pub name: String,
    /// `None` for an open network.
    pub password: Option<Secret>,
    /// Whether the access point hides its name.
    pub hidden: bool,
}

/// A fixed address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// For Wi-Fi instead of the cable.
    pub on_wifi: bool,
    /// Address and prefix length.
    pub address: (IpAddr, u8),
    /// The router.
    pub gateway: Option<IpAddr>,
    /// Name servers.
    pub dns: Vec<IpAddr>,
}

/// A host name: one label (RFC 1123, 2.1), in lower case.
///
/// # Errors
/// What is allowed.
pub fn host_name(text: &str) -> Result<String, String> {
    let name = text.to_ascii_lowercase();
    let name = name.strip_suffix(".local").unwrap_or(&name);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if (1..=63).contains(&name.len())
        && name.bytes().all(fits)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name != "localhost"
    {
        return Ok(name.to_owned());
    }
    Err(format!(
        "must be 1 to 63 letters a-z, digits or \"-\" (not first or last), as in \"garden\", got {}",
        quoted(text)
    ))
}

/// A country code of two letters, in upper case.
///
/// # Errors
/// What is allowed.
pub fn country(text: &str) -> Result<String, String> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(text.to_ascii_uppercase());
    }
    Err(format!(
        "must be your country's two letters, as in \"DE\", \"FR\", \"GB\" or \"US\", got {}",
        quoted(text)
    ))
}

/// The name of a network.
///
/// # Errors
/// What is allowed.
pub fn wifi_name(text: &str) -> Result<String, String> {
    if (1..=32).contains(&text.len()) {
        return Ok(text.to_owned());
    }
    Err(format!("must be 1 to 32 bytes long, got {}", text.len()))
}

/// The password of a network: 8 to 63 printable ASCII characters or 64 hexadecimal digits (IEEE 802.11, Annex
/// J.4). An open network has an empty one.
///
/// # Errors
/// What is allowed, without the password.
pub fn wifi_password(text: &str) -> Result<Option<Secret>, String> {
    let is_key = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(at) = text.chars().position(|c| !matches!(c, ' '..='~')) {
        return Err(format!(
            "character {} is not allowed in a Wi-Fi password; use letters without accents, digits, spaces and the signs of an English keyboard",
            at + 1
        ));
    }
    match text.len() {
        0 => Ok(None),
        8..=63 => Ok(Some(Secret(text.to_owned()))),
        64 if is_key => Ok(Some(Secret(text.to_owned()))),
        length => Err(format!("must be 8 to 63 characters long, or empty for an open network, got {length}")),
    }
}

/// The password of the page.
///
/// # Errors
/// What is allowed, without the password.
pub fn page_password(text: &str) -> Result<Option<Secret>, String> {
    match text.chars().count() {
        0 => Ok(None),
        1..=128 if !text.chars().any(char::is_control) => Ok(Some(Secret(text.to_owned()))),
        1..=128 => Err("has a control character, which nobody can type; take it out".into()),
        length => Err(format!("must be at most 128 characters long, got {length}")),
    }
}

/// `ADDRESS/PREFIX`; without a prefix, a home network's.
///
/// # Errors
/// What is allowed.
pub fn address(text: &str) -> Result<(IpAddr, u8), String> {
    let (address, prefix) =
        text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let parsed = address.trim().parse::<IpAddr>().ok();
    let usable = parsed.filter(|it| !it.is_unspecified() && !it.is_loopback() && !it.is_multicast());
    let checked = usable.and_then(|address| {
        let (usual, max) = if address.is_ipv4() { (24, 32) } else { (64, 128) };
        let prefix = prefix.map_or(Some(usual), |prefix| prefix.trim().parse().ok())?;
        (1..=max).contains(&prefix).then_some((address, prefix))
    });
    checked.ok_or_else(|| format!("must be ADDRESS/PREFIX, as in \"192.168.1.50/24\", got {}", quoted(text)))
}

/// An address without a prefix.
///
/// # Errors
/// What is allowed.
pub fn plain_address(text: &str) -> Result<IpAddr, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("must be an address, as in \"192.168.1.1\", got {}", quoted(text)))
}

/// The name of a time zone, which is also a path.
///
/// # Errors
/// What is allowed.
pub fn time_zone(text: &str, exists: impl Fn(&str) -> bool) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '+' | '-');
    if !text.is_empty() && text.chars().all(fits) && !text.starts_with('/') && exists(text) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "must be a time zone, as in \"Europe/Berlin\", \"America/New_York\" or \"UTC\", got {}",
        quoted(text)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_allowed() {
        assert_eq!(host_name("Garden.local"), Ok("garden".into()));
        assert_eq!(country("de"), Ok("DE".into()));
        assert_eq!(address("192.168.1.50"), Ok(("192.168.1.50".parse().unwrap(), 24)));
        assert_eq!(address("fd00::5/48"), Ok(("fd00::5".parse().unwrap(), 48)));
        assert_eq!(wifi_password(""), Ok(None));
        assert_eq!(wifi_password("say \"hi\" #1"), Ok(Some(Secret("say \"hi\" #1".into()))));
        assert!(wifi_password(&"aB".repeat(32)).is_ok());
        assert_eq!(time_zone("Europe/Berlin", |_| true), Ok("Europe/Berlin".into()));
    }

    #[test]
    fn refusals_give_the_allowed_form_and_no_secret() {
        for wrong in ["", "-a", "a_b", "a.b", "k\u{fc}che", "localhost"] {
            assert!(host_name(wrong).unwrap_err().contains("letters a-z"), "{wrong}");
        }
        assert!(country("Germany").unwrap_err().contains("\"DE\""));
        for wrong in ["secret", &"secret12".repeat(9), "secret\u{fc}sec"] {
            let error = wifi_password(wrong).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        for wrong in ["192.168.1.500/24", "192.168.1.5/33", "127.0.0.1/8", "fd00::1/200", "192.168.1.5/"] {
            assert!(address(wrong).unwrap_err().contains("192.168.1.50/24"), "{wrong}");
        }
        for wrong in ["../../etc/shadow", "/etc/shadow", "Mars/Base", ""] {
            assert!(time_zone(wrong, |zone| !zone.starts_with("Mars")).is_err(), "{wrong}");
        }
        assert_eq!(format!("{:?}", Secret("x".into())), "...");
    }
}
