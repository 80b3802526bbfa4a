//! What is refused before a picture is made smaller, turned or cropped, and why.

use std::fmt;

use memchr::memmem;

use super::EncodeError;
use crate::limits;
use crate::picture::orientation::{Crop, CropBeyond};

/// Pixels of a picture whose samples or coefficients are held all at once: 4096x4096, as many as a stretched
/// picture may have. Coefficients of 4:2:0 take 50 MB, and as much again while they are turned; a board has 512.
pub(super) const HELD_MAX_PIXELS: usize = 4096 * 4096;

/// Scans of a JPEG, as many as `mjpeg` lets through: each goes through all of the picture anew.
const SCANS_MAX: usize = 100;

const SOS: [u8; 2] = [0xff, 0xda];

/// The number of scans of a JPEG that is not too long, or more: those of a thumbnail in its metadata count, too.
pub(super) fn check_length_and_scans(jpeg: &[u8]) -> Result<usize, AlterError> {
    if jpeg.len() > limits::JPEG_MAX_BYTES {
        return Err(AlterError::TooLong { bytes: jpeg.len() });
    }
    let scans = memmem::find_iter(jpeg, &SOS).count();
    if scans > SCANS_MAX { Err(AlterError::Scans) } else { Ok(scans) }
}

/// Why a picture could not be made smaller, turned or cropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterError {
    /// More than [`limits::JPEG_MAX_BYTES`].
    TooLong {
        /// Length in bytes.
        bytes: usize,
    },
    /// More pixels than are held at once.
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// More scans than a picture has use for.
    Scans,
    /// A kind of JPEG that this cannot be done to.
    Kind(&'static str),
    /// The JPEG is damaged, in the words of what found that: mostly those of the JPEG library.
    Damaged(String),
    /// A JPEG smaller than the blocks that it is turned by.
    SmallerThanBlock {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Width and height of a block in pixels.
        block: (usize, usize),
    },
    /// A crop of a JPEG in which no block begins.
    NoBlock {
        /// What was to be kept.
        crop: Crop,
        /// Width and height of a block in pixels.
        block: (usize, usize),
    },
    /// The picture does not hold the crop.
    CropBeyond(CropBeyond),
    /// Impossible sides or planes, or the encoder refused.
    Encode(EncodeError),
}

impl AlterError {
    /// Whether what is wanted does not fit pictures of this size or kind, so that the next one fares no better.
    pub const fn concerns_setting(&self) -> bool {
        match self {
            Self::TooLarge { .. }
            | Self::Kind(_)
            | Self::SmallerThanBlock { .. }
            | Self::NoBlock { .. }
            | Self::CropBeyond(_) => true,
            Self::TooLong { .. } | Self::Scans | Self::Damaged(_) | Self::Encode(_) => false,
        }
    }
}

impl fmt::Display for AlterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => {
                write!(f, "jpeg of {bytes} bytes, at most {} are taken", limits::JPEG_MAX_BYTES)
            }
            Self::TooLarge { width, height } => write!(
                f,
                "picture of {width}x{height} pixels: at most {} million can be held at once",
                HELD_MAX_PIXELS / 1_000_000
            ),
            Self::Scans => write!(f, "jpeg has more than {SCANS_MAX} scans"),
            Self::Kind(what) => write!(f, "jpeg cannot be altered: {what}"),
            Self::Damaged(message) => write!(f, "jpeg is damaged: {message}"),
            Self::SmallerThanBlock { width, height, block } => write!(
                f,
                "jpeg of {width}x{height} pixels cannot be turned: it is smaller than its blocks of {}x{}",
                block.0, block.1
            ),
            Self::NoBlock { crop, block } => write!(
                f,
                "crop {crop} is too small: no block of {}x{} pixels of the jpeg begins in it",
                block.0, block.1
            ),
            Self::CropBeyond(beyond) => beyond.fmt(f),
            Self::Encode(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AlterError {}

impl From<EncodeError> for AlterError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<CropBeyond> for AlterError {
    fn from(beyond: CropBeyond) -> Self {
        Self::CropBeyond(beyond)
    }
}
