//! The lines between a delimiter and a part's content.

use super::boundary::Seen;

/// Bytes of a header's name; a longer one is not a header.
const NAME_MAX_BYTES: usize = 64;

/// Bytes of a part's head. Real ones have 50 to 500; some cameras put a picture's metadata there.
pub const HEAD_MAX_BYTES: usize = 16 << 10;

/// The content of a part's head.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartHead {
    /// The content is not a picture.
    pub is_other: bool,
    /// Its content type in that case, as received.
    pub content_type: Vec<u8>,
    /// The content coding, if any.
    pub coding: Option<Vec<u8>>,
    /// Length of the content in bytes, if given.
    pub length: Option<usize>,
    /// It has a header that parts use.
    pub is_proven: bool,
    /// Bytes read.
    pub bytes: usize,
    /// The part of them that were empty lines in front.
    pub empty_bytes: usize,
}

impl PartHead {
    /// Reads one header line.
    pub fn take(&mut self, line: &[u8]) {
        let Some(colon) = memchr::memchr(b':', line) else { return };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-type") {
            self.is_other |= !is_picture(value);
            value.clone_into(&mut self.content_type);
            self.is_proven = true;
        } else if name.eq_ignore_ascii_case(b"content-encoding") {
            let is_coded = !value.is_empty() && !value.eq_ignore_ascii_case(b"identity");
            self.is_other |= is_coded;
            self.coding = is_coded.then(|| value.to_owned());
        } else if name.eq_ignore_ascii_case(b"content-length") {
            self.length = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
            self.is_proven = true;
        }
    }
}

/// Whether a line between parts is a header: some cameras send no delimiter before the first part.
pub fn is_part_header(line: &[u8]) -> bool {
    let mut head = PartHead::default();
    head.take(line);
    head.is_proven
}

/// Whether a header begins here, as far as the bytes so far show.
pub fn begins_header(data: &[u8]) -> Seen<()> {
    let name = data.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    let spaces = data[name..].iter().take_while(|byte| **byte == b' ').count();
    match data.get(name + spaces) {
        _ if name > NAME_MAX_BYTES || spaces > NAME_MAX_BYTES => Seen::No,
        None if name == 0 && !data.is_empty() => Seen::No,
        None => Seen::Perhaps,
        Some(b':') if data[0].is_ascii_alphabetic() => Seen::Yes(()),
        Some(_) => Seen::No,
    }
}

/// Whether a content type may be that of a JPEG. If it is missing or generic, the content decides.
pub fn is_picture(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| matches!(byte, b';' | b',')).next().unwrap_or_default();
    let essence = essence.trim_ascii().to_ascii_lowercase();
    matches!(
        &*essence,
        b"" | b"image/jpeg"
            | b"image/jpg"
            | b"image/pjpeg"
            | b"image/*"
            | b"jpeg"
            | b"application/octet-stream"
    )
}
