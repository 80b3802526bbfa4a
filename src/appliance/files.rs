//! Makes the system's own configuration files from settings.

use std::fmt::Write as _;

use super::settings::{Network, Settings, Wifi};
use crate::config::CLOSED_MAX_CHARS;

/// A file to write.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Its path.
    pub path: &'static str,
    /// Its content.
    pub content: String,
    /// Permissions: 0600 if it holds a secret.
    pub mode: u32,
}

/// `/etc/hostname`.
pub const HOST_NAME: &str = "/etc/hostname";
/// systemd-networkd's, which takes precedence over the image's own (80-).
pub const WIRED: &str = "/etc/systemd/network/50-wired.network";
/// The same for Wi-Fi.
pub const WIRELESS: &str = "/etc/systemd/network/50-wifi.network";
/// wpa_supplicant's.
pub const WIFI: &str = "/etc/wpa_supplicant.conf";
/// wpa_supplicant's control socket folder.
pub const WIFI_CONTROL: &str = "/run/wpa_supplicant";

/// The files for all settings; `password_hash` is the hash of the page's password.
pub fn files(settings: &Settings, password_hash: Option<&str>) -> Vec<File> {
    let mut files = vec![File {
        path: crate::config::DEFAULT_FILE,
        content: service(settings, password_hash),
        mode: 0o640,
    }];
    if let Some(name) = &settings.name {
        files.push(File { path: HOST_NAME, content: format!("{name}\n"), mode: 0o644 });
    }
    if !settings.wifi.is_empty() {
        files.push(File { path: WIFI, content: wifi(settings), mode: 0o600 });
    }
    if let Some(network) = &settings.network {
        let path = if network.on_wifi { WIRELESS } else { WIRED };
        files.push(File { path, content: network_file(network), mode: 0o644 });
    }
    files
}

/// The tables as the user wrote them. The password's hash goes after the line `[http]`, if there is one.
fn service(settings: &Settings, password_hash: Option<&str>) -> String {
    if let Some(why) = &settings.closed {
        return closed(why);
    }
    let Some(hash) = password_hash else { return settings.service.clone() };
    let key = format!("password_hash = \"{hash}\"\n");
    let mut text = String::new();
    let mut is_written = false;
    for line in settings.service.lines() {
        text.push_str(line);
        text.push('\n');
        if !is_written && super::blocks::header(line) == Some("http") {
            text.push_str(&key);
            is_written = true;
        }
    }
    if !is_written {
        let _ = write!(text, "\n[http]\n{key}");
    }
    // Whatever the tables contain, they are not served without the password.
    match crate::config::Config::parse(&text, "") {
        Ok(config) if config.http.password_hash.is_some() => text,
        _ => format!("[http]\n{key}"),
    }
}

/// A configuration that shows nothing but the reason.
fn closed(why: &str) -> String {
    let why: String = why.chars().filter(|c| !c.is_control()).take(CLOSED_MAX_CHARS).collect();
    format!("[http]\nclosed = \"{}\"\n", why.replace('\\', "\\\\").replace('"', "\\\""))
}

/// wpa_supplicant.conf(5). A name is written as hexadecimal digits, so it may contain any byte; a password is
/// everything between the first and the last quote of its line, so it may contain quotes.
fn wifi(settings: &Settings) -> String {
    let mut text = format!("ctrl_interface={WIFI_CONTROL}\nupdate_config=0\np2p_disabled=1\n");
    if let Some(country) = &settings.country {
        let _ = writeln!(text, "country={country}");
    }
    // Higher numbers are preferred.
    for (preference, Wifi { name, password, hidden }) in (1..=settings.wifi.len()).rev().zip(&settings.wifi) {
        text.push_str("network={\n\tssid=");
        name.bytes().for_each(|byte| {
            let _ = write!(text, "{byte:02x}");
        });
        let _ = write!(text, "\n\tpriority={preference}\n");
        if *hidden {
            text.push_str("\tscan_ssid=1\n");
        }
        match password {
            None => text.push_str("\tkey_mgmt=NONE\n"),
            // A key of 64 digits instead of a passphrase works with WPA2 only.
            Some(key) if key.0.len() == 64 => {
                let _ = write!(text, "\tkey_mgmt=WPA-PSK WPA-PSK-SHA256\n\tieee80211w=1\n\tpsk={}\n", key.0);
            }
            Some(words) => {
                let _ = write!(
                    text,
                    "\tkey_mgmt=WPA-PSK WPA-PSK-SHA256 SAE\n\tieee80211w=1\n\tpsk=\"{}\"\n",
                    words.0
                );
            }
        }
        text.push_str("}\n");
    }
    text
}

