//! Checks and mends the JPEG pictures that a camera gives.
//!
//! One truncated picture ends a stream in Chromium, and one without Huffman tables is not painted by
//! Safari, so no picture goes to a viewer unseen. Only the headers are read; the compressed data is
//! searched, not decoded. Sections are those of ITU-T T.81.

pub mod extent;
mod huffman;

use std::fmt;
use std::ops::RangeInclusive;

use memchr::memmem;

use crate::frame::FrameBuffer;
use crate::limits;
pub use huffman::standard_segment;
use huffman::{STANDARD, TableId, Tables};

/// Bytes before SOI that are overlooked: some UVC cameras begin a picture with padding.
const LEADING_BYTES_MAX: usize = 64;

/// Markers (T.81, table B.1), without the 0xff before each.
mod marker {
    pub const SOF0: u8 = 0xc0;
    pub const SOF2: u8 = 0xc2;
    pub const DHT: u8 = 0xc4;
    pub const JPG: u8 = 0xc8;
    pub const DAC: u8 = 0xcc;
    pub const SOF15: u8 = 0xcf;
    pub const SOI: u8 = 0xd8;
    pub const EOI: u8 = 0xd9;
    pub const SOS: u8 = 0xda;
    pub const DQT: u8 = 0xdb;
    pub const COM: u8 = 0xfe;
}

const SOI: [u8; 2] = [0xff, marker::SOI];
const EOI: [u8; 2] = [0xff, marker::EOI];

/// What the headers of a JPEG say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JpegInfo {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Copies one JPEG of a camera to `out`, from SOI to EOI, with whatever lies around it cut and the
/// standard Huffman tables put in where it uses tables that it does not define. All other bytes stay
/// as they are.
///
/// # Errors
/// Where viewers could not show it; `out` is empty then.
pub fn mend(data: &[u8], out: &mut FrameBuffer) -> Result<JpegInfo, Damaged> {
    out.clear();
    if data.len() > limits::JPEG_MAX_BYTES {
        return Err(Damaged::TooLong { bytes: data.len() });
    }
    let data = from_start(data)?;
    let header = Header::read(data)?;
    let data = &data[..end(data, &header)?];
    let (before_scan, scan) = data.split_at(header.tables_at);
    let additions = additions(&header)?;
    out.extend_from_slice(before_scan);
    for (id, segment) in STANDARD {
        if additions.contains(id) {
            out.extend_from_slice(segment);
        }
    }
    out.extend_from_slice(scan);
    Ok(header.info)
}

/// Width and height in pixels, where the headers are whole. Looks no further.
pub fn read_size(data: &[u8]) -> Option<(u32, u32)> {
    let JpegInfo { width, height } = Header::read(from_start(data).ok()?).ok()?.info;
    Some((width, height))
}

fn from_start(data: &[u8]) -> Result<&[u8], Damaged> {
    let head = &data[..data.len().min(LEADING_BYTES_MAX + SOI.len())];
    let start = memmem::find(head, &SOI).ok_or(Damaged::NoStart { bytes: data.len() })?;
    Ok(&data[start..])
}

/// The offset behind EOI.
///
/// EOI is sought from the end, for it lies there: nothing but padding follows it. In a baseline
/// picture a second SOI bounds the search: a camera that begins a picture in the buffer of the last
/// leaves a first one that is cut short, with an EOI that belongs to the second. Compressed data
/// cannot hold an SOI (T.81, B.1.1.5: 0xff is followed by zero). Looking for it reads every byte, and
/// is cheap all the same: it runs in vector code at 5 us for 130 kB, a few hundred times less than a
/// frame takes to arrive by USB, and leaves the bytes in the cache for the copy that follows. Not so
/// in a progressive picture, where segments of any content lie between the scans.
fn end(data: &[u8], header: &Header) -> Result<usize, Damaged> {
    let scan = &data[header.data_at..];
    let second = if header.process == marker::SOF2 { None } else { memmem::find(scan, &SOI) };
    match (memmem::rfind(&scan[..second.unwrap_or(scan.len())], &EOI), second) {
        (Some(eoi), _) => Ok(header.data_at + eoi + EOI.len()),
        (None, Some(second)) => Err(Damaged::SecondPicture { offset: header.data_at + second }),
        (None, None) => Err(Damaged::Truncated { bytes: data.len() }),
    }
}

