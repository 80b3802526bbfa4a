//! Markers and the segments that they begin. ITU-T T.81, B.1.1.

use memchr::memchr;

use super::Damaged;

/// Markers (T.81, table B.1), without the 0xff before each.
pub(super) mod marker {
    pub const SOF0: u8 = 0xc0;
    pub const SOF2: u8 = 0xc2;
    pub const DHT: u8 = 0xc4;
    pub const DAC: u8 = 0xcc;
    pub const SOF15: u8 = 0xcf;
    pub const SOI: u8 = 0xd8;
    pub const EOI: u8 = 0xd9;
    pub const SOS: u8 = 0xda;
    pub const DQT: u8 = 0xdb;
    pub const DNL: u8 = 0xdc;
    pub const DRI: u8 = 0xdd;
    pub const APP0: u8 = 0xe0;
    pub const APP15: u8 = 0xef;
    pub const COM: u8 = 0xfe;
}

pub(super) const SOI: [u8; 2] = [0xff, marker::SOI];
pub(super) const EOI: [u8; 2] = [0xff, marker::EOI];
pub(super) const SOS: [u8; 2] = [0xff, marker::SOS];

/// The effect of a marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It stands alone and has no effect here (T.81, table B.1: TEM, RSTn).
    Alone,
    /// SOI or EOI, which also stand alone.
    Edge,
    /// A segment that decoders skip, whatever its length.
    Passed,
    /// A segment that decoders read.
    Read,
}

/// The shape that this marker begins; the byte is neither 0x00 nor 0xff.
pub(super) const fn shape(marker: u8) -> Shape {
    match marker {
        0x01 | 0xd0..=0xd7 => Shape::Alone,
        marker::SOI | marker::EOI => Shape::Edge,
        marker::DNL | marker::APP0..=marker::APP15 | marker::COM => Shape::Passed,
        _ => Shape::Read,
    }
}

/// The position of the next marker at or after `from`: the first 0xff before it, and its second byte. Any
/// number of 0xff may precede a marker (T.81, B.1.1.2). Other bytes in the place of a marker are skipped, as
/// in decoders: bytes that are not 0xff, and 0xff before zero.
pub(super) fn next_marker(data: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        let begin = at + memchr(0xff, data.get(at..)?)?;
        let code = begin + data[begin..].iter().take_while(|byte| **byte == 0xff).count();
        match data.get(code)? {
            0 => at = code + 1,
            _ => return Some((begin, code)),
        }
    }
}

/// A marker segment (T.81, B.1.1.4), or a marker that stands alone.
#[derive(Debug)]
pub(super) struct Segment<'a> {
    pub marker: u8,
    /// Offset of its first byte, which may be a fill byte.
    pub begin: usize,
    /// The bytes after the length.
    pub content: &'a [u8],
    /// Offset after the segment.
    pub end: usize,
    /// It is useless to a decoder: a marker that stands alone, or an impossible length.
    pub is_stray: bool,
}

impl<'a> Segment<'a> {
    /// The next one at or after `from`.
    pub fn next(data: &'a [u8], from: usize) -> Result<Self, Damaged> {
        let truncated = Damaged::Truncated { bytes: data.len() };
        let Some((begin, code)) = next_marker(data, from) else { return Err(truncated) };
        let marker = data[code];
        let shape = shape(marker);
        let stray = |end| Self { marker, begin, content: &[], end, is_stray: true };
        match shape {
            Shape::Alone => return Ok(stray(code + 1)),
            Shape::Edge => return Err(Damaged::Misplaced { marker, offset: begin }),
            Shape::Passed | Shape::Read => {}
        }
        let rest = &data[code + 1..];
        let Some((length, _)) = rest.split_first_chunk() else { return Err(truncated) };
        let length = usize::from(u16::from_be_bytes(*length));
        if length < 2 {
            // Only such a length is skipped, and the search for a marker continues after it.
            return match shape {
                Shape::Passed => Ok(stray(code + 3)),
                _ => Err(Damaged::Segment { marker, offset: begin, bytes: length }),
            };
        }
        let content = rest.get(2..length).ok_or(truncated)?;
        Ok(Self { marker, begin, content, end: code + 1 + length, is_stray: false })
    }

    /// The error for a length that does not fit the content.
    pub fn impossible(&self) -> Damaged {
        Damaged::Segment { marker: self.marker, offset: self.begin, bytes: self.content.len() + 2 }
    }

    /// The error for content that no decoder accepts.
    pub fn illegal(&self, what: &'static str) -> Damaged {
        Damaged::Illegal { marker: self.marker, offset: self.begin, what }
    }
}
