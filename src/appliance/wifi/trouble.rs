//! Turns wpa_supplicant's messages into a reason in words. Drivers differ in what they report about a refused
//! password: some let wpa_supplicant see the handshake fail, others only that the access point went silent.

use crate::appliance::settings::Wifi;

/// Scans without the network before it is reported: an access point may be slow to answer.
const SEARCHES_MAX: usize = 3;

/// What to ask wpa_supplicant next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Nothing,
    /// `SCAN_RESULTS`: the networks in range.
    Scan,
}

/// The present trouble.
#[derive(Debug, Default)]
pub struct Trouble {
    words: Option<String>,
    /// The last attempt ended in the way of a wrong password.
    looks_refused: bool,
    searches: usize,
    is_without_device: bool,
}

impl Trouble {
    /// The trouble in words, if there is any.
    pub fn words(&self) -> Option<&str> {
        if self.is_without_device {
            return Some("Wi-Fi: this machine has no Wi-Fi that works; plug in a network cable");
        }
        self.words.as_deref()
    }

    /// Notes whether there is a Wi-Fi device at all.
    pub fn device(&mut self, is_there: bool) {
        self.is_without_device = !is_there;
    }

    /// Takes an event, as in `<3>CTRL-EVENT-CONNECTED - Connection to ...`, or a response.
    pub fn message(&mut self, message: &str, wanted: &[Wifi]) -> Next {
        if message.starts_with("bssid /") {
            self.scan(message, wanted);
            return Next::Nothing;
        }
        let event = message.split_once('>').map_or(message, |(_, event)| event);
        let (name, rest) = event.split_once(' ').unwrap_or((event, ""));
        let has = |field: &str| rest.split_whitespace().any(|it| it == field);
        match name {
            "CTRL-EVENT-CONNECTED" => *self = Self::default(),
            // The four-way handshake timed out (15), or the access point gave up on it (2): IEEE 802.11,
            // "Reason codes".
            "CTRL-EVENT-DISCONNECTED" => self.looks_refused |= has("reason=15") || has("reason=2"),
            // A timeout: brcmfmac reports it when the handshake in its firmware fails.
            "CTRL-EVENT-ASSOC-REJECT" => self.looks_refused |= has("status_code=16"),
            // WPA3: the password's proof failed (15), or the access point gives no reason (1).
            "CTRL-EVENT-AUTH-REJECT" => {
                self.looks_refused |= has("auth_type=3") && (has("status_code=15") || has("status_code=1"));
            }
            "CTRL-EVENT-SSID-TEMP-DISABLED" => self.given_up(rest),
            "CTRL-EVENT-NETWORK-NOT-FOUND" => return Next::Scan,
            _ => {}
        }
        Next::Nothing
    }

    /// After some failed attempts wpa_supplicant disables a network for a while.
    fn given_up(&mut self, fields: &str) {
        let ssid = fields.split_once("ssid=\"").and_then(|(_, rest)| rest.rsplit_once("\" auth_failures"));
        let ssid = ssid.map_or("the network".into(), |(ssid, _)| quoted(&unescaped(ssid)));
        self.searches = 0;
        let what = if fields.contains("reason=WRONG_KEY") {
            "refuses the password; correct wifi.password in pinhole.toml (capitals matter)"
        } else if self.looks_refused {
            "most likely refuses the password; check wifi.password in pinhole.toml (capitals matter), and the distance to the router"
        } else {
            "cannot be joined; check wifi.password in pinhole.toml, and the distance to the router"
        };
        self.looks_refused = false;
        self.words = Some(format!("Wi-Fi: {ssid} {what}"));
    }

