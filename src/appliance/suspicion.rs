//! Detects that a file was meant to set a password for the page, in any spelling. If so and none could be
//! read, the pictures stay closed (`http.closed`) instead of open to everyone.
//!
//! This reads the raw text, not the TOML: a missing quote, an unknown spelling or a broken section line must
//! not hide the intention. In doubt it finds one. Comments and the passwords of Wi-Fi sections and network
//! cameras do not count.

mod words;

use crate::config::suggest::is_within;
use words::{compact, is_visible, means_password, words};

/// Prefixes of hashes that password tools print.
const HASHES: [&str; 6] = ["$argon2", "$2a$", "$2b$", "$2y$", "$scrypt", "$6$"];

/// The subject of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// The device, the page, or unknown.
    Page,
    /// A wireless network, which has one password.
    Wifi { has_password: bool },
    /// A camera, which may have a password if it is on a network; `line` is the first that looks like one.
    Camera { is_network: bool, line: Option<usize> },
}

/// The first line, from 1, that looks like a password for the page.
pub fn wish(text: &str) -> Option<usize> {
    let mut section = Section::Page;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_matches(|c: char| c.is_whitespace() || !is_visible(c));
        if let Some(remark) = line.strip_prefix('#') {
            // A section line that is still commented out: the lines below belong to no section.
            if head(remark.trim_start_matches(['#', ' '])).is_some() {
                if let Some(line) = left(section) {
                    return Some(line);
                }
                section = Section::Page;
            }
            continue;
        }
        let mut rest = line;
        if let Some((name, behind)) = head(line) {
            if let Some(line) = left(section) {
                return Some(line);
            }
            section = entered(section, &name);
            if means_password(&name) && section == Section::Page {
                return Some(number);
            }
            rest = behind;
        }
        if is_wish(rest, number, &mut section) {
            return Some(number);
        }
    }
    left(section)
}

/// The suspicious line of a section that ends here, if any: a camera that is not on a network needs no
/// password, so one there was meant for the page.
fn left(section: Section) -> Option<usize> {
    match section {
        Section::Camera { is_network: false, line } => line,
        _ => None,
    }
}

fn entered(before: Section, name: &str) -> Section {
    let words = words(name);
    let is_about = |wanted: &[&str]| {
        words.iter().any(|word| wanted.iter().any(|it| word.contains(it) || is_within(word, it, 1)))
    };
    if is_about(&["wifi", "wlan", "wireless", "ssid"]) || compact(name).contains("wifi") {
        Section::Wifi { has_password: false }
    } else if is_about(&["camera", "kamera"]) {
        match before {
            // `[camera.controls]` continues the camera before it.
            Section::Camera { .. } if name.contains('.') => before,
            _ => Section::Camera { is_network: false, line: None },
        }
    } else {
        Section::Page
    }
}

/// Whether a line, or the rest of a line that begins a section, looks like a password for the page.
fn is_wish(line: &str, number: usize, section: &mut Section) -> bool {
    let is_hash = HASHES.iter().any(|begin| line.contains(begin));
    if let Section::Camera { is_network, .. } = section {
        let lower = line.to_lowercase();
        *is_network |= ["rtsp", "http", "onvif"].iter().any(|scheme| lower.contains(scheme));
    }
    let keys = keys(line);
    let of_wifi = |key: &str| words(key).iter().any(|word| matches!(word.as_str(), "wifi" | "wlan"));
    let mut meant = keys.iter().filter(|key| means_password(key) && !of_wifi(key)).peekable();
    if meant.peek().is_none() && !is_hash {
        return false;
    }
    // The key names the page: the section does not matter.
    if is_hash || meant.clone().any(|key| is_about_page(key)) {
        return true;
    }
    match section {
        Section::Page => !line.contains('{') || !of_wifi(keys.first().map_or("", |key| key.as_str())),
        Section::Wifi { has_password } => std::mem::replace(has_password, true) || meant.count() > 1,
        Section::Camera { line, .. } => {
            line.get_or_insert(number);
            false
        }
    }
}

