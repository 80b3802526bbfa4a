//! The name in `.local` that this machine has in the network: differs from the host's name if a neighbour
//! uses that.

use std::fs;
use std::path::Path;

/// The mDNS responder's process. Its title contains the name; the image has no D-Bus, the usual way to ask
/// for it.
const RESPONDER_PID: &str = "/run/avahi-daemon/pid";

/// The name without `.local`; `None` while it is not settled.
pub fn current() -> Option<String> {
    let pid: u32 = fs::read_to_string(RESPONDER_PID).ok()?.trim().parse().ok()?;
    let title = fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).ok()?;
    of_title(&String::from_utf8_lossy(&title)).map(str::to_owned)
}

/// The name in `avahi-daemon: running [NAME.local]`.
fn of_title(title: &str) -> Option<&str> {
    let (_, rest) = title.split_once(": running [")?;
    let (name, _) = rest.split_once(".local]")?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_a_running_responder() {
        assert_eq!(of_title("avahi-daemon: running [shed-2.local]\0\0"), Some("shed-2"));
        assert_eq!(of_title("avahi-daemon: registering [shed.local]\0"), None);
        assert_eq!(of_title("/usr/sbin/avahi-daemon\0--no-chroot\0"), None);
        assert_eq!(of_title(""), None);
    }
}
