//! Uncompressed pictures to JPEG, and JPEGs to smaller, turned and cropped ones.
//!
//! `layout` finds and checks the planes of a picture, `convert` brings them into a form that the
//! JPEG library takes, with the kernels of `rows`, `stretch` widens limited range, and `jpeg` is the door to
//! that library. `resize` makes pictures smaller and `transform` turns and crops them, both JPEGs and planes;
//! `reshape` is for pixels that are not square. `oriented` encodes pictures as an operator wants them turned.

pub mod alter;
pub mod convert;
mod jpeg;
mod layout;
pub mod load;
mod oriented;
pub mod pool;
pub mod reshape;
pub mod resize;
mod rows;
mod stretch;
pub mod transform;

use std::fmt;

use crate::frame::FrameBuffer;
use crate::limits;
use crate::picture::range::Range;
use crate::picture::{Chroma, PixelFormat, Planes, RawPicture};

use convert::{Converter, Input};
pub use oriented::Encoded;

/// Encodes the pictures of one camera; its memory is reused for the life of the camera.
#[derive(Debug)]
pub struct JpegEncoder {
    compressor: jpeg::Compressor,
    converter: Converter,
    chroma: Chroma,
    /// Set if the source's samples are of limited range.
    stretch: Option<stretch::Stretch>,
    transformer: transform::PlanesTransformer,
}

impl JpegEncoder {
    /// An encoder of JPEG quality 1 (worst) to 100 (best).
    ///
    /// `chroma` applies to pictures with more colour than 4:2:0: [`Chroma::Yuv420`] costs less time and
    /// bytes, [`Chroma::Yuv422`] keeps every row of colour. 4:2:0 pictures stay as they are.
    ///
    /// # Errors
    /// [`EncodeError::Quality`]; [`EncodeError::Chroma`] for any other chroma; [`EncodeError::Library`] if
    /// memory runs out.
    pub fn new(quality: u8, chroma: Chroma) -> Result<Self, EncodeError> {
        check_quality(quality)?;
        if !matches!(chroma, Chroma::Yuv420 | Chroma::Yuv422) {
            return Err(EncodeError::Chroma);
        }
        Ok(Self {
            compressor: jpeg::Compressor::new(quality)?,
            converter: Converter::default(),
            chroma,
            stretch: None,
            transformer: transform::PlanesTransformer::default(),
        })
    }

    /// Sets the JPEG quality of later pictures, 1 to 100.
    ///
    /// # Errors
    /// [`EncodeError::Quality`]; the quality then stays unchanged.
    pub fn set_quality(&mut self, quality: u8) -> Result<(), EncodeError> {
        check_quality(quality)?;
        self.compressor.set_quality(quality)
    }

    /// Sets the range of the source's samples. Without this they keep their values.
    #[must_use]
    pub fn of_range(self, range: Range) -> Self {
        Self { stretch: (range == Range::Limited).then(Default::default), ..self }
    }

    /// Encodes a picture of any format into `out`, replacing its content.
    ///
    /// Samples keep their values unless the source declares their range limited
    /// ([`of_range`](Self::of_range)). Most drivers do not declare it: uvcvideo leaves `quantization` at its
    /// default for nearly every camera, and cameras differ. A needless stretch loses bright and dark parts; a
    /// missing one only a little contrast.
    ///
    /// # Errors
    /// If sides, stride or length of the picture are impossible; `out` is empty then.
    pub fn encode(&mut self, picture: &RawPicture<'_>, out: &mut FrameBuffer) -> Result<(), EncodeError> {
        out.clear();
        let input = self.converter.convert(picture, self.chroma)?;
        match (input, &mut self.stretch) {
            (Input::Planes(planes), None) => self.compressor.compress_planes(&planes, out),
            (Input::Planes(planes), Some(stretch)) => {
                self.compressor.compress_planes(&stretch.planes(&planes), out)
            }
            (Input::Pixels(pixels), None) => self.compressor.compress_pixels(&pixels, self.chroma, out),
            (Input::Pixels(pixels), Some(stretch)) => {
                self.compressor.compress_pixels(&stretch.pixels(&pixels), self.chroma, out)
            }
        }
    }

    /// Encodes a planar picture into `out`, replacing its content.
    ///
    /// Copies nothing except the luma of a picture with an odd side.
    ///
    /// # Errors
    /// If sides, strides or lengths of the planes are impossible; `out` is empty then.
    pub fn encode_planes(&mut self, planes: &Planes<'_>, out: &mut FrameBuffer) -> Result<(), EncodeError> {
        out.clear();
        layout::check_planes(planes)?;
        self.compressor.compress_planes(planes, out)
    }
}

fn check_quality(quality: u8) -> Result<(), EncodeError> {
    if (1..=100).contains(&quality) { Ok(()) } else { Err(EncodeError::Quality(quality)) }
}

/// Why a picture could not be encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EncodeError {
    /// A quality outside 1 to 100.
    Quality(u8),
    /// Neither 4:2:0 nor 4:2:2 chosen for colour pictures.
    Chroma,
    /// A side is zero or beyond [`limits::PICTURE_SIDE_MAX_PIXELS`].
    Sides {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// More pixels than [`limits::PICTURE_MAX_PIXELS`].
    Pixels {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// Rows are closer together than they are long, or absurdly far apart.
    Stride {
        /// Which plane, as a word.
        plane: &'static str,
        /// Width of the picture in pixels.
        width: usize,
        /// Bytes from one row to the next.
        stride: usize,
        /// Bytes of one row.
        need: usize,
    },
    /// A picture ends early.
    Short {
        /// The memory layout.
        format: PixelFormat,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Bytes from one row to the next.
        stride: usize,
        /// Bytes present.
        have: usize,
        /// Bytes required.
        need: usize,
    },
    /// A plane of a planar picture ends early.
    ShortPlane {
        /// Which plane, as a word.
        plane: &'static str,
        /// Width of the picture in pixels.
        width: usize,
        /// Height of the picture in pixels.
        height: usize,
        /// Bytes present.
        have: usize,
        /// Bytes required.
        need: usize,
    },
    /// The JPEG library's error message.
    Library(String),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quality(quality) => write!(f, "jpeg quality {quality} is not within 1 to 100"),
            Self::Chroma => f.write_str("colour pictures can be encoded as 4:2:0 or 4:2:2, not otherwise"),
            Self::Sides { width, height } => write!(
                f,
                "picture of {width}x{height} pixels: sides must be within 1 to {}",
                limits::PICTURE_SIDE_MAX_PIXELS
            ),
            Self::Pixels { width, height } => write!(
                f,
                "picture of {width}x{height} pixels: at most {} million can be encoded",
                limits::PICTURE_MAX_PIXELS / 1_000_000
            ),
            Self::Stride { plane, width, stride, need } => {
                write!(f, "{plane} {width} pixels wide: stride of {stride} bytes for rows of {need} bytes")
            }
            Self::Short { format, width, height, stride, have, need } => write!(
                f,
                "{format} picture of {width}x{height} pixels, stride {stride}, too short: {have} bytes, need {need}"
            ),
            Self::ShortPlane { plane, width, height, have, need } => write!(
                f,
                "{plane} of a picture of {width}x{height} pixels too short: {have} bytes, need {need}"
            ),
            Self::Library(message) => write!(f, "jpeg compression: {message}"),
        }
    }
}

impl std::error::Error for EncodeError {}

#[cfg(test)]
mod tests;
