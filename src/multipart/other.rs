//! Describes what a camera sends instead of pictures.

use super::head::PartHead;

/// Characters to show of a content type, and of a text.
const SHOWN_MAX_CHARS: usize = 80;

/// Signatures of content that is not JPEG, and their names.
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

/// Describes a part that is not a picture, from its head and its content so far.
pub(super) fn of_part(head: &PartHead, content: &[u8]) -> String {
    if let Some(coding) = &head.coding {
        return format!("parts that are compressed ({})", shown(coding));
    }
    let kind = shown(&head.content_type);
    // A text explains the problem, as in "channel busy".
    let is_text = kind.to_ascii_lowercase().starts_with("text/plain");
    let text = if is_text { shown(content) } else { String::new() };
    if text.is_empty() { kind } else { format!("{kind} ({text})") }
}

/// Describes content that should have been a JPEG, if its beginning is known.
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