/// The name on a line that begins a section, or tries to, and the rest of the line.
fn head(line: &str) -> Option<(String, &str)> {
    let is_bracket =
        |c: char| matches!(c, '[' | ']' | '(' | ')' | '{' | '}' | '<' | '>' | '［' | '］' | '【' | '】');
    let is_open = line.starts_with(is_bracket);
    let inside = line.trim_start_matches(is_bracket);
    let end = inside.find(|c| is_bracket(c) || matches!(c, '#' | '=')).unwrap_or(inside.len());
    let (name, behind) = inside.split_at(end);
    let is_closed = behind.starts_with(is_bracket);
    let name = name.trim().trim_matches(|c: char| matches!(c, '"' | '\'' | ':' | '.' | ','));
    // A line inside a list begins with a quote, and the list's end has no name.
    let is_name = !name.is_empty() && !inside.trim_start().starts_with(['"', '\'']) || is_open && is_closed;
    if !is_name || behind.starts_with('=') {
        return None;
    }
    let known = ["system", "wifi", "network", "camera", "http"];
    let is_known = known.iter().any(|known| compact(name) == *known);
    ((is_open && !name.is_empty()) || (is_closed && words(name).len() <= 2) || is_known)
        .then(|| (name.to_owned(), behind.trim_start_matches(is_bracket)))
}

/// The keys on a line, also inside `{...}`; a line without `=` counts as one. Leaves out comments, and keys
/// whose value is empty on purpose.
fn keys(line: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find(['=', '＝', '{', ',', '#']) {
        let (key, from) = rest.split_at(at);
        let mut chars = from.chars();
        match chars.next() {
            Some('#') => {
                rest = key;
                break;
            }
            Some('=' | '＝') => {
                let value = chars.as_str().trim_start();
                let (is_empty, behind) = past_value(value);
                if !is_empty {
                    keys.push(key.to_owned());
                }
                rest = behind;
            }
            _ => {
                keys.push(key.to_owned());
                rest = chars.as_str();
            }
        }
    }
    keys.push(rest.to_owned());
    keys.retain(|key| !compact(key).is_empty());
    keys
}

/// Whether a value is empty on purpose, and the rest of its line.
fn past_value(value: &str) -> (bool, &str) {
    for quote in ['"', '\''] {
        if let Some(inside) = value.strip_prefix(quote) {
            let Some(end) = inside.find(quote) else { return (false, "") };
            let behind = &inside[end + 1..];
            let is_alone = behind.trim_start().is_empty() || behind.trim_start().starts_with(['#', ',', '}']);
            return (end == 0 && is_alone, if is_alone { behind } else { "" });
        }
    }
    if let Some(inside) = value.strip_prefix('{') {
        return (false, inside);
    }
    (false, value.find([',', '}']).map_or("", |at| &value[at..]))
}

