//! Quotes values from a file or a command line for messages.

/// Characters of a value that a message shows.
const SHOWN_MAX_CHARS: usize = 60;

/// Signs that a value may hold a password or a token. An operator who confuses two keys may write a camera's
/// URL where a size belongs.
const SECRET_SIGNS: [&str; 14] = [
    "@", "://", ":/", "//", "$argon2", "pass", "pwd", "secret", "token", "user=", "key=", "auth", "pin=",
    "code=",
];

/// The value in quotes, on one line of limited length; `"..."` for one that may hold a secret.
///
/// Values get into messages in no other way.
pub fn quoted(value: &str) -> String {
    let lower = value.to_ascii_lowercase();
    if SECRET_SIGNS.iter().any(|sign| lower.contains(sign)) {
        return "\"...\"".to_owned();
    }
    let shown: String = value.chars().take(SHOWN_MAX_CHARS).collect();
    let more = if shown.len() < value.len() { "..." } else { "" };
    format!("\"{}{more}\"", shown.escape_debug())
}

/// Whether a message shows the value itself.
pub fn is_shown(value: &str) -> bool {
    quoted(value) != "\"...\""
}

/// Characters of a key that a message shows.
const KEY_MAX_CHARS: usize = 32;

/// A key for messages; `None` if it is not a plain word and may therefore be anything. A number in place of a
/// key counts as a value.
pub fn key_word(key: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let fits = !key.is_empty() && key.len() <= KEY_MAX_CHARS && key.chars().all(is_plain);
    (fits && key.contains(|c: char| !c.is_ascii_digit())).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_on_one_short_line_and_secrets_are_hidden() {
        assert_eq!(quoted("big\n\"x\""), r#""big\n\"x\"""#);
        assert_eq!(quoted(&"é".repeat(100)), format!("\"{}...\"", "é".repeat(60)));
        for secret in ["rtsp://joe:hush@host/", "joe:hush@host", "Password1", "rtsp:/cam:SECRET", "?TOKEN=1"]
        {
            assert_eq!(quoted(secret), "\"...\"", "{secret}");
        }
        assert_eq!(
            [key_word("on_demand"), key_word("a b"), key_word("12345678"), key_word("")],
            [Some("on_demand"), None, None, None]
        );
    }
}
