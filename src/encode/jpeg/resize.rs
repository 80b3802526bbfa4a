//! Decoding a JPEG at a part of its size, and encoding that.

use std::fmt;

use turbojpeg::{Colorspace, DecompressHeader, Decompressor, ScalingFactor, Subsamp, YuvImage};

use super::{Compressor, harmless};
use crate::encode::EncodeError;
use crate::encode::alter::{AlterError, HELD_MAX_PIXELS};
use crate::encode::layout::check_sides;
use crate::frame::FrameBuffer;

/// Decoder, encoder and the samples between them, reused for the life of the camera.
pub(in crate::encode) struct Resizer {
    decompressor: Option<Decompressor>,
    compressor: Compressor,
    samples: Vec<u8>,
}

impl Resizer {
    pub(in crate::encode) fn new(quality: u8) -> Result<Self, EncodeError> {
        Ok(Self { decompressor: None, compressor: Compressor::new(quality)?, samples: Vec::new() })
    }

    pub(in crate::encode) fn set_quality(&mut self, quality: u8) -> Result<(), EncodeError> {
        self.compressor.set_quality(quality)
    }

    /// Writes the JPEG with sides divided by 1, 2, 4 or 8, and returns its width and height.
    pub(in crate::encode) fn resize(
        &mut self,
        jpeg: &[u8],
        divisor: usize,
        is_held: bool,
        out: &mut FrameBuffer,
    ) -> Result<(usize, usize), AlterError> {
        // After an error the library goes on in the middle of the damaged header: only one that came to a good
        // end is used again.
        let mut decompressor = match self.decompressor.take() {
            Some(decompressor) => decompressor,
            None => Decompressor::new().map_err(EncodeError::from)?,
        };
        let factor = ScalingFactor::new(1, divisor);
        decompressor.set_scaling_factor(factor).map_err(EncodeError::from)?;
        let header = decompressor.read_header(jpeg)?;
        check(&header, is_held)?;
        let size @ (width, height) = (factor.scale(header.width), factor.scale(header.height));
        if width * height > HELD_MAX_PIXELS {
            return Err(AlterError::TooLarge { width, height });
        }
        let subsamp = header.subsamp;
        let len = turbojpeg::yuv_pixels_len(width, ALIGN, height, subsamp).map_err(EncodeError::from)?;
        self.samples.resize(len, 0);
        let image = YuvImage { pixels: &mut self.samples[..], width, align: ALIGN, height, subsamp };
        match decompressor.decompress_to_yuv(jpeg, image) {
            Ok(()) => self.decompressor = Some(decompressor),
            Err(warning) if harmless(&warning) => {}
            Err(error) => return Err(error.into()),
        }
        fill_padding(&mut self.samples, size, subsamp);
        let image = YuvImage { pixels: &self.samples[..], width, align: ALIGN, height, subsamp };
        self.compressor.compress_yuv(image, out)?;
        Ok(size)
    }
}

impl fmt::Debug for Resizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resizer").finish_non_exhaustive()
    }
}

/// Rows follow each other without a gap.
const ALIGN: usize = 1;

/// What the library cannot decode to the samples that it encodes, or asserts on.
fn check(header: &DecompressHeader, is_held: bool) -> Result<(), AlterError> {
    let DecompressHeader { width, height, .. } = *header;
    check_sides(width, height)?;
    if is_held && width * height > HELD_MAX_PIXELS {
        return Err(AlterError::TooLarge { width, height });
    }
    if header.is_lossless {
        return Err(AlterError::Kind("it is coded without loss"));
    }
    if !matches!(header.colorspace, Colorspace::YCbCr | Colorspace::Gray) {
        return Err(AlterError::Kind("its colours are neither Y'CbCr nor grey"));
    }
    if header.subsamp == Subsamp::Unknown {
        return Err(AlterError::Kind("its colour has an unusual sampling"));
    }
    Ok(())
}

/// Luma is padded to whole samples of colour. The library leaves the neighbours' bytes there, or none, and the
/// encoder would spread them over the rest of the last block, which shows inside of the picture.
fn fill_padding(samples: &mut [u8], (width, height): (usize, usize), subsamp: Subsamp) {
    let (stride, rows) = (width.next_multiple_of(subsamp.width()), height.next_multiple_of(subsamp.height()));
    let luma = &mut samples[..stride * rows];
    if stride > width {
        for row in luma.chunks_exact_mut(stride) {
            let last = row[width - 1];
            row[width..].fill(last);
        }
    }
    for row in height..rows {
        luma.copy_within((height - 1) * stride..height * stride, row * stride);
    }
}
