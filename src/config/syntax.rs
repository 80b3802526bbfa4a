//! Decodes a file's bytes to TOML, and gives advice for lines that are not TOML.

use super::mistakes::{Mistake, line_of};
use super::quote::key_word;
use super::sections::{FileKind, Section};
use super::suggest;

/// Bytes of a file. One with every camera and comments has 20 KB.
pub const FILE_MAX_BYTES: usize = 1 << 20;

/// Bytes of a line to examine. A URL may have 2048.
const LINE_MAX_BYTES: usize = 4096;

const TYPOGRAPHIC: &str = "use plain quotes (\"), not typographic ones";

/// The text of a file from any editor: UTF-8 or UTF-16, with any system's line ends.
///
/// # Errors
/// The bytes are not text.
pub fn decode(bytes: &[u8]) -> Result<String, Mistake> {
    let of_file = |what: String| Mistake::of_file(what);
    if bytes.len() > FILE_MAX_BYTES {
        return Err(of_file(format!("is longer than {FILE_MAX_BYTES} bytes; is this the right file?")));
    }
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| of_file("is damaged UTF-16; save it as UTF-8".to_owned()))
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest)?,
        _ => utf8(bytes)?,
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if let Some(at) = text.find(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
        let what = if text.as_bytes()[at] == 0 {
            "a zero byte: this is not a text file, or was damaged (or it is UTF-16 without a mark; save it as UTF-8)"
        } else {
            "a control character; take it out"
        };
        return Err(Mistake::on_line(line_of(&text, at), what));
    }
    Ok(text)
}

fn utf8(bytes: &[u8]) -> Result<String, Mistake> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        Mistake::on_line(line, "a character that is not UTF-8; save the file as UTF-8")
    })
}

/// The line at fault, found from the line where the parser gave up: an unclosed list or text swallows correct
/// lines after it.
pub fn culprit(text: &str, gave_up: usize) -> usize {
    let (mut open, mut depth, mut quotes) = (None, 0, "");
    for (at, line) in text.lines().take(gave_up).enumerate() {
        if open.is_none() {
            let value = line.split_once('=').map_or("", |(_, value)| value.trim());
            quotes = ["\"\"\"", "'''"].into_iter().find(|quotes| value.starts_with(quotes)).unwrap_or("");
            depth = if quotes.is_empty() { open_brackets(value) } else { 0 };
            let is_open = depth > 0 || !quotes.is_empty() && value.matches(quotes).count() == 1;
            open = is_open.then_some(at + 1);
        } else if quotes.is_empty() {
            depth += open_brackets(line);
            open = open.filter(|_| depth > 0);
        } else if line.contains(quotes) {
            open = None;
        }
    }
    let written = |number: &usize| text.lines().nth(*number - 1).is_some_and(|line| !line.trim().is_empty());
    open.or_else(|| (1..=gave_up).rev().find(written)).unwrap_or(1)
}

