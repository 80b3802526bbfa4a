//! Whether somebody meant to give the page a password, however it is written. Where one was meant and none
//! could be read, the pictures stay closed (`http.closed`) instead of being open to all.
//!
//! Looks at the file as it stands, not at what of it is TOML: a missing quote, an unknown spelling or a
//! broken section line must not hide the wish. It errs towards a wish. What is not one: a remark, the
//! password of a section that is about Wi-Fi, and of a camera on a network.

/// Letters that may be wrong, missing or swapped in a word for "password".
const TYPOS_MAX: usize = 2;

/// A word with fewer letters is too short to be a misspelt one.
const MISSPELT_MIN_CHARS: usize = 6;

/// Parts of words for "password" in the languages whose speakers are likely to own a card, in small
/// letters and without accents. `pass` covers most.
const PARTS: [&str; 33] = [
    "pass",
    "pwd",
    "pswd",
    "psw",
    "kennwort",
    "losung",
    "geheim",
    "secret",
    "credential",
    "hash",
    "contrase",
    "senha",
    "palabra",
    "wachtwoord",
    "losenord",
    "adgangskode",
    "kodeord",
    "kodord",
    "salasana",
    "heslo",
    "jelszo",
    "sifre",
    "geslo",
    "lozinka",
    "parol",
    "parool",
    "motde",
    "парол",
    "κωδικ",
    "密码",
    "密碼",
    "パスワード",
    "비밀번호",
];

/// Whole words that mean it, too short to be looked for inside others.
const WORDS: [&str; 8] = ["pw", "mdp", "pin", "clave", "haslo", "login", "口令", "암호"];

/// Right spellings of which misspelt ones are recognised.
const SPELLINGS: [&str; 4] = ["password", "passwort", "kennwort", "wachtwoord"];

/// Beginnings of hashes as password tools print them.
const HASHES: [&str; 6] = ["$argon2", "$2a$", "$2b$", "$2y$", "$scrypt", "$6$"];

/// What a section is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    /// The device, the page, or none that is known.
    Page,
    /// A wireless network, which has one password.
    Wifi { has_password: bool },
    /// A camera, which may have one if it is on a network; the line that looks like one.
    Camera { is_network: bool, line: Option<usize> },
}