    /// No network could be joined: looks for those in range.
    fn scan(&mut self, results: &str, wanted: &[Wifi]) {
        // bssid / frequency / signal level / flags / ssid
        let seen: Vec<(String, &str)> = results
            .lines()
            .skip(1)
            .filter_map(|line| {
                let fields: Vec<&str> = line.splitn(5, '\t').collect();
                Some((unescaped(fields.get(4)?), *fields.get(3)?))
            })
            .collect();
        let is_in_reach =
            |network: &Wifi| seen.iter().any(|(name, flags)| *name == network.name && fits(network, flags));
        // One of them is disabled for a while: its known trouble stays.
        if wanted.iter().any(is_in_reach) {
            self.searches = 0;
            return;
        }
        if let Some(words) = wanted.iter().find_map(|network| differs(network, &seen)) {
            self.words = Some(words);
            return;
        }
        self.searches += 1;
        if self.searches >= SEARCHES_MAX {
            let names: Vec<String> = wanted.iter().map(|network| quoted(&network.name)).collect();
            self.words = Some(format!(
                "Wi-Fi: no network named {} is in reach; check wifi.name in pinhole.toml (capitals matter), and the distance to the router",
                names.join(" or ")
            ));
        }
    }
}

/// Whether a network with these flags, as in `[WPA2-PSK-CCMP][ESS]`, can be joined.
fn fits(network: &Wifi, flags: &str) -> bool {
    if network.password.is_some() { flags.contains("PSK") || flags.contains("SAE") } else { is_open(flags) }
}

fn is_open(flags: &str) -> bool {
    !flags.contains("WPA") && !flags.contains("RSN") && !flags.contains("WEP")
}

/// A network in range that almost matches a configured one.
fn differs(network: &Wifi, seen: &[(String, &str)]) -> Option<String> {
    let name = quoted(&network.name);
    if let Some((_, flags)) = seen.iter().find(|(name, _)| *name == network.name) {
        let what = if is_open(flags) {
            "takes no password; take wifi.password out of pinhole.toml"
        } else if flags.contains("EAP") {
            "asks for a user name too; Pinhole can join networks that have one password for all"
        } else if flags.contains("WEP") {
            "has WEP, which protects nothing any more; set the router to WPA2"
        } else if network.password.is_some() {
            "is protected in a way that Pinhole cannot join; set the router to WPA2"
        } else {
            "asks for a password; add wifi.password to pinhole.toml"
        };
        return Some(format!("Wi-Fi: {name} {what}"));
    }
    let plain = |name: &str| name.trim().to_lowercase();
    let (near, _) = seen.iter().find(|(name, _)| plain(name) == plain(&network.name))?;
    Some(format!(
        "Wi-Fi: no network is named {name}, but one is named {}; correct wifi.name in pinhole.toml",
        quoted(near)
    ))
}

/// A name on one line, whatever characters a neighbour put into it.
fn quoted(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!("\"{name}\"")
}

