//! The door to libjpeg-turbo: encoding here, what is done to a JPEG in `resize` and `transform`.

pub(super) mod frame_header;
pub(super) mod resize;
#[cfg(test)]
pub(super) mod samples;
pub(super) mod transform;

use std::fmt;

use turbojpeg::{Image, PixelFormat, Subsamp, YuvImage, YuvPlanesImage, compressed_buf_len};

use crate::frame::FrameBuffer;
use crate::limits;
use crate::picture::{Chroma, Plane, Planes};

use super::EncodeError;
use super::alter::AlterError;
use super::convert::{Order, Pixels};

/// A compressor that lives as long as the camera: creating one costs tables and allocations.
pub(super) struct Compressor {
    library: turbojpeg::Compressor,
    quality: u8,
    /// Luma of pictures with an odd side.
    even: Vec<u8>,
}

impl Compressor {
    pub(super) fn new(quality: u8) -> Result<Self, EncodeError> {
        let mut library = turbojpeg::Compressor::new()?;
        library.set_quality(i32::from(quality))?;
        Ok(Self { library, quality, even: Vec::new() })
    }

    pub(super) fn set_quality(&mut self, quality: u8) -> Result<(), EncodeError> {
        if quality != self.quality {
            self.library.set_quality(i32::from(quality))?;
            self.quality = quality;
        }
        Ok(())
    }

    /// Compresses planes checked by `layout`.
    pub(super) fn compress_planes(
        &mut self,
        planes: &Planes<'_>,
        out: &mut FrameBuffer,
    ) -> Result<(), EncodeError> {
        let Planes { width, height, u, v, .. } = *planes;
        let subsamp = match planes.chroma {
            Chroma::Yuv444 => Subsamp::None,
            Chroma::Yuv420 => Subsamp::Sub2x2,
            Chroma::Yuv422 => Subsamp::Sub2x1,
            // For a grey picture, the crate asserts on the lengths of the absent chroma planes.
            Chroma::Grey => {
                let format = PixelFormat::GRAY;
                return self.compress_image(
                    &Image { pixels: planes.y.data, width, pitch: planes.y.stride, height, format },
                    Subsamp::Gray,
                    out,
                );
            }
        };
        let y = even_luma(planes, subsamp, &mut self.even);
        let image = YuvPlanesImage {
            y_plane: y.data,
            u_plane: u.data,
            v_plane: v.data,
            width,
            height,
            y_stride: y.stride,
            u_stride: u.stride,
            v_stride: v.stride,
            subsamp,
        };
        let capacity = capacity(width, height, subsamp)?;
        let len = self.library.compress_yuv_planes_to_slice(&image, out.writable(capacity))?;
        out.set_len(len);
        Ok(())
    }

    /// Compresses pixels checked by `layout`, with this chroma subsampling.
    pub(super) fn compress_pixels(
        &mut self,
        pixels: &Pixels<'_>,
        chroma: Chroma,
        out: &mut FrameBuffer,
    ) -> Result<(), EncodeError> {
        let Pixels { width, height, rows, .. } = *pixels;
        let format = match pixels.order {
            Order::Rgb => PixelFormat::RGB,
            Order::Bgr => PixelFormat::BGR,
            Order::Rgbx => PixelFormat::RGBX,
        };
        let subsamp = match chroma {
            Chroma::Yuv444 => Subsamp::None,
            Chroma::Yuv420 => Subsamp::Sub2x2,
            Chroma::Yuv422 => Subsamp::Sub2x1,
            Chroma::Grey => Subsamp::Gray,
        };
        self.compress_image(
            &Image { pixels: rows.data, width, pitch: rows.stride, height, format },
            subsamp,
            out,
        )
    }

    /// Compresses planes that lie one behind the other, luma padded to whole samples of colour.
    fn compress_yuv(&mut self, image: YuvImage<&[u8]>, out: &mut FrameBuffer) -> Result<(), EncodeError> {
        let capacity = capacity(image.width, image.height, image.subsamp)?;
        let len = self.library.compress_yuv_to_slice(image, out.writable(capacity))?;
        out.set_len(len);
        Ok(())
    }

    fn compress_image(
        &mut self,
        image: &Image<&[u8]>,
        subsamp: Subsamp,
        out: &mut FrameBuffer,
    ) -> Result<(), EncodeError> {
        self.library.set_subsamp(subsamp)?;
        let capacity = capacity(image.width, image.height, subsamp)?;
        let len = self.library.compress_to_slice(*image, out.writable(capacity))?;
        out.set_len(len);
        Ok(())
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

/// Size of the longest JPEG that such a picture can become, within reason: if a buffer is too small, the
/// library refuses and does not overrun it.
fn capacity(width: usize, height: usize, subsamp: Subsamp) -> Result<usize, EncodeError> {
    Ok(compressed_buf_len(width, height, subsamp)?.min(limits::JPEG_MAX_BYTES))
}

/// Luma with the sides rounded up to whole chroma samples, as the library reads it; in the camera's buffer an
/// odd picture has unrelated samples there, which would bleed into the last row and column.
fn even_luma<'a>(planes: &Planes<'a>, subsamp: Subsamp, memory: &'a mut Vec<u8>) -> Plane<'a> {
    let Planes { width, height, y, .. } = *planes;
    let (even_width, even_height) =
        (width.next_multiple_of(subsamp.width()), height.next_multiple_of(subsamp.height()));
    if (even_width, even_height) == (width, height) {
        return y;
    }
    memory.resize(even_width * even_height, 0);
    for (i, even) in memory.chunks_mut(even_width).enumerate() {
        let row = &y.data[i.min(height - 1) * y.stride..][..width];
        even[..width].copy_from_slice(row);
        even[width..].fill(row[width - 1]);
    }
    Plane { stride: even_width, data: memory }
}

/// Whether this is a warning of bytes that belong to nothing, which many cameras leave before a marker, and the
/// picture is whole. The library gives its first warning only, so that damage behind such bytes passes, as it
/// does in the camera's own picture.
fn harmless(error: &turbojpeg::Error) -> bool {
    // jerror.h, JWRN_EXTRANEOUS_DATA; the crate keeps no code.
    let prefix = "Corrupt JPEG data: ";
    matches!(error, turbojpeg::Error::TurboJpegError(message)
        if message.strip_prefix(prefix).is_some_and(|it| it.contains("extraneous bytes before marker")))
}

/// For what reads a JPEG: compression errors go by way of [`EncodeError`].
impl From<turbojpeg::Error> for AlterError {
    fn from(error: turbojpeg::Error) -> Self {
        match error {
            turbojpeg::Error::TurboJpegError(message) => Self::Damaged(message),
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl From<turbojpeg::Error> for EncodeError {
    fn from(error: turbojpeg::Error) -> Self {
        Self::Library(error.to_string())
    }
}
