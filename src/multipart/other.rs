//! What a camera sends in place of pictures, in words.

use super::head::PartHead;

/// Characters of a content type, and of a text, that are shown.
const SHOWN_MAX_CHARS: usize = 80;

/// Beginnings of contents that are not JPEG, and their names.
const BEGINNINGS: [(&[u8], &str); 13] = [
    (&[0, 0, 0, 1], "H.264 or H.265 video"),
    (&[0, 0, 1], "H.264 or H.265 video"),
    (b"\x89PNG", "PNG pictures"),
    (b"GIF8", "GIF pictures"),
    (b"RIFF", "WebP pictures or AVI video"),
    (b"BM", "BMP pictures"),
    (b"\x1f\x8b", "compressed data (gzip)"),
    (b"<", "HTML or XML"),
    (b"{", "JSON"),
    (b"FLV\x01", "Flash video"),
    (b"\x1a\x45\xdf\xa3", "Matroska or WebM video"),
    (b"G@\x00", "an MPEG transport stream"),
    (b"--", "a boundary where a picture belongs"),
];

/// What a part is that is not a picture, by its head and its content as far as it has come.
pub(super) fn of_part(head: &PartHead, content: &[u8]) -> String {
    if let Some(coding) = &head.coding {
        return format!("parts that are compressed ({})", shown(coding));
    }
    let kind = shown(&head.content_type);
    // A text says what is wrong, as in "channel busy".
    let is_text = kind.to_ascii_lowercase().starts_with("text/plain");
    let text = if is_text { shown(content) } else { String::new() };
    if text.is_empty() { kind } else { format!("{kind} ({text})") }
}

/// What something is that should have been a JPEG, where its beginning tells.
pub fn of_content(content: &[u8]) -> Option<&'static str> {
    // ISO/IEC 14496-12 section 4.3.
    if content.get(4..8) == Some(b"ftyp") {
        return Some("MP4 video or HEIF pictures");
    }
    BEGINNINGS.iter().find(|(begin, _)| content.starts_with(begin)).map(|(_, name)| *name)
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN_MAX_CHARS)]);
    let line = text.trim().lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(SHOWN_MAX_CHARS).collect()
}
