//! The text of the status screen.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use super::CLOSED;

/// Columns of the narrowest console, a text mode screen.
const COLUMNS: usize = 80;
/// Maximum cameras, addresses and mistakes to show, each; the page shows them all.
const LINES_MAX: usize = 6;

/// The content of the screen.
#[derive(Debug, Default)]
pub struct Status {
    /// The name in `.local`.
    pub name: String,
    /// Addresses in the network.
    pub addresses: Vec<IpAddr>,
    /// The service's health report, if it answers.
    pub health: Option<Value>,
    /// What is wrong in `pinhole.toml` and with Wi-Fi.
    pub mistakes: Vec<String>,
}

impl Status {
    /// The lines of the screen.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let version = self.of_health("/version").unwrap_or(env!("CARGO_PKG_VERSION"));
        let model = self.of_health("/system/model").unwrap_or_default();
        let _ = write!(text, "Pinhole {version}  {model}\n\n");
        if self.addresses.is_empty() {
            text += "  No network yet: plug in a cable, or set up Wi-Fi in pinhole.toml on the card\n";
        } else {
            let _ = writeln!(text, "  http://{}.local/", self.name);
            for address in self.addresses.iter().take(LINES_MAX) {
                let _ = match address {
                    IpAddr::V4(address) => writeln!(text, "  http://{address}/"),
                    IpAddr::V6(address) => writeln!(text, "  http://[{address}]/"),
                };
            }
        }
        text += "\nCameras\n";
        match self.health.as_ref().map(|health| &health["cameras"]) {
            None => text += "  The service does not answer; it is started again by itself\n",
            Some(Value::Array(cameras)) if !cameras.is_empty() => {
                let lines: Vec<String> = cameras.iter().map(camera).collect();
                list(&mut text, &lines);
            }
            Some(Value::Null) if self.mistakes.iter().any(|mistake| mistake.starts_with(CLOSED)) => {
                text += "  No picture is shown until pinhole.toml is corrected\n";
            }
            // With a password, only clients that know it get the report.
            Some(Value::Null) => {
                let status = self.of_health("/status").unwrap_or("unknown");
                let _ = writeln!(text, "  {status}; the page asks for the password");
            }
            Some(_) => text += "  None found; plug one in\n",
        }
        if !self.mistakes.is_empty() {
            text += "\nTo correct in pinhole.toml on the card\n";
            list(&mut text, &self.mistakes);
        }
        text
    }

    fn of_health(&self, pointer: &str) -> Option<&str> {
        self.health.as_ref()?.pointer(pointer)?.as_str()
    }
}

/// Name and state; a rate would change the screen all the time.
fn camera(camera: &Value) -> String {
    let text = |key: &str| camera[key].as_str().unwrap_or_default();
    let mut line = format!("{}: {}", text("name"), text("state"));
    if let Some(reason) = camera["reason"].as_str() {
        let _ = write!(line, ", {reason}");
    } else if let (Some(width), Some(height)) = (camera["width"].as_u64(), camera["height"].as_u64()) {
        let _ = write!(line, ", {width}x{height} {}", text("format"));
    }
    line
}

/// Each item on its own lines, broken between words.
fn list(text: &mut String, lines: &[String]) {
    for line in lines.iter().take(LINES_MAX) {
        let mut column = 0;
        for word in line.split_whitespace() {
            // Configured text must not move the cursor.
            let word: String = word.chars().filter(|c| !c.is_control()).collect();
            let length = word.chars().count();
            if column == 0 {
                text.push_str("  ");
                column = 2 + length;
            } else if column + 1 + length > COLUMNS {
                text.push_str("\n    ");
                column = 4 + length;
            } else {
                text.push(' ');
                column += 1 + length;
            }
            text.push_str(&word);
        }
        text.push('\n');
    }
    if lines.len() > LINES_MAX {
        let _ = writeln!(text, "  and {} more", lines.len() - LINES_MAX);
    }
}

/// The machine's network addresses, from `/proc/net/fib_trie` and `/proc/net/if_inet6`: IPv4's first, then
/// IPv6's of routed networks.
pub fn addresses(fib_trie: &str, if_inet6: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    let mut last: Option<Ipv4Addr> = None;
    for line in fib_trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse().ok();
        } else if line.starts_with("/32 host LOCAL") {
            found.extend(last.filter(|it| !it.is_loopback()).map(IpAddr::V4));
        }
    }
    for line in if_inet6.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // Address, interface, prefix, scope, flags, name; scope 0 is global.
        if let [digits, _, _, "00", ..] = fields[..]
            && let Ok(bits) = u128::from_str_radix(digits, 16)
        {
            found.push(IpAddr::V6(Ipv6Addr::from(bits)));
        }
    }
    let mut unique = Vec::new();
    for address in found {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIB: &str = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.2.0\n        /24 link UNICAST\n     |-- 10.0.2.15\n        /32 host LOCAL\n        |-- 127.0.0.1\n           /32 host LOCAL\nLocal:\n     |-- 10.0.2.15\n        /32 host LOCAL\n     |-- 10.0.2.255\n        /32 link BROADCAST\n";
    const INET6: &str = "00000000000000000000000000000001 01 80 10 80       lo\nfec0000000000000505400fffe123456 02 40 40 00     eth0\n2001067c000000000000000000000005 02 40 00 00     eth0\n";

    #[test]
    fn addresses_are_those_of_networks() {
        let expected: Vec<IpAddr> = vec!["10.0.2.15".parse().unwrap(), "2001:67c::5".parse().unwrap()];
        assert_eq!(addresses(FIB, INET6), expected);
        assert_eq!(addresses("garbage |-- x\n/32 host LOCAL", "x y z 00"), Vec::<IpAddr>::new());
    }

    #[test]
    fn a_working_camera() {
        let health = serde_json::json!({ "version": "1.2.3", "system": { "model": "Raspberry Pi 4" }, "cameras": [
            { "name": "yard", "state": "live", "reason": null, "width": 1280, "height": 720, "format": "MJPG" },
            { "name": "barn", "state": "lost", "reason": "camera unplugged\u{1b}[2J" } ] });
        let status = Status {
            name: "garden".into(),
            addresses: vec!["192.168.1.5".parse().unwrap()],
            health: Some(health),
            mistakes: vec!["line 7: ".to_owned() + &"word ".repeat(30)],
        };
        let text = status.text();
        for line in [
            "Pinhole 1.2.3  Raspberry Pi 4",
            "  http://garden.local/",
            "  http://192.168.1.5/",
            "  yard: live, 1280x720 MJPG",
            "  barn: lost, camera unplugged[2J",
            "To correct in pinhole.toml on the card",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
    }

    #[test]
    fn nothing_works() {
        let text = Status::default().text();
        assert!(text.contains("No network yet") && text.contains("does not answer"), "{text}");
        let status = Status { health: Some(serde_json::json!({ "status": "ok" })), ..Status::default() };
        assert!(status.text().contains("ok; the page asks for the password"), "{}", status.text());
        let mistakes = vec![format!("{CLOSED}line 3: password is not understood")];
        let status =
            Status { health: Some(serde_json::json!({ "status": "failed" })), mistakes, ..Status::default() };
        let text = status.text();
        assert!(text.contains("until pinhole.toml is corrected") && text.contains("line 3"), "{text}");
    }
}