/// systemd.network(5).
fn network_file(network: &Network) -> String {
    // As in the image's own files: matches by name, without waiting for udev, which knows the type of a Wi-Fi
    // interface.
    let interface = if network.on_wifi { "Name=wlan*" } else { "Type=ether\nName=!wlan*" };
    let (address, prefix) = network.address;
    let mut text = format!(
        "[Match]\n{interface}\n\n[Link]\nRequiredForOnline=no\n\n[Network]\nAddress={address}/{prefix}\n\
         LinkLocalAddressing=ipv6\nMulticastDNS=resolve\nLLMNR=no\n"
    );
    if let Some(gateway) = network.gateway {
        let _ = writeln!(text, "Gateway={gateway}");
    }
    // A home's router answers DNS too.
    let dns = if network.dns.is_empty() { network.gateway.as_slice() } else { &network.dns };
    for server in dns {
        let _ = writeln!(text, "DNS={server}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appliance::settings::Secret;

    fn all(settings: &Settings) -> Vec<File> {
        files(settings, None)
    }

    #[test]
    fn without_settings_only_the_service_has_a_file() {
        let files = all(&Settings::default());
        assert_eq!(files.len(), 1);
        assert_eq!((files[0].path, files[0].content.as_str()), ("/etc/pinhole/pinhole.toml", ""));
    }

    #[test]
    fn any_network_name_is_possible_and_no_value_escapes_its_quotes() {
        let wifi = |name: &str, password: Option<&str>| Wifi {
            name: name.into(),
            password: password.map(|it| Secret(it.into())),
            hidden: false,
        };
        let settings = Settings {
            country: Some("DE".into()),
            wifi: vec![wifi("a\"\n}", Some("pass\"w}rd #1")), wifi("open", None)],
            ..Settings::default()
        };
        let file = all(&settings).remove(1);
        assert_eq!(file.mode, 0o600);
        let lines: Vec<_> = file.content.lines().map(str::trim).collect();
        assert!(lines.contains(&"ssid=61220a7d") && lines.contains(&"psk=\"pass\"w}rd #1\""), "{lines:?}");
        assert!(lines.contains(&"country=DE") && lines.contains(&"key_mgmt=NONE"));
        let priorities: Vec<_> = lines.iter().filter(|line| line.starts_with("priority")).collect();
        assert_eq!(priorities, [&"priority=2", &"priority=1"]);
    }

    #[test]
    fn the_router_is_the_default_name_server() {
        let network = Network {
            on_wifi: false,
            address: ("192.168.1.50".parse().unwrap(), 24),
            gateway: "192.168.1.1".parse().ok(),
            dns: Vec::new(),
        };
        let file = all(&Settings { network: Some(network), ..Settings::default() }).remove(1);
        assert_eq!(file.path, WIRED);
        for line in
            ["Type=ether", "Name=!wlan*", "Address=192.168.1.50/24", "Gateway=192.168.1.1", "DNS=192.168.1.1"]
        {
            assert!(file.content.lines().any(|it| it == line), "{line}");
        }
    }

    #[test]
    fn the_hash_joins_the_http_table() {
        let hash = crate::config::PasswordHash::of("x").unwrap().to_string();
        let key = format!("password_hash = \"{hash}\"\n");
        let content = |service: &str| {
            files(&Settings { service: service.into(), ..Settings::default() }, Some(&hash)).remove(0).content
        };
        assert_eq!(content(""), format!("\n[http]\n{key}"));
        assert_eq!(content("[http]\nallow_origin = \"*\"\n"), format!("[http]\n{key}allow_origin = \"*\"\n"));
        // A configuration that the service would refuse must not take the password with it.
        assert_eq!(content("[http]\npassword_hash = \"y\"\n"), format!("[http]\n{key}"));
    }

    #[test]
    fn a_closed_service_shows_only_the_reason() {
        let why = "line 3: \"a\\b\"\n is odd";
        let settings = Settings {
            closed: Some(why.into()),
            service: "[[camera]]\nsource = \"test:\"\n".into(),
            ..Settings::default()
        };
        let content = all(&settings).remove(0).content;
        let config = crate::config::Config::parse(&content, "f").unwrap();
        assert_eq!(config.http.closed.as_deref(), Some("line 3: \"a\\b\" is odd"));
        let long = Settings { closed: Some("x".repeat(9000)), ..settings };
        let config = crate::config::Config::parse(&all(&long).remove(0).content, "f").unwrap();
        assert_eq!(config.http.closed.map(|why| why.len()), Some(CLOSED_MAX_CHARS));
    }

    #[test]
    fn the_files_of_the_image_are_closed_in_case_nothing_can_be_written() {
        let text = include_str!("../../image-build/files/etc/pinhole/pinhole.toml");
        assert!(crate::config::Config::parse(text, "f").unwrap().http.closed.is_some());
    }
}
