//! Smaller pictures, for viewers that show a camera in less room than its pictures have.
//!
//! Sides go down by whole steps only: libjpeg-turbo decodes a JPEG at a half, a quarter or an eighth for a part
//! of the cost of the whole, because it computes no more samples than are wanted, and averages over blocks
//! need no filter. The encoder then has a fourth, a sixteenth or less to do.

mod planes;

use super::alter::{AlterError, check_length_and_scans};
use super::{EncodeError, check_quality, jpeg};
use crate::frame::FrameBuffer;

pub use planes::PlanesResizer;

/// By how much the sides of a picture are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// As large as the camera's.
    Whole,
    /// 1/2.
    Half,
    /// 1/4.
    Quarter,
    /// 1/8.
    Eighth,
}

impl Step {
    /// What sides are divided by.
    pub const fn divisor(self) -> usize {
        match self {
            Self::Whole => 1,
            Self::Half => 2,
            Self::Quarter => 4,
            Self::Eighth => 8,
        }
    }

    /// A side after this step, rounded up.
    pub const fn scaled(self, side: usize) -> usize {
        side.div_ceil(self.divisor())
    }
}

/// The smallest step that is at least as wide as wanted; the camera's own width where none is.
pub fn step_for(width_of_camera: usize, wanted_width: usize) -> Step {
    let is_enough = |step: &Step| step.scaled(width_of_camera) >= wanted_width;
    [Step::Eighth, Step::Quarter, Step::Half].into_iter().find(is_enough).unwrap_or(Step::Whole)
}

/// Makes the JPEGs of one camera smaller; its memory is reused for the life of the camera.
#[derive(Debug)]
pub struct JpegResizer {
    library: jpeg::resize::Resizer,
}

impl JpegResizer {
    /// Makes JPEGs of this quality, 1 (worst) to 100 (best).
    ///
    /// # Errors
    /// [`EncodeError::Quality`], and [`EncodeError::Library`] where there is no memory.
    pub fn new(quality: u8) -> Result<Self, EncodeError> {
        check_quality(quality)?;
        Ok(Self { library: jpeg::resize::Resizer::new(quality)? })
    }

    /// Sets the JPEG quality of the pictures to come, 1 to 100.
    ///
    /// # Errors
    /// [`EncodeError::Quality`]; the quality is then what it was.
    pub fn set_quality(&mut self, quality: u8) -> Result<(), EncodeError> {
        check_quality(quality)?;
        self.library.set_quality(quality)
    }

    /// Decodes a JPEG at this step of its size and encodes it, replacing the content of `out`.
    /// Colour keeps its sampling; metadata is left out. Returns width and height.
    ///
    /// # Errors
    /// Where the JPEG is damaged, too large, or of a kind that browsers hardly show; `out` is empty then.
    pub fn resize(
        &mut self,
        jpeg: &[u8],
        step: Step,
        out: &mut FrameBuffer,
    ) -> Result<(usize, usize), AlterError> {
        out.clear();
        // Of more scans than one, the decoder holds all coefficients.
        let is_held = check_length_and_scans(jpeg)? > 1;
        self.library.resize(jpeg, step.divisor(), is_held, out)
    }
}

#[cfg(test)]
mod tests;