fn is_about_page(key: &str) -> bool {
    let whole = compact(key);
    ["page", "http", "web", "admin", "viewer", "system", "seite"].iter().any(|part| whole.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intended_password_is_found_in_any_spelling() {
        for text in [
            "[system]\npassword = let me in",
            "[system]\npassword = \"let me in",
            "[system]\npassword = let me in\"",
            "[system]\npassword = \u{201c}let me in\u{201d}",
            "[system]\npasswort = \"let me in\"",
            "[system\npassword = \"let me in\"",
            "system]\npassword = \"let me in\"",
            "[sys tem]\npassword = \"let me in\"",
            "[system]\npassword = true",
            "[system]\npassword = [\"a\"]",
            "[system]\npassword =",
            "[system]\npassword",
            "[system]\npassword: let me in",
            "[system]\npassword \"let me in\"",
            "[system]\nPassword = 'x",
            "[system]\n\"password\" = x",
            "[system]\npass_word = \"x\"",
            "[system]\npass\u{ad}word = \"x\"",
            "[system]\npasword = \"x\"",
            "[system]\napssword = \"x\"",
            "[system]\np4ssw0rd = \"x\"",
            "[system]\nｐａｓｓｗｏｒｄ ＝ \"x\"",
            "[system]\npw = \"x\"",
            "[system]\nkennwort = \"x\"",
            "[system]\ncontraseña = \"x\"",
            "[system]\nmot de passe = \"x\"",
            "[system]\nmdp = \"x\"",
            "[system]\nhasło = \"x\"",
            "[system]\nпароль = \"x\"",
            "[system]\n密码 = \"x\"",
            "[system]\nadmin_pw = \"x\"",
            "[system] password = \"x\"",
            "password = \"x\"",
            "system.password = x",
            "system = { name = \"a\", passwort = \"x\" }",
            "system = { name = \"a, b\", \"password\" = 'x }",
            "[http]\npassword_hash = \"let me in\"",
            "[http]\npassword = \"let me in\"",
            "[http\nhash = \"x\"",
            "[anything]\npassword = \"x\"",
            "[password]\nvalue = \"x\"",
            "[http]\nx = $argon2id$v=19$m=1",
            "p\0a\0s\0s\0w\0o\0r\0d\0=\0x\0",
            "; password = x",
            // A section line that is still commented out.
            "#[wifi]\n#name = \"x\"\n#[system]\n#name = \"y\"\npassword = \"x\"",
            "[wifi]\nname = \"x\"\n#[system]\npassword = \"x\"",
            // A network has one password; the second was meant for the page.
            "[wifi]\nname = \"x\"\npassword = \"12345678\"\npassword = \"x\"",
            "[wifi]\nname = \"x\"\npage_password = \"x\"",
            "[[camera]]\nsource = \"test:\"\npassword = \"x\"",
            "[[camera]]\nsource = \"/dev/video0\"\npassword = \"x\"\n[wifi]\nname = \"x\"",
            "[[camera]]\nsource = \"rtsp://u:p@h/\"\n[system\npassword = x",
        ] {
            assert!(wish(text).is_some(), "{text:?}");
        }
        assert_eq!(wish("[system]\nname = \"x\"\npassword = x\n"), Some(3));
    }

    #[test]
    fn passwords_not_meant_for_the_page() {
        for text in [
            "",
            "#password = \"x\"\n  # password = \"x\"",
            "[system]\nname = \"password\"\n",
            "[system]\npassword = \"\" # none",
            "[wifi]\ncountry = \"DE\"\nname = \"Home\"\npassword = \"12345678\"",
            "[wifi\nname = Home\npassword = 12345678",
            "wifi]\nname = Home\npassword = 12345678",
            "wifi:\nname = Home\npassword = 12345678",
            "[Wi-Fi]\npasswort = 12345678",
            "[wlan]\nkennwort = \"12345678",
            "[[wifi]]\nname = \"a\"\npassword = \"12345678\"\n[[wifi]]\nname = \"b\"\npassword = \"12345678\"",
            "wifi = { name = \"a\", password = \"12345678\" }",
            "wifi.password = \"12345678\"",
            "[[camera]]\nsource = \"rtsp://admin:password@192.0.2.1/password=x\"",
            "[[camera]]\nsource = \"rtsp://192.0.2.1/\"\nuser = \"admin\"\npassword = \"x\"",
            "[[camera]]\npassword = \"x\"\nsource = http://192.0.2.1/",
            "[[camera]]\nname = \"pass\"\nsource = \"test:\"\n[camera.controls]\nbrightness = 5",
            "[http]\nlisten = [\n  \"[::]:80\",\n]\nallow_origin = \"*\"",
            "[network]\naddress = \"192.168.1.50/24\"\ngateway = \"192.168.1.1\"",
        ] {
            assert_eq!(wish(text), None, "{text:?}");
        }
        assert_eq!(wish(include_str!("../../image-build/boot/pinhole.toml")), None);
    }
}
