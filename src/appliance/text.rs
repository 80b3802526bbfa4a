//! Decodes a file written by any system's editor, and picks the intended file by its name.

use crate::config::Mistake;

/// Bytes of `pinhole.toml`. With every camera and comments it has 20 KB.
pub const FILE_MAX_BYTES: usize = 64 << 10;

/// The intended file among the names in a folder. Windows hides `.txt`, and some editors add it; if both
/// exist, the one with `.txt` was saved last.
pub fn choose<'a>(names: impl Iterator<Item = &'a str>) -> (Option<&'a str>, Option<Mistake>) {
    let (mut plain, mut with_txt) = (None, None);
    for name in names {
        match name.to_ascii_lowercase().as_str() {
            "pinhole.toml" => plain = Some(name),
            "pinhole.toml.txt" | "pinhole.txt" => with_txt = Some(name),
            _ => {}
        }
    }
    let both = plain.zip(with_txt).map(|(plain, with_txt)| {
        let what =
            format!("there are {plain} and {with_txt}; {with_txt} was read. Keep the one that you mean");
        Mistake::of_file(what)
    });
    (with_txt.or(plain), both)
}

/// Whether a file's name suggests that it was meant to be `pinhole.toml`, as `pinhole.toml.toml` does. Beside
/// the file itself only the accepted names count, as an old copy may have any other.
pub fn is_like(name: &str, is_there: bool) -> bool {
    let name = name.to_ascii_lowercase();
    let counts = ["pinhole.toml", "pinhole.toml.txt", "pinhole.txt"].contains(&name.as_str());
    let is_ours = name == super::apply::ERRORS_NAME;
    counts || (!is_there && !is_ours && name.starts_with("pinhole"))
}

/// The text, with line feeds as the only line ends.
pub fn decode(bytes: &[u8], mistakes: &mut Vec<Mistake>) -> String {
    let mut tell = |what: String| mistakes.push(Mistake::of_file(what));
    let bytes = if bytes.len() > FILE_MAX_BYTES {
        tell(format!("the file is longer than {FILE_MAX_BYTES} bytes; the first {FILE_MAX_BYTES} were read"));
        &bytes[..FILE_MAX_BYTES]
    } else {
        bytes
    };
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => std::str::from_utf8(bytes).map_or_else(
            |_| {
                tell(
                    "the file is not UTF-8: letters other than A to Z may be wrong; save it as UTF-8".into(),
                );
                bytes.iter().map(|&byte| char::from(byte)).collect()
            },
            str::to_owned,
        ),
    };
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Whether so little of a file is text that nothing is known about its content: a truncated end, or a block
/// of zeros or noise, as found on a card that was pulled out during a write.
pub fn is_damaged(bytes: &[u8], text: &str) -> bool {
    let is_odd = |c: char| c == char::REPLACEMENT_CHARACTER || (c.is_control() && !c.is_whitespace());
    bytes.len() > FILE_MAX_BYTES || text.chars().any(is_odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_any_editor_is_decoded() {
        let decoded = |bytes: &[u8]| {
            let mut mistakes = Vec::new();
            (decode(bytes, &mut mistakes), mistakes.len())
        };
        assert_eq!(decoded(b"a\r\nb\rc\n"), ("a\nb\nc\n".into(), 0));
        assert_eq!(decoded(b"\xef\xbb\xbfa"), ("a".into(), 0));
        assert_eq!(decoded(b"\xff\xfea\0\xe4\0"), ("a\u{e4}".into(), 0));
        assert_eq!(decoded(b"\xfe\xff\0a"), ("a".into(), 0));
        assert_eq!(decoded(b"K\xfcche"), ("K\u{fc}che".into(), 1));
        assert_eq!(decoded(&vec![b'#'; FILE_MAX_BYTES + 1]).1, 1);
    }

    #[test]
    fn the_file_is_found_under_every_name_that_editors_use() {
        let chosen = |names: &[&'static str]| choose(names.iter().copied()).0;
        assert_eq!(chosen(&["config.txt", "PINHOLE.TOML"]), Some("PINHOLE.TOML"));
        assert_eq!(chosen(&["Pinhole.toml.TXT"]), Some("Pinhole.toml.TXT"));
        assert_eq!(chosen(&["._pinhole.toml", "pinhole.toml~"]), None);
        let (name, mistake) = choose(["pinhole.toml", "pinhole.toml.txt"].into_iter());
        assert_eq!(name, Some("pinhole.toml.txt"));
        assert!(mistake.is_some_and(|mistake| mistake.what.contains("pinhole.toml.txt was read")));
    }
}
