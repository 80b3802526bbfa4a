//! Estimates the memory for decoding a stream from its parameter sets.
//!
//! `tests/decoder_memory.rs` compares it with the memory that processes really use.

use std::fmt;

use crate::limits;
use crate::video::Codec;
use crate::video::sps::Sequence;

/// Pictures besides those that the stream refers to: one being decoded, one waiting for its turn in display
/// order, four waiting for the encoder, and one being encoded.
const PICTURES_BESIDE: u64 = 7;

/// Bytes for each picture and pixel besides the samples, in hundredths: motion vectors and references (H.264:
/// 8 bytes for 16 pixels; H.265: 12).
const MOTION_PERCENT: (u64, u64) = (60, 85);

/// Bytes for each pixel once, in hundredths: block types, coefficients, filters.
const TABLES_PERCENT: u64 = 100;

/// Bytes of a JPEG per pixel, in hundredths. Ordinary pictures have 15, noise more.
const JPEG_PERCENT: u64 = 40;

/// A decoder's memory for pictures of no size.
const BASE_BYTES: u64 = 2 << 20;

/// Rows and columns are rounded up to this many samples, plus a few read over the edge.
const ALIGNMENT: u64 = 64;

/// The memory that a stream needs, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Estimate {
    codec: Codec,
    sequence: Sequence,
}

impl Estimate {
    pub fn new(codec: Codec, sequence: Sequence) -> Self {
        Self { codec, sequence }
    }

    /// Bytes of a picture's samples in the decoder.
    pub fn picture_bytes(&self) -> u64 {
        let Sequence { coded: (width, height), bits, .. } = self.sequence;
        let (width, height) = (u64::from(width), u64::from(height));
        let samples = width.next_multiple_of(ALIGNMENT) * (height.next_multiple_of(16) + 4);
        self.planes(samples) * if bits > 8 { 2 } else { 1 }
    }

    /// All other bytes: of the decoder, of the conversion to 8 bits of full range, and of the resulting
    /// JPEGs.
    pub fn other_bytes(&self) -> u64 {
        let Sequence { coded: (width, height), .. } = self.sequence;
        let pixels = u64::from(width) * u64::from(height);
        let motion = if self.codec == Codec::H264 { MOTION_PERCENT.0 } else { MOTION_PERCENT.1 };
        let percent =
            motion * self.pictures() + TABLES_PERCENT + JPEG_PERCENT * limits::POOLED_BUFFERS_MAX as u64;
        BASE_BYTES + pixels * percent / 100 + self.planes(pixels)
    }

    /// All bytes.
    pub fn bytes(&self) -> u64 {
        self.picture_bytes() * self.pictures() + self.other_bytes()
    }

    fn pictures(&self) -> u64 {
        u64::from(self.sequence.pictures) + PICTURES_BESIDE
    }

    /// Samples of all planes, given those of luma.
    fn planes(&self, luma: u64) -> u64 {
        match self.sequence.chroma {
            0 => luma,
            1 => luma * 3 / 2,
            2 => luma * 2,
            _ => luma * 3,
        }
    }
}

/// Describes the stream for people.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sequence { format, chroma, bits, pictures, .. } = self.sequence;
        let chroma = ["grey", "4:2:0", "4:2:2", "4:4:4"].get(usize::from(chroma)).unwrap_or(&"");
        write!(
            f,
            "{} of {}x{} pixels, {bits} bit {chroma}, with {pictures} reference pictures",
            self.codec.name(),
            format.width,
            format.height
        )
    }
}
