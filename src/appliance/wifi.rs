//! Monitors Wi-Fi: asks wpa_supplicant on its control socket, and `trouble` finds the reason if Wi-Fi does
//! not connect.

mod trouble;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use super::files::WIFI_CONTROL;
use super::settings::Wifi;
use trouble::{Next, Trouble};

/// Our end of the socket, to which wpa_supplicant answers.
const OWN_SOCKET: &str = "/run/pinhole-appliance/wifi-events";
/// Bytes of an event or a response; wpa_supplicant has the same limit.
const MESSAGE_MAX_BYTES: usize = 4096;
/// Messages to read at a time; the rest wait until the next poll.
const MESSAGES_MAX: usize = 64;
/// Polls without a Wi-Fi device before it is reported: drivers and their firmware take some seconds.
const LOOKS_WITHOUT_DEVICE_MAX: usize = 30;

/// Listens to wpa_supplicant while it runs.
#[derive(Debug)]
pub struct Listener {
    wanted: Vec<Wifi>,
    socket: Option<UnixDatagram>,
    trouble: Trouble,
    looks_without_device: usize,
}

impl Listener {
    /// Monitors a machine that should join one of these networks; without any, nothing can be wrong.
    pub fn new(wanted: Vec<Wifi>) -> Self {
        Self { wanted, socket: None, trouble: Trouble::default(), looks_without_device: 0 }
    }

    /// Reads new messages without waiting; returns the present trouble.
    pub fn poll(&mut self) -> Option<&str> {
        if self.wanted.is_empty() {
            return None;
        }
        if self.socket.is_none() {
            self.socket = attach();
            self.look_for_device();
        }
        let mut message = [0; MESSAGE_MAX_BYTES];
        for _ in 0..MESSAGES_MAX {
            let Some(socket) = &self.socket else { break };
            match socket.recv(&mut message) {
                Ok(length) => {
                    let text = String::from_utf8_lossy(&message[..length]);
                    if self.trouble.message(&text, &self.wanted) == Next::Scan
                        && socket.send(b"SCAN_RESULTS").is_err()
                    {
                        self.socket = None;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => self.socket = None,
            }
        }
        // A restarted wpa_supplicant does not know this client.
        if self.socket.as_ref().is_some_and(|socket| socket.send(b"PING").is_err()) {
            self.socket = None;
        }
        self.trouble.words()
    }

    fn look_for_device(&mut self) {
        if self.socket.is_some() || has_device() {
            self.looks_without_device = 0;
            self.trouble.device(true);
        } else if self.looks_without_device < LOOKS_WITHOUT_DEVICE_MAX {
            self.looks_without_device += 1;
        } else {
            self.trouble.device(false);
        }
    }
}

fn has_device() -> bool {
    let Ok(interfaces) = fs::read_dir("/sys/class/net") else { return false };
    interfaces.flatten().any(|interface| interface.path().join("phy80211").exists())
}

fn attach() -> Option<UnixDatagram> {
    let control = control_socket(Path::new(WIFI_CONTROL))?;
    let _ = fs::remove_file(OWN_SOCKET);
    fs::create_dir_all(Path::new(OWN_SOCKET).parent()?).ok()?;
    let socket = UnixDatagram::bind(OWN_SOCKET).ok()?;
    socket.set_nonblocking(true).ok()?;
    socket.connect(control).ok()?;
    socket.send(b"ATTACH").ok()?;
    Some(socket)
}

/// The interface's socket; drivers with Wi-Fi Direct have a second one, which reports nothing about networks.
fn control_socket(folder: &Path) -> Option<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name()).collect();
    names.retain(|name| !name.to_string_lossy().starts_with("p2p-dev-"));
    names.sort();
    names.first().map(|name| folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_is_asked_and_not_its_wifi_direct_peer() {
        let folder = std::env::temp_dir().join(format!("pinhole-wifi-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("p2p-dev-wlan0"), "").unwrap();
        assert_eq!(control_socket(&folder), None);
        fs::write(folder.join("wlan0"), "").unwrap();
        assert_eq!(control_socket(&folder), Some(folder.join("wlan0")));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(control_socket(&folder), None);
    }
}
