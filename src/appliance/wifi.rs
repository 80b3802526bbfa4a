//! Wi-Fi that does not come up, in words: wpa_supplicant's events on its control socket.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use super::files::WIFI_CONTROL;

/// Where wpa_supplicant answers to.
const OWN_SOCKET: &str = "/run/pinhole-appliance/wifi-events";
/// Bytes of an event; longer ones are cut, which the words that are looked for survive.
const EVENT_MAX_BYTES: usize = 1024;
/// Events taken at a time; the rest waits for the next time.
const EVENTS_MAX: usize = 64;

/// What is wrong at present.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Trouble(Option<String>);

impl Trouble {
    /// In words, if anything is wrong.
    pub fn words(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Takes an event, as in `<3>CTRL-EVENT-CONNECTED - Connection to ...`.
    pub fn event(&mut self, event: &str) {
        let event = event.split_once('>').map_or(event, |(_, event)| event);
        let (name, rest) = event.split_once(' ').unwrap_or((event, ""));
        match name {
            "CTRL-EVENT-CONNECTED" => self.0 = None,
            "CTRL-EVENT-SSID-TEMP-DISABLED" => {
                let ssid =
                    rest.split_once("ssid=\"").and_then(|(_, rest)| rest.rsplit_once("\" auth_failures"));
                let ssid = ssid.map_or("the network", |(ssid, _)| ssid);
                self.0 = Some(if rest.contains("reason=WRONG_KEY") {
                    format!("Wi-Fi: \"{ssid}\" refuses the password; correct wifi.password in pinhole.toml")
                } else {
                    format!(
                        "Wi-Fi: \"{ssid}\" cannot be joined; check wifi.password in pinhole.toml, and the distance to the router"
                    )
                });
            }
            // A refused password stays the better explanation while the network is left alone for a while.
            "CTRL-EVENT-NETWORK-NOT-FOUND" if self.0.is_none() => {
                self.0 = Some(
                    "Wi-Fi: no network of pinhole.toml is in reach; check wifi.name (capitals matter), and the distance to the router"
                        .into(),
                );
            }
            _ => {}
        }
    }
}

/// Listens to wpa_supplicant, whenever one is there.
#[derive(Debug, Default)]
pub struct Listener {
    socket: Option<UnixDatagram>,
    /// What is wrong at present.
    pub trouble: Trouble,
}

impl Listener {
    /// Takes what has come since the last time; does not wait.
    pub fn poll(&mut self) {
        if self.socket.is_none() {
            self.socket = attach();
        }
        let mut event = [0; EVENT_MAX_BYTES];
        for _ in 0..EVENTS_MAX {
            let Some(socket) = &self.socket else { return };
            match socket.recv(&mut event) {
                Ok(length) => self.trouble.event(&String::from_utf8_lossy(&event[..length])),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => self.socket = None,
            }
        }
        // A wpa_supplicant that was started anew does not know of us.
        if self.socket.as_ref().is_some_and(|socket| socket.send(b"PING").is_err()) {
            self.socket = None;
        }
    }
}

fn attach() -> Option<UnixDatagram> {
    let interface = fs::read_dir(WIFI_CONTROL).ok()?.flatten().next()?;
    let _ = fs::remove_file(OWN_SOCKET);
    fs::create_dir_all(Path::new(OWN_SOCKET).parent()?).ok()?;
    let socket = UnixDatagram::bind(OWN_SOCKET).ok()?;
    socket.set_nonblocking(true).ok()?;
    socket.connect(interface.path()).ok()?;
    socket.send(b"ATTACH").ok()?;
    Some(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_password_is_told_until_it_works() {
        let mut trouble = Trouble::default();
        trouble.event("<3>CTRL-EVENT-SCAN-RESULTS ");
        assert_eq!(trouble.words(), None);
        trouble.event(
            "<3>CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid=\"my \"home\"\" auth_failures=2 duration=20 reason=WRONG_KEY",
        );
        assert!(
            trouble.words().is_some_and(|it| it.contains("\"my \"home\"\" refuses the password")),
            "{trouble:?}"
        );
        trouble.event("<3>CTRL-EVENT-NETWORK-NOT-FOUND ");
        assert!(trouble.words().is_some_and(|it| it.contains("refuses")));
        trouble.event("<3>CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:01:00 completed [id=0 id_str=]");
        assert_eq!(trouble.words(), None);
        trouble.event("CTRL-EVENT-NETWORK-NOT-FOUND");
        assert!(trouble.words().is_some_and(|it| it.contains("in reach")));
    }
}