/// The first line, from 1, that looks like a password for the page.
pub fn wish(text: &str) -> Option<usize> {
    let mut section = Section::Page;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_matches(|c: char| c.is_whitespace() || !is_visible(c));
        if let Some(remark) = line.strip_prefix('#') {
            // A section line that is still a remark: what follows belongs to no section.
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

/// What the end of a section makes of it: a camera that is not on a network has no password.
fn left(section: Section) -> Option<usize> {
    match section {
        Section::Camera { is_network: false, line } => line,
        _ => None,
    }
}

fn entered(before: Section, name: &str) -> Section {
    let words = words(name);
    let is_about = |wanted: &[&str]| {
        words.iter().any(|word| wanted.iter().any(|it| word.contains(it) || distance_is_within(word, it, 1)))
    };
    if is_about(&["wifi", "wlan", "wireless", "ssid"]) || compact(name).contains("wifi") {
        Section::Wifi { has_password: false }
    } else if is_about(&["camera", "kamera"]) {
        match before {
            // `[camera.controls]` goes on with the camera before.
            Section::Camera { .. } if name.contains('.') => before,
            _ => Section::Camera { is_network: false, line: None },
        }
    } else {
        Section::Page
    }
}

/// Whether a line, or what stands behind its section's name, is a wish.
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
    // A password for the page by its name, in whatever section it stands.
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

/// The name on a line that begins a section, or tries to, and what stands behind it.
fn head(line: &str) -> Option<(String, &str)> {
    let is_bracket =
        |c: char| matches!(c, '[' | ']' | '(' | ')' | '{' | '}' | '<' | '>' | '［' | '］' | '【' | '】');
    let is_open = line.starts_with(is_bracket);
    let inside = line.trim_start_matches(is_bracket);
    let end = inside.find(|c| is_bracket(c) || matches!(c, '#' | '=')).unwrap_or(inside.len());
    let (name, behind) = inside.split_at(end);
    let is_closed = behind.starts_with(is_bracket);
    let name = name.trim().trim_matches(|c: char| matches!(c, '"' | '\'' | ':' | '.' | ','));
    // A line of a list begins with a quote, its end has no name.
    let is_name = !name.is_empty() && !inside.trim_start().starts_with(['"', '\'']) || is_open && is_closed;
    if !is_name || behind.starts_with('=') {
        return None;
    }
    let known = ["system", "wifi", "network", "camera", "http"];
    let is_known = known.iter().any(|known| compact(name) == *known);
    ((is_open && !name.is_empty()) || (is_closed && words(name).len() <= 2) || is_known)
        .then(|| (name.to_owned(), behind.trim_start_matches(is_bracket)))
}

/// What stands in front of the values of a line, also inside of `{...}`; of a line without `=`, its words.
/// Values that are empty on purpose take their key with them, and remarks are left out.
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

/// Whether a value is empty on purpose, and what stands behind it on its line.
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

/// Whether a key, or one of the words of a line, means a password.
fn means_password(key: &str) -> bool {
    let whole = compact(key);
    let words = words(key);
    PARTS.iter().any(|part| whole.contains(part))
        || words.iter().any(|word| WORDS.contains(&word.as_str()) || word.ends_with("pw"))
        || words.iter().chain([&whole]).any(|word| is_misspelt(word))
}

fn is_misspelt(word: &str) -> bool {
    let length = word.chars().count();
    length >= MISSPELT_MIN_CHARS && SPELLINGS.iter().any(|right| distance_is_within(word, right, TYPOS_MAX))
}

fn is_about_page(key: &str) -> bool {
    let whole = compact(key);
    ["page", "http", "web", "admin", "viewer", "system", "seite"].iter().any(|part| whole.contains(part))
}

/// Letters and digits alone, in the form that they are compared in.
fn compact(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(plain).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && is_visible(c))
        .map(compact)
        .filter(|word| !word.is_empty())
        .collect()
}

/// A soft hyphen, a zero width space or a byte order mark inside of a word is not seen by who wrote it.
fn is_visible(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// A letter in small, without accents, from full width and from letters of other alphabets that look the same
/// and digits that stand for letters.
fn plain(c: char) -> impl Iterator<Item = char> {
    let narrow = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    };
    narrow.to_lowercase().map(|c| match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ą' | '4' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è' | 'é' | 'ê' | 'ë' | 'ę' => 'e',
        'ì' | 'í' | 'î' | 'ï' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ő' | '0' => 'o',
        'ś' | 'š' | 'ş' | 'ß' | '5' => 's',
        'ù' | 'ú' | 'û' | 'ü' | 'ű' => 'u',
        'ź' | 'ż' | 'ž' => 'z',
        c => c,
    })
}

/// Whether so many letters wrong, missing, added or swapped make one word of the other.
fn distance_is_within(one: &str, other: &str, max: usize) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().take(24).collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > max {
        return false;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, a) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, b) in other.iter().enumerate() {
            let mut least =
                (last[column] + usize::from(a != b)).min(last[column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && one[row - 1] == *b && other[column - 1] == *a {
                least = least.min(before[column - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut last, next);
    }
    last.last().is_some_and(|distance| *distance <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_meant_however_it_is_written() {
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
            // A section line that is still a remark.
            "#[wifi]\n#name = \"x\"\n#[system]\n#name = \"y\"\npassword = \"x\"",
            "[wifi]\nname = \"x\"\n#[system]\npassword = \"x\"",
            // The second one of a network is not its password.
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
    fn what_is_not_meant_for_the_page() {
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
