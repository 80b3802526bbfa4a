//! From settings to the system's own files.

use std::fmt::Write as _;

use super::settings::{Network, Settings, Wifi};
use crate::config::CLOSED_MAX_CHARS;

/// A file to write.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// Where.
    pub path: &'static str,
    /// What.
    pub content: String,
    /// Permissions: 0600 where a secret is in it.
    pub mode: u32,
}

/// `/etc/hostname`.
pub const HOST_NAME: &str = "/etc/hostname";
/// systemd-networkd's, before the one that the image has (80-).
pub const WIRED: &str = "/etc/systemd/network/50-wired.network";
/// The same for Wi-Fi.
pub const WIRELESS: &str = "/etc/systemd/network/50-wifi.network";
/// wpa_supplicant's.
pub const WIFI: &str = "/etc/wpa_supplicant.conf";
/// Where wpa_supplicant can be asked.
pub const WIFI_CONTROL: &str = "/run/wpa_supplicant";

/// The files of all settings; `password_hash` is that of the page's password.
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

/// The tables as the user wrote them. The password's hash goes below the line `[http]`, if there is one.
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
    // Whatever the tables are: not without the password.
    match crate::config::Config::parse(&text, "") {
        Ok(config) if config.http.password_hash.is_some() => text,
        _ => format!("[http]\n{key}"),
    }
}

/// A service that shows nothing but why.
fn closed(why: &str) -> String {
    let why: String = why.chars().filter(|c| !c.is_control()).take(CLOSED_MAX_CHARS).collect();
    format!("[http]\nclosed = \"{}\"\n", why.replace('\\', "\\\\").replace('"', "\\\""))
}

/// wpa_supplicant.conf(5). A name is written as hexadecimal digits, so any byte may be in it; a password
/// stands between the first and the last quote of its line, so quotes may be in it.
fn wifi(settings: &Settings) -> String {
    let mut text = format!("ctrl_interface={WIFI_CONTROL}\nupdate_config=0\np2p_disabled=1\n");
    if let Some(country) = &settings.country {
        let _ = writeln!(text, "country={country}");
    }
    // Higher numbers come first.
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
            // A key of 64 digits instead of words is WPA2's alone.
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
    // As in the files that the image has: udev, which knows types of Wi-Fi, is not waited for.
    let interface = if network.on_wifi { "Name=wlan*" } else { "Type=ether\nName=!wlan*" };
    let (address, prefix) = network.address;
    let mut text = format!(
        "[Match]\n{interface}\n\n[Link]\nRequiredForOnline=no\n\n[Network]\nAddress={address}/{prefix}\n\
         LinkLocalAddressing=ipv6\nMulticastDNS=resolve\nLLMNR=no\n"
    );
    if let Some(gateway) = network.gateway {
        let _ = writeln!(text, "Gateway={gateway}");
    }
    // A home's router answers names too.
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
    fn any_network_can_be_named_and_nothing_breaks_out_of_its_quotes() {
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
    fn the_router_is_asked_for_names_where_nobody_else_is_named() {
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
        // What the service would refuse must not take the password with it.
        assert_eq!(content("[http]\npassword_hash = \"y\"\n"), format!("[http]\n{key}"));
    }

    #[test]
    fn a_closed_service_shows_nothing_but_why() {
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
    fn what_the_image_has_where_nothing_could_be_written_is_closed() {
        let text = include_str!("../../image-build/files/etc/pinhole/pinhole.toml");
        assert!(crate::config::Config::parse(text, "f").unwrap().http.closed.is_some());
    }
}