/// Decodes a name from wpa_supplicant: `\"`, `\\`, `\e`, `\n`, `\r`, `\t`, `\xNN`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'x') => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                bytes.push(u8::from_str_radix(digits, 16).unwrap_or(b'?'));
            }
            Some(b'e') => bytes.push(0x1b),
            Some(b'n') => bytes.push(b'\n'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b't') => bytes.push(b'\t'),
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::appliance::settings::Secret;

    const HEAD: &str = "bssid / frequency / signal level / flags / ssid\n";

    fn home(has_password: bool) -> Vec<Wifi> {
        let password = has_password.then(|| Secret("not the one".into()));
        vec![Wifi { name: "Home".into(), password, hidden: false }]
    }

    /// The trouble after these messages.
    fn after(messages: &[&str]) -> String {
        let mut trouble = Trouble::default();
        for message in messages {
            trouble.message(message, &home(true));
        }
        trouble.words().unwrap_or_default().to_owned()
    }

    fn given_up(reason: &str) -> String {
        format!(
            "<3>CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid=\"K\\xc3\\xbcche \\\"2\\\"\" auth_failures=2 duration=20 reason={reason}"
        )
    }

    #[test]
    fn a_refused_password_is_reported_until_it_works() {
        let mut trouble = Trouble::default();
        trouble.message("<3>CTRL-EVENT-SCAN-RESULTS ", &[]);
        assert_eq!(trouble.words(), None);
        trouble.message(&given_up("WRONG_KEY"), &[]);
        let words = trouble.words().unwrap_or_default();
        assert!(words.contains("\"Küche \"2\"\" refuses the password"), "{words}");
        trouble.message(
            "<3>CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:01:00 completed [id=0 id_str=]",
            &[],
        );
        assert_eq!(trouble.words(), None);
    }

    #[test]
    fn how_other_drivers_report_a_refused_password() {
        let likely = "most likely refuses the password";
        let failed = given_up("CONN_FAILED");
        for event in [
            "<3>CTRL-EVENT-ASSOC-REJECT bssid=00:00:00:00:00:00 status_code=16",
            "<3>CTRL-EVENT-AUTH-REJECT 02:00:00:00:01:00 auth_type=3 auth_transaction=2 status_code=15",
            "<3>CTRL-EVENT-DISCONNECTED bssid=02:00:00:00:01:00 reason=15",
        ] {
            assert!(after(&[event, &failed]).contains(likely), "{event}");
            // It does not outlast an attempt that failed for another reason.
            assert!(after(&[event, &failed, &failed]).contains("cannot be joined"), "{event}");
        }
        assert!(after(&["<3>CTRL-EVENT-ASSOC-REJECT status_code=17", &failed]).contains("cannot be joined"));
    }

    #[test]
    fn a_network_that_is_absent() {
        let mut trouble = Trouble::default();
        for search in 1..=SEARCHES_MAX {
            assert_eq!(trouble.words(), None, "after {search} searches");
            assert_eq!(trouble.message("<3>CTRL-EVENT-NETWORK-NOT-FOUND ", &home(true)), Next::Scan);
            let results = format!("{HEAD}02:00:00:00:01:00\t2412\t-30\t[WPA2-PSK-CCMP][ESS]\tNeighbour\n");
            assert_eq!(trouble.message(&results, &home(true)), Next::Nothing);
        }
        assert!(trouble.words().is_some_and(|it| it.contains("no network named \"Home\" is in reach")));
    }

    #[test]
    fn a_refused_password_stays_reported_while_the_network_is_disabled() {
        let results = format!("{HEAD}02:00:00:00:01:00\t2412\t-30\t[WPA2-PSK-CCMP][ESS]\tHome\n");
        let mut messages = vec![given_up("WRONG_KEY")];
        messages.extend(std::iter::repeat_n(results, 2 * SEARCHES_MAX));
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        assert!(after(&messages).contains("refuses the password"));
    }

    #[test]
    fn a_network_whose_name_almost_matches() {
        for (flags, name, has_password, expected) in [
            ("[ESS]", "Home", true, "takes no password"),
            ("[WPA2-PSK-CCMP][ESS]", "Home", false, "asks for a password"),
            ("[WPA2-EAP-CCMP][ESS]", "Home", true, "asks for a user name"),
            ("[WEP][ESS]", "Home", true, "has WEP"),
            ("[WPA2-OWE-CCMP][ESS]", "Home", true, "cannot join"),
            ("[WPA2-PSK-CCMP][ESS]", "home ", true, "but one is named \"home \""),
        ] {
            let mut trouble = Trouble::default();
            trouble.message(
                &format!("{HEAD}02:00:00:00:01:00\t2412\t-30\t{flags}\t{name}\n"),
                &home(has_password),
            );
            assert!(trouble.words().is_some_and(|it| it.contains(expected)), "{expected}: {trouble:?}");
        }
    }

    #[test]
    fn without_a_device_nothing_else_is_reported() {
        let mut trouble = Trouble::default();
        trouble.device(false);
        assert!(trouble.words().is_some_and(|it| it.contains("no Wi-Fi that works")));
        trouble.device(true);
        assert_eq!(trouble.words(), None);
    }

    #[test]
    fn a_neighbours_network_name_stays_on_one_line() {
        assert_eq!(quoted(&unescaped("a\\nb\\e[2J\\x")), "\"a\u{fffd}b\u{fffd}[2J?\"");
        let results = format!("{HEAD}\n\t\t\n02:00:00:00:01:00\t2412\t-30\t[ESS]\t\\x00\\x\n");
        let mut trouble = Trouble::default();
        trouble.message(&results, &home(true));
        assert_eq!(trouble.words(), None);
    }
}
