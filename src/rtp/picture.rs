//! The pictures of a stream.

use crate::clock::Monotonic;
use crate::video::{self, AccessUnit, Codec};

/// The coding of a stream's pictures, which also decides how RTP carries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// H.264 by RFC 6184, H.265 by RFC 7798.
    Video(Codec),
    /// Baseline JPEG by RFC 2435.
    Jpeg,
}

impl Encoding {
    /// The common name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Video(codec) => codec.name(),
            Self::Jpeg => "JPEG",
        }
    }
}

/// The known format of a stream's pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// From the sequence parameter set.
    Video(video::Format),
    /// From the JPEG header.
    Jpeg {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

impl Format {
    /// How the pictures are coded.
    pub const fn encoding(&self) -> Encoding {
        match self {
            Self::Video(format) => Encoding::Video(format.codec),
            Self::Jpeg { .. } => Encoding::Jpeg,
        }
    }

    /// The profile's name, if it is one that cameras use.
    pub const fn profile_name(&self) -> Option<&'static str> {
        match self {
            Self::Video(format) => format.profile_name(),
            Self::Jpeg { .. } => None,
        }
    }

    /// Width and height in pixels.
    pub const fn size(&self) -> (u32, u32) {
        match *self {
            Self::Video(video::Format { width, height, .. }) | Self::Jpeg { width, height } => {
                (width, height)
            }
        }
    }
}

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Picture {
    /// From a stream of H.264 or H.265.
    Video(VideoPicture),
    /// From a stream of JPEG.
    Jpeg(JpegPicture),
}

/// An access unit with its RTP attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoPicture {
    /// The coded picture.
    pub unit: AccessUnit,
    /// RTP timestamp, in units of the media's clock rate. Cameras' clocks jump: use `unit.arrived` for live
    /// pictures.
    pub timestamp: u32,
    /// No other unit refers to it: it can be left out.
    pub is_disposable: bool,
    /// Its parameter sets differ from the previous ones (the size may have changed).
    pub new_parameter_sets: bool,
}

/// A JPEG file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JpegPicture {
    /// From SOI to EOI.
    pub data: Vec<u8>,
    /// RTP timestamp, in units of the media's clock rate.
    pub timestamp: u32,
    /// When its first packet arrived.
    pub arrived: Monotonic,
}

impl Picture {
    /// Its size in bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Video(picture) => picture.unit.data.len(),
            Self::Jpeg(picture) => picture.data.len(),
        }
    }

    /// RTP timestamp, in units of the media's clock rate.
    pub const fn timestamp(&self) -> u32 {
        match self {
            Self::Video(picture) => picture.timestamp,
            Self::Jpeg(picture) => picture.timestamp,
        }
    }

    /// No other picture refers to it.
    pub const fn is_disposable(&self) -> bool {
        match self {
            Self::Video(picture) => picture.is_disposable,
            Self::Jpeg(_) => true,
        }
    }
}
