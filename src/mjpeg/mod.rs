//! Checks and repairs the JPEG pictures of cameras.
//!
//! One truncated picture ends a stream in Chromium, as may one whose head no decoder accepts; Safari does not
//! paint one without Huffman tables. So every picture is checked before it goes to viewers. Only the headers
//! are parsed (`head`); the compressed data is searched, not decoded. Sections are those of ITU-T T.81.

mod damaged;
pub mod extent;
mod head;
mod huffman;
mod scans;
mod segment;

use memchr::memmem;

use crate::frame::FrameBuffer;
use crate::limits;
pub use damaged::Damaged;
use head::Head;
use huffman::STANDARD;
pub use huffman::standard_segment;
use segment::{EOI, SOI, SOS, Segment, marker};

/// Bytes to skip before SOI: some UVC cameras begin a picture with padding.
const LEADING_BYTES_MAX: usize = 64;

/// Maximum scans of a picture. Progressive encoders write up to about thirty; browsers decode the whole
/// picture again for each, so a small file with thousands would keep one busy for minutes.
const SCANS_MAX: u32 = 100;

/// The size in a JPEG's headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JpegInfo {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Copies one JPEG of a camera to `out`, from SOI to EOI. Cuts bytes around it, and bytes between its
/// segments, which decoders skip with a warning. Inserts standard Huffman tables if it uses tables that it
/// does not define. All other bytes stay as they are.
///
/// # Errors
/// If viewers could not show it; `out` is empty then.
pub fn mend(data: &[u8], out: &mut FrameBuffer) -> Result<JpegInfo, Damaged> {
    out.clear();
    let found = Found::in_bytes(data)?;
    found.write(out);
    Ok(found.head.frame.info)
}

/// Likewise for a JPEG that is already in a buffer: it stays there if it needs nothing but a cut at its end;
/// otherwise it is copied to a buffer from `spare`.
///
/// # Errors
/// If viewers could not show it; returns the unchanged buffer too.
pub fn mend_owned(
    mut jpeg: FrameBuffer,
    spare: impl FnOnce() -> FrameBuffer,
) -> Result<(JpegInfo, FrameBuffer), (Damaged, FrameBuffer)> {
    let found = match Found::in_bytes(&jpeg) {
        Ok(found) => found,
        Err(damaged) => return Err((damaged, jpeg)),
    };
    let (info, length) = (found.head.frame.info, found.data.len());
    if found.is_as_it_should_be(&jpeg) {
        jpeg.set_len(length);
        return Ok((info, jpeg));
    }
    let mut out = spare();
    out.clear();
    found.write(&mut out);
    Ok((info, out))
}

/// A JPEG found among the bytes of a camera.
struct Found<'a> {
    /// From SOI to EOI.
    data: &'a [u8],
    head: Head,
}

impl<'a> Found<'a> {
    fn in_bytes(bytes: &'a [u8]) -> Result<Self, Damaged> {
        if bytes.len() > limits::JPEG_MAX_BYTES {
            return Err(Damaged::TooLong { bytes: bytes.len() });
        }
        let data = from_start(bytes)?;
        let mut head = Head::read(data)?;
        let data = &data[..end(data, &mut head)?];
        Ok(Self { data, head })
    }

    /// Whether it begins at the first byte, and needs no insertion or removal.
    fn is_as_it_should_be(&self, bytes: &[u8]) -> bool {
        std::ptr::eq(self.data.as_ptr(), bytes.as_ptr()) && !self.head.has_strays && !self.head.needs_standard
    }

    fn write(&self, out: &mut FrameBuffer) {
        let (before_scan, scan) = self.data.split_at(self.head.tables_at);
        if self.head.has_strays {
            without_strays(before_scan, out);
        } else {
            out.extend_from_slice(before_scan);
        }
        if self.head.needs_standard {
            add_tables(&self.head, out);
        }
        out.extend_from_slice(scan);
    }
}

/// Width and height in pixels, if the headers are whole. Examines nothing after them.
pub fn read_size(data: &[u8]) -> Option<(u32, u32)> {
    let JpegInfo { width, height } = Head::read(from_start(data).ok()?).ok()?.frame.info;
    Some((width, height))
}

fn from_start(data: &[u8]) -> Result<&[u8], Damaged> {
    let head = &data[..data.len().min(LEADING_BYTES_MAX + SOI.len())];
    let start = memmem::find(head, &SOI).ok_or(Damaged::NoStart { bytes: data.len() })?;
    Ok(&data[start..])
}

/// The offset after EOI.
///
/// EOI is searched from the end, where it normally is: only padding follows it. A second scan bounds the
/// search, or the SOI before it: a camera that begins a picture in the previous one's buffer leaves a
/// truncated first one, with an EOI that belongs to the second; a 3D camera's file (CIPA DC-007, "MPO") has
/// the other eye's picture after the first; and if the first scan has the whole picture, a further one makes
/// decoders fail. Compressed data can contain neither marker (T.81, B.1.1.5: 0xff is followed by zero). The
/// search for one reads every byte, and is still cheap: vector code takes 5 us for 130 kB, a few hundred
/// times less than a frame takes to arrive by USB, and leaves the bytes in the cache for the copy that
/// follows. Pictures of more than one scan are walked instead.
fn end(data: &[u8], head: &mut Head) -> Result<usize, Damaged> {
    if head.has_more_scans {
        return scans::walk(data, head);
    }
    let scan = &data[head.data_at..];
    let second = memmem::find(scan, &SOS);
    let start = second.and_then(|second| memmem::find(&scan[..second], &SOI));
    let bound = start.or(second).unwrap_or(scan.len());
    if let Some(eoi) = memmem::rfind(&scan[..bound], &EOI) {
        return Ok(head.data_at + eoi + EOI.len());
    }
    let offset = head.data_at + bound;
    Err(match (start, second) {
        (Some(_), _) => Damaged::SecondPicture { offset },
        (None, Some(_)) => Damaged::Misplaced { marker: marker::SOS, offset },
        (None, None) => Damaged::Truncated { bytes: data.len() },
    })
}

/// Copies SOI and the segments of a head, without the bytes between them.
fn without_strays(head: &[u8], out: &mut FrameBuffer) {
    out.extend_from_slice(&SOI);
    let mut offset = SOI.len();
    while let Ok(segment) = Segment::next(head, offset) {
        if !segment.is_stray {
            out.extend_from_slice(&head[segment.begin..segment.end]);
        }
        offset = segment.end;
    }
}

/// Adds the standard tables that a picture lacks.
///
/// Motion JPEG in AVI and UVC omits all four. If it defines some, and its scan uses others, those are added
/// individually, as by libjpeg-turbo in the browsers that use it, so that every browser shows the same as
/// Chromium. A picture that defines all its tables stays unchanged.
fn add_tables(head: &Head, out: &mut FrameBuffer) {
    for (id, segment) in STANDARD {
        if !head.defined.contains(id) {
            out.extend_from_slice(segment);
        }
    }
}

#[cfg(test)]
mod tests;