/// The standard tables that a picture lacks.
///
/// Motion JPEG in AVI and UVC leaves out all four. Where it defines some, and its scan uses others,
/// the others are filled in one by one, as libjpeg-turbo does in the browsers that use it, so that
/// every browser shows what Chromium shows. A picture that defines all that its first scan uses is
/// left alone, and so is one that is not baseline: no camera omits tables there, and T.81 suggests
/// none for it.
fn additions(header: &Header) -> Result<Tables, Damaged> {
    let mut additions = Tables::default();
    if header.process != marker::SOF0 || header.defined.holds_all(header.used) {
        return Ok(additions);
    }
    for (id, _) in STANDARD {
        if !header.defined.contains(id) {
            additions.add(id);
        }
    }
    if header.defined.union(additions).holds_all(header.used) { Ok(additions) } else { Err(Damaged::NoTable) }
}

/// What stands before the compressed data. Offsets count from SOI.
#[derive(Debug)]
struct Header {
    info: JpegInfo,
    /// The marker of its SOF.
    process: u8,
    defined: Tables,
    used: Tables,
    /// Offset of the SOS marker, before which tables may be put.
    tables_at: usize,
    /// Offset of the compressed data.
    data_at: usize,
}

impl Header {
    /// Walks the segments up to the first SOS (T.81, B.2.1). `data` begins with SOI.
    fn read(data: &[u8]) -> Result<Self, Damaged> {
        let mut defined = Tables::default();
        let mut frame = None;
        let mut offset = SOI.len();
        loop {
            let segment = Segment::read(data, offset)?;
            let impossible = segment.impossible();
            match segment.marker {
                marker::SOF0..=marker::SOF2 if frame.is_none() => {
                    frame = Some((segment.marker, read_size_of_frame(&segment)?));
                }
                marker::DHT => add_tables(segment.content, &mut defined).ok_or(impossible)?,
                marker::SOS => {
                    let (process, info) = frame.ok_or(Damaged::NoFrameHeader)?;
                    let used = tables_of_scan(segment.content).ok_or(impossible)?;
                    let (tables_at, data_at) = (offset, segment.end);
                    return Ok(Self { info, process, defined, used, tables_at, data_at });
                }
                marker::JPG | marker::DAC | marker::DQT..=marker::COM => {}
                process @ marker::SOF0..=marker::SOF15 if frame.is_none() => {
                    return Err(Damaged::Process { marker: process });
                }
                misplaced => return Err(Damaged::Misplaced { marker: misplaced, offset }),
            }
            offset = segment.end;
        }
    }
}

/// A marker segment (T.81, B.1.1.4).
#[derive(Debug)]
struct Segment<'a> {
    marker: u8,
    offset: usize,
    /// What follows the length.
    content: &'a [u8],
    /// Offset behind it.
    end: usize,
}

impl<'a> Segment<'a> {
    /// The markers that stand alone, without a length (T.81, table B.1: TEM, RSTn, SOI, EOI).
    const ALONE: [RangeInclusive<u8>; 2] = [0x00..=0x01, 0xd0..=marker::EOI];

    fn read(data: &'a [u8], offset: usize) -> Result<Self, Damaged> {
        let truncated = Damaged::Truncated { bytes: data.len() };
        let rest = &data[offset..];
        if let Some(byte) = rest.first().copied().filter(|byte| *byte != 0xff) {
            return Err(Damaged::NoMarker { byte, offset });
        }
        // Any number of 0xff may stand before a marker (T.81, B.1.1.2).
        let fill = rest.iter().take_while(|byte| **byte == 0xff).count();
        let Some((&marker, rest)) = rest[fill..].split_first() else { return Err(truncated) };
        if Self::ALONE.iter().any(|alone| alone.contains(&marker)) {
            return Err(Damaged::Misplaced { marker, offset });
        }
        let Some((length, _)) = rest.split_first_chunk() else { return Err(truncated) };
        let length = usize::from(u16::from_be_bytes(*length));
        if length < 2 {
            return Err(Damaged::Segment { marker, offset, bytes: length });
        }
        let content = rest.get(2..length).ok_or(truncated)?;
        Ok(Self { marker, offset, content, end: offset + fill + 1 + length })
    }

    /// For a length that does not fit the content.
    fn impossible(&self) -> Damaged {
        Damaged::Segment { marker: self.marker, offset: self.offset, bytes: self.content.len() + 2 }
    }
}

/// T.81, B.2.2: precision, number of lines, samples per line, number of components, and three bytes
/// for each of these. Zero lines are allowed there, to be told after the scan; no camera does so and
/// few viewers could read it.
fn read_size_of_frame(segment: &Segment<'_>) -> Result<JpegInfo, Damaged> {
    let &[_, y1, y0, x1, x0, components, ref each @ ..] = segment.content else {
        return Err(segment.impossible());
    };
    if components == 0 || each.len() != 3 * usize::from(components) {
        return Err(segment.impossible());
    }
    let (width, height) = (u16::from_be_bytes([x1, x0]), u16::from_be_bytes([y1, y0]));
    let possible = 1..=limits::PICTURE_SIDE_MAX_PIXELS;
    if possible.contains(&usize::from(width)) && possible.contains(&usize::from(height)) {
        Ok(JpegInfo { width: width.into(), height: height.into() })
    } else {
        Err(Damaged::Size { width, height })
    }
}