/// How many more brackets are opened than closed, outside quotes and comments.
fn open_brackets(value: &str) -> i32 {
    let (mut depth, mut quote) = (0, None);
    for c in value.chars() {
        match (quote, c) {
            (None, '#') => break,
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    depth
}

/// Advice for a line that is not TOML; `message` is the parser's, `within` the section of the line if known.
/// Of the line, only the key is shown: the value may be a password.
pub fn explain(file: FileKind, within: Option<Section>, line: &str, message: &str) -> String {
    let line = line.trim();
    let is_double = message.contains("duplicate");
    if message.contains("recurs") || line.len() > LINE_MAX_BYTES {
        return "is nested too deeply or too long; no value of Pinhole needs that".to_owned();
    }
    let first = line.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    if let Some(header) = file.section(first).map(Section::header).filter(|_| !is_double) {
        return format!("{first}: write {header} on a line of its own, and its keys below it");
    }
    if line.starts_with('[') && !line.contains('=') {
        return if is_double {
            "this section stands here twice; put the keys of both into one".to_owned()
        } else {
            let headers = suggest::headers(file.sections(), "or");
            format!("this is not the beginning of a section; write {headers} on a line of its own")
        };
    }
    if line.starts_with('[') {
        return "a section's line ends after its brackets; write the keys on lines of their own".to_owned();
    }
    let Some((key, value)) = line.split_once('=') else { return explain_without_value(file, within, line) };
    let (key, value) = (key.trim().trim_matches('"'), value.trim());
    if key.is_empty() {
        return "there is no key before the =; write for example fps = 15".to_owned();
    }
    // The rest of the card's file is still applied.
    let which = if file == FileKind::Card { "the first one counts" } else { "leave one of them out" };
    match key_word(key) {
        None if is_double => format!("this key stands here twice; {which}"),
        None => {
            "keys have no spaces, quotes or other special characters; write for example fps = 15".to_owned()
        }
        Some(key) if is_double => format!("{key}: stands here twice; {which}"),
        Some(key) => format!("{key}: {}", explain_value(key, value, suggest::example(file, within, key))),
    }
}

fn explain_without_value(file: FileKind, within: Option<Section>, line: &str) -> String {
    let (word, rest) = line.split_at(line.find([':', ' ', '\t']).unwrap_or(line.len()));
    // A single word may be a password; it is shown only if it is a key.
    match Some(word).filter(|word| suggest::is_key(file, word)) {
        _ if line.starts_with("//") || line.starts_with(';') || line.starts_with("--") => {
            "a remark begins with #".to_owned()
        }
        None => "this is not KEY = VALUE; write for example fps = 15, or # before a remark".to_owned(),
        Some(word) => {
            let example = suggest::example(file, within, word);
            let what = if rest.trim().is_empty() { "has no value" } else { "needs a = behind it" };
            format!("{word}: {what}; write {word} = {example}, or # before a remark")
        }
    }
}

fn explain_value(key: &str, value: &str, example: &str) -> String {
    let bare = value.split('#').next().unwrap_or_default().trim();
    let lower = bare.trim_end_matches([',', ';', '.', '!']).to_ascii_lowercase();
    let is_typographic =
        |c| "\u{201c}\u{201d}\u{201e}\u{ab}\u{bb}\u{2018}\u{2019}\u{201a}`\u{b4}".contains(c);
    let as_in = format!("as in {key} = {example}");
    match value.chars().next() {
        None | Some('#') => format!("has no value; write one, {as_in}"),
        Some('=' | ':') => format!("write one = between key and value, {as_in}"),
        Some('"' | '\'') if value.contains('\\') => {
            "write \\\\ for each \\, or put single quotes (') around the text".to_owned()
        }
        Some('"' | '\'' | '[') if value.contains(is_typographic) => TYPOGRAPHIC.to_owned(),
        Some(c) if is_typographic(c) => TYPOGRAPHIC.to_owned(),
        Some('"' | '\'') => {
            "text needs the same quote at both ends, on one line, and nothing but a # remark after it"
                .to_owned()
        }
        Some('[') => {
            format!("a list needs [ ] around it, quotes around each text and commas between, {as_in}")
        }
        Some('{') => {
            "is not closed, or has no commas between its keys; write each key on a line of its own".to_owned()
        }
        Some(_) if matches!(lower.as_str(), "true" | "false" | "yes" | "no" | "on" | "off") => {
            "write true or false, in small letters".to_owned()
        }
        Some(_) => match example.chars().next() {
            Some('"') => format!("text must be in quotes, {as_in}"),
            Some('[') => format!("must be a list of texts in quotes, {as_in}"),
            Some('t') => format!("must be true or false, {as_in}"),
            _ => format!("must be a whole number, of digits alone, {as_in}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_any_editor_is_decoded() {
        let decoded = |bytes: &[u8]| decode(bytes).map_err(|wrong| wrong.line);
        let utf16: Vec<u8> = [0xfeff_u16, 97, 13, 10].iter().flat_map(|unit| unit.to_le_bytes()).collect();
        assert_eq!(decoded(b"a\r\nb\rc\n"), Ok("a\nb\nc\n".to_owned()));
        assert_eq!(decoded(b"\xef\xbb\xbfa"), Ok("a".to_owned()));
        assert_eq!(decoded(&utf16), Ok("a\n".to_owned()));
        assert_eq!(decoded(b"\xfe\xff\0a"), Ok("a".to_owned()));
        assert_eq!(decoded(b"a\nK\xfcche"), Err(Some(2)));
        assert_eq!(decoded(b"a\n\0b"), Err(Some(2)));
        assert_eq!(decoded(b"\xff\xfe\x00\xd8"), Err(None), "half a surrogate pair");
        assert_eq!(decoded(&vec![b'#'; FILE_MAX_BYTES + 1]), Err(None));
        assert!(decoded(&vec![b'#'; FILE_MAX_BYTES]).is_ok());
    }
}
