//! Why a JPEG is dropped.

use std::fmt;

use super::{LEADING_BYTES_MAX, SCANS_MAX};
use crate::limits;

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
    /// A marker in an illegal position.
    Misplaced {
        /// The marker's second byte.
        marker: u8,
        /// Its offset.
        offset: usize,
    },
    /// A segment whose length does not fit its content.
    Segment {
        /// The marker's second byte.
        marker: u8,
        /// Its offset.
        offset: usize,
        /// Its length in bytes.
        bytes: usize,
    },
    /// A segment whose content no decoder accepts.
    Illegal {
        /// The marker's second byte.
        marker: u8,
        /// Its offset.
        offset: usize,
        /// What is wrong with it.
        what: &'static str,
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
    /// More pixels than [`limits::PICTURE_MAX_PIXELS`].
    Pixels {
        /// Width in pixels.
        width: u16,
        /// Height in pixels.
        height: u16,
    },
    /// A scan uses a Huffman table that is neither defined nor standard.
    NoTable,
    /// More scans than any picture needs.
    Scans,
    /// A second picture begins before the first has ended.
    SecondPicture {
        /// Its offset.
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
            Self::Misplaced { marker, offset } => {
                write!(f, "jpeg marker 0xff{marker:02x} at byte {offset} is out of place")
            }
            Self::Segment { marker, offset, bytes } => {
                write!(f, "jpeg segment 0xff{marker:02x} at byte {offset} cannot have {bytes} bytes")
            }
            Self::Illegal { marker, offset, what } => {
                write!(f, "jpeg segment 0xff{marker:02x} at byte {offset}: {what}")
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
            Self::Pixels { width, height } => write!(
                f,
                "jpeg of {width}x{height} pixels: at most {} million are passed on",
                limits::PICTURE_MAX_PIXELS / 1_000_000
            ),
            Self::NoTable => f.write_str("jpeg uses a huffman table that it does not define"),
            Self::Scans => write!(f, "jpeg has more than {SCANS_MAX} scans"),
            Self::SecondPicture { offset } => {
                write!(f, "jpeg ends before EOI: another one begins at byte {offset}")
            }
        }
    }
}

impl std::error::Error for Damaged {}
