//! Words for "password", in many languages and spellings.

use crate::config::suggest::is_within;

/// Letters that may be wrong, missing or swapped in a word for "password".
const TYPOS_MAX: usize = 2;

/// Letters of the shortest word that can be a misspelt "password".
const MISSPELT_MIN_CHARS: usize = 6;

/// Parts of words for "password" in many languages, in lower case and without accents. `pass` covers most.
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

/// Words for "password" that are too short to search for inside others.
const WORDS: [&str; 8] = ["pw", "mdp", "pin", "clave", "haslo", "login", "口令", "암호"];

/// Spellings whose typos are recognised too.
const SPELLINGS: [&str; 4] = ["password", "passwort", "kennwort", "wachtwoord"];

/// Whether a key, or a word of a line without `=`, means a password.
pub(super) fn means_password(key: &str) -> bool {
    let whole = compact(key);
    let words = words(key);
    PARTS.iter().any(|part| whole.contains(part))
        || words.iter().any(|word| WORDS.contains(&word.as_str()) || word.ends_with("pw"))
        || words.iter().chain([&whole]).any(|word| is_misspelt(word))
}

fn is_misspelt(word: &str) -> bool {
    let length = word.chars().count();
    length >= MISSPELT_MIN_CHARS && SPELLINGS.iter().any(|right| is_within(word, right, TYPOS_MAX))
}

/// The letters and digits of a text, each reduced by [`plain`], so that spellings can be compared.
pub(super) fn compact(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(plain).collect()
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && is_visible(c))
        .map(compact)
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether a character is visible. A soft hyphen, a zero width space or a byte order mark inside a word is
/// not.
pub(super) fn is_visible(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// A letter in lower case and half width, without its accent; a digit that imitates a letter becomes that
/// letter.
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
