//! What of a configuration may stand in a message, besides values ([`quote`](super::quote)). A password is easily written into the wrong place, and
//! messages end up in logs, on the page and in bug reports.

use std::path::Path;

/// Characters of a key that is repeated in a message.
const KEY_MAX_CHARS: usize = 32;

/// What stands in place of something that may hold a secret.
const HIDDEN: &str = "...";

/// A key as it may be written without quotes (TOML 1.0, "Keys"); any other is left out.
pub fn key(text: &str) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let fits = !text.is_empty() && text.len() <= KEY_MAX_CHARS && text.chars().all(is_plain);
    // A number where a key should be is a value.
    if fits && text.contains(|c: char| !c.is_ascii_digit()) { text } else { HIDDEN }
}

/// A message of the TOML parser on one line, without the values that it repeats: those stand in double
/// quotes, or as numbers between backticks, where keys stand too.
pub fn message(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(['"', '`']) {
        let (before, from) = rest.split_at(at);
        let (mark, inside) = from.split_at(1);
        shown.push_str(before);
        // A value may have quotes inside: it ends at the last one.
        let end = if mark == "\"" { inside.rfind('"') } else { inside.find('`') };
        let Some(end) = end else {
            shown.push_str(HIDDEN);
            return shown;
        };
        if mark == "\"" {
            shown.push_str(HIDDEN);
        } else {
            shown.extend(["`", token(&inside[..end]), "`"]);
        }
        rest = &inside[end + 1..];
    }
    shown + rest
}

/// What stands between backticks: a key, or a sign that the parser expects.
fn token(text: &str) -> &str {
    let is_sign = text.chars().count() <= 3 && text.chars().all(|c| c.is_ascii_punctuation());
    if is_sign { text } else { key(text) }
}

/// The name of a file without the folders that lead to it: they are for the owner alone, and a URL with a
/// password that was taken for a path is not for anybody.
pub fn file(path: &Path) -> String {
    let name = path.file_name().map_or_else(|| HIDDEN.into(), |name| name.to_string_lossy());
    if path.to_string_lossy().contains('@') { HIDDEN.to_owned() } else { name.into_owned() }
}

/// Whether a path is where devices are.
pub fn is_device(path: &Path) -> bool {
    path.starts_with("/dev")
}

/// The path of a device. One that is not among devices is left out, as [`file()`] does.
pub fn device(path: &Path) -> String {
    if is_device(path) { path.display().to_string() } else { "/...".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_files_that_may_hold_a_password_are_not_repeated() {
        assert_eq!(
            [key("qualty"), key("rtsp://hush"), key("12345678"), key("")],
            ["qualty", "...", "...", "..."]
        );
        assert_eq!(file(Path::new("/home/joe/clip.mp4")), "clip.mp4");
        assert_eq!(file(Path::new("cam:hush@host")), "...");
    }

    #[test]
    fn messages_of_the_parser_lose_values_and_keep_keys() {
        for (text, expected) in [
            ("invalid type: string \"a \"hush\" b\", expected i64", "invalid type: string ..., expected i64"),
            (
                "invalid type: integer `12345678`, expected a string",
                "invalid type: integer `...`, expected a string",
            ),
            (
                "unknown field `qualty`, expected one of `a`, `b_c`",
                "unknown field `qualty`, expected one of `a`, `b_c`",
            ),
            ("unknown field `rtsp://cam:hush@h`, expected\n `a`", "unknown field `...`, expected `a`"),
            ("expected `]`, `=` or \"hush", "expected `]`, `=` or ..."),
            ("odd ` tick", "odd ..."),
        ] {
            assert_eq!(message(text), expected);
        }
    }
}