/// T.81, B.2.4.2: any number of tables, each with its name, 16 counts of codes, and the values.
fn add_tables(mut content: &[u8], tables: &mut Tables) -> Option<()> {
    while let Some((&name, rest)) = content.split_first() {
        let (counts, rest) = rest.split_first_chunk::<16>()?;
        let values: usize = counts.iter().copied().map(usize::from).sum();
        content = rest.get(values..)?;
        tables.add(TableId { class: name >> 4, destination: name & 15 }).then_some(())?;
    }
    Some(())
}

/// T.81, B.2.3: number of components, two bytes for each, and three more.
fn tables_of_scan(content: &[u8]) -> Option<Tables> {
    let (&components, rest) = content.split_first()?;
    let components = usize::from(components);
    if !(1..=4).contains(&components) || rest.len() != 2 * components + 3 {
        return None;
    }
    let mut tables = Tables::default();
    for [_, names] in &rest.as_chunks::<2>().0[..components] {
        let dc = tables.add(TableId { class: 0, destination: names >> 4 });
        let ac = tables.add(TableId { class: 1, destination: names & 15 });
        (dc && ac).then_some(())?;
    }
    Some(tables)
}

/// Why a JPEG cannot go to viewers. Offsets count from SOI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damaged {
    /// More than [`limits::JPEG_MAX_BYTES`].
    TooLong {
        /// Length in bytes.
        bytes: usize,
    },
    /// No SOI at the start.
    NoStart {
        /// Length in bytes.
        bytes: usize,
    },
    /// It ends early.
    Truncated {
        /// Length in bytes.
        bytes: usize,
    },
    /// Something else where a marker should be.
    NoMarker {
        /// What stands there.
        byte: u8,
        /// Where.
        offset: usize,
    },
    /// A marker that cannot stand before the first scan.
    Misplaced {
        /// The marker's second byte.
        marker: u8,
        /// Where.
        offset: usize,
    },
    /// A segment whose length does not fit its content.
    Segment {
        /// The marker's second byte.
        marker: u8,
        /// Where.
        offset: usize,
        /// Its length in bytes.
        bytes: usize,
    },
    /// A kind of JPEG that browsers do not show, such as lossless or arithmetic coding.
    Process {
        /// The second byte of its SOF marker.
        marker: u8,
    },
    /// No SOF before the first scan.
    NoFrameHeader,
    /// A side is zero or beyond [`limits::PICTURE_SIDE_MAX_PIXELS`].
    Size {
        /// Width in pixels.
        width: u16,
        /// Height in pixels.
        height: u16,
    },
    /// The scan uses a Huffman table that is neither defined nor one of the standard.
    NoTable,
    /// A second picture begins before the first has ended.
    SecondPicture {
        /// Where it begins.
        offset: usize,
    },
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => {
                write!(f, "jpeg of {bytes} bytes, at most {} are taken", limits::JPEG_MAX_BYTES)
            }
            Self::NoStart { bytes } => {
                write!(f, "jpeg does not begin with SOI within {LEADING_BYTES_MAX} bytes ({bytes} bytes)")
            }
            Self::Truncated { bytes } => write!(f, "jpeg ends before EOI ({bytes} bytes)"),
            Self::NoMarker { byte, offset } => {
                write!(f, "jpeg has 0x{byte:02x} at byte {offset}, where a marker should be")
            }
            Self::Misplaced { marker, offset } => {
                write!(f, "jpeg marker 0xff{marker:02x} at byte {offset} is out of place")
            }
            Self::Segment { marker, offset, bytes } => {
                write!(f, "jpeg segment 0xff{marker:02x} at byte {offset} cannot have {bytes} bytes")
            }
            Self::Process { marker } => {
                write!(f, "jpeg is of a kind that browsers do not show (SOF 0xff{marker:02x})")
            }
            Self::NoFrameHeader => f.write_str("jpeg has no SOF before its scan"),
            Self::Size { width, height } => write!(
                f,
                "jpeg of {width}x{height} pixels: sides must be within 1 to {}",
                limits::PICTURE_SIDE_MAX_PIXELS
            ),
            Self::NoTable => f.write_str("jpeg uses a huffman table that it does not define"),
            Self::SecondPicture { offset } => {
                write!(f, "jpeg ends before EOI: another one begins at byte {offset}")
            }
        }
    }
}

impl std::error::Error for Damaged {}

#[cfg(test)]
mod tests;
