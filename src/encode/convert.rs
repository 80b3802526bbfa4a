//! Converts any uncompressed picture to a form that the JPEG library accepts.
//!
//! Data that the library can read in place is not copied; only interleaved chroma, packed rows and RGB565 go
//! through our own memory, which is reused.

use crate::picture::{Chroma, PixelFormat, Plane, Planes, RawPicture};

use super::{EncodeError, layout, rows};

/// A picture in a form that the JPEG library accepts.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Planes of Y'CbCr or of grey.
    Planes(Planes<'a>),
    /// RGB pixels.
    Pixels(Pixels<'a>),
}

/// Packed RGB pixels.
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a> {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The bytes of one pixel.
    pub order: Order,
    /// The rows.
    pub rows: Plane<'a>,
}

/// The bytes of one RGB pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// R G B.
    Rgb,
    /// B G R.
    Bgr,
    /// R G B and one unused.
    Rgbx,
}

/// Converts pictures; keeps its memory for the life of the camera.
#[derive(Debug, Default)]
pub struct Converter {
    /// Luma, or RGB pixels.
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
    /// One row of interleaved chroma, between averaging and splitting; stays in the L1 cache.
    pairs: Vec<u8>,
}

impl Converter {
    /// Converts a picture, 4:2:2 to `chroma`, which is not [`Chroma::Grey`].
    ///
    /// # Errors
    /// If sides, stride or length of the picture are impossible.
    pub fn convert<'a>(
        &'a mut self,
        picture: &RawPicture<'a>,
        chroma: Chroma,
    ) -> Result<Input<'a>, EncodeError> {
        let [first, second, third] = layout::planes_of(picture)?;
        let RawPicture { format, width, height, .. } = *picture;
        let pairs = width.div_ceil(2);
        let planes = |y, u, v, chroma| Input::Planes(Planes { width, height, chroma, y, u, v });
        let pixels = |order, rows| Input::Pixels(Pixels { width, height, order, rows });
        Ok(match format {
            PixelFormat::Yuyv | PixelFormat::Uyvy | PixelFormat::Yvyu | PixelFormat::Vyuy => {
                let (y, u, v) = self.unpack(picture, first, chroma);
                planes(y, u, v, chroma)
            }
            PixelFormat::Nv12 => {
                let (u, v) = self.split(pairs, height.div_ceil(2), second);
                planes(first, u, v, Chroma::Yuv420)
            }
            PixelFormat::Nv21 => {
                let (v, u) = self.split(pairs, height.div_ceil(2), second);
                planes(first, u, v, Chroma::Yuv420)
            }
            PixelFormat::Nv16 if chroma == Chroma::Yuv420 => {
                let (u, v) = self.split_average(pairs, height, second);
                planes(first, u, v, chroma)
            }
            PixelFormat::Nv16 => {
                let (u, v) = self.split(pairs, height, second);
                planes(first, u, v, Chroma::Yuv422)
            }
            PixelFormat::Yu12 => planes(first, second, third, Chroma::Yuv420),
            PixelFormat::Yv12 => planes(first, third, second, Chroma::Yuv420),
            PixelFormat::Yuv422p if chroma == Chroma::Yuv420 => {
                let (u, v) = self.average(picture, second, third);
                planes(first, u, v, chroma)
            }
            PixelFormat::Yuv422p => planes(first, second, third, Chroma::Yuv422),
            PixelFormat::Grey => {
                let none = Plane { stride: 0, data: &[] };
                planes(first, none, none, Chroma::Grey)
            }
            PixelFormat::Rgb24 => pixels(Order::Rgb, first),
            PixelFormat::Bgr24 => pixels(Order::Bgr, first),
            PixelFormat::Rgb565 => pixels(Order::Rgbx, self.expand(picture, first)),
        })
    }

    /// Unpacks 4:2:2 to planes Y, Cb, Cr.
    fn unpack(
        &mut self,
        picture: &RawPicture<'_>,
        packed: Plane<'_>,
        chroma: Chroma,
    ) -> (Plane<'_>, Plane<'_>, Plane<'_>) {
        match picture.format {
            PixelFormat::Uyvy | PixelFormat::Vyuy => {
                self.unpack_ordered::<{ rows::SECOND }, { rows::FIRST }>(picture, packed, chroma);
            }
            _ => self.unpack_ordered::<{ rows::FIRST }, { rows::SECOND }>(picture, packed, chroma),
        }
        let pairs = picture.width.div_ceil(2);
        let y = Plane { stride: 2 * pairs, data: &self.y };
        let (first, second) =
            (Plane { stride: pairs, data: &self.u }, Plane { stride: pairs, data: &self.v });
        match picture.format {
            PixelFormat::Yvyu | PixelFormat::Vyuy => (y, second, first),
            _ => (y, first, second),
        }
    }

    /// Works row by row: each row of the source is read from memory once, then from the L1 cache.
    fn unpack_ordered<const LUMA: u32, const CHROMA: u32>(
        &mut self,
        picture: &RawPicture<'_>,
        packed: Plane<'_>,
        chroma: Chroma,
    ) {
        let (height, pairs) = (picture.height, picture.width.div_ceil(2));
        let rows_per_chroma = if chroma == Chroma::Yuv420 { 2 } else { 1 };
        let y = sized(&mut self.y, 2 * pairs * height);
        let u = sized(&mut self.u, pairs * height.div_ceil(rows_per_chroma));
        let v = sized(&mut self.v, pairs * height.div_ceil(rows_per_chroma));
        let between = sized(&mut self.pairs, 2 * pairs);
        let luma = y.chunks_mut(2 * pairs * rows_per_chroma);
        for (i, ((y, u), v)) in luma.zip(u.chunks_mut(pairs)).zip(v.chunks_mut(pairs)).enumerate() {
            let above = row(packed, rows_per_chroma * i, 4 * pairs);
            let (y_above, y_below) = y.split_at_mut(2 * pairs);
            rows::take::<LUMA>(above, y_above);
            if y_below.is_empty() {
                // Every row has its own chroma, or this is the last one of an odd height.
                rows::take::<CHROMA>(above, between);
            } else {
                let below = row(packed, rows_per_chroma * i + 1, 4 * pairs);
                rows::take::<LUMA>(below, y_below);
                rows::take_average::<CHROMA>(above, below, between);
            }
            rows::split(between, u, v);
        }
    }

    /// Splits interleaved chroma into planes of the first and of the second bytes.
    fn split(&mut self, pairs: usize, height: usize, interleaved: Plane<'_>) -> (Plane<'_>, Plane<'_>) {
        let u = sized(&mut self.u, pairs * height);
        let v = sized(&mut self.v, pairs * height);
        for (i, (u, v)) in u.chunks_mut(pairs).zip(v.chunks_mut(pairs)).enumerate() {
            rows::split(row(interleaved, i, 2 * pairs), u, v);
        }
        (Plane { stride: pairs, data: &self.u }, Plane { stride: pairs, data: &self.v })
    }

    /// Likewise, and halves the rows. `height` is that of the interleaved plane.
    fn split_average(
        &mut self,
        pairs: usize,
        height: usize,
        interleaved: Plane<'_>,
    ) -> (Plane<'_>, Plane<'_>) {
        let u = sized(&mut self.u, pairs * height.div_ceil(2));
        let v = sized(&mut self.v, pairs * height.div_ceil(2));
        let between = sized(&mut self.pairs, 2 * pairs);
        for (i, (u, v)) in u.chunks_mut(pairs).zip(v.chunks_mut(pairs)).enumerate() {
            let (above, below) = two_rows(interleaved, i, height, 2 * pairs);
            rows::average(above, below, between);
            rows::split(between, u, v);
        }
        (Plane { stride: pairs, data: &self.u }, Plane { stride: pairs, data: &self.v })
    }

    /// Averages planes of 4:2:2 chroma to half their rows.
    fn average(
        &mut self,
        picture: &RawPicture<'_>,
        full_u: Plane<'_>,
        full_v: Plane<'_>,
    ) -> (Plane<'_>, Plane<'_>) {
        let width = picture.width.div_ceil(2);
        for (full, half) in [(full_u, &mut self.u), (full_v, &mut self.v)] {
            let half = sized(half, width * picture.height.div_ceil(2));
            for (i, half) in half.chunks_mut(width).enumerate() {
                let (above, below) = two_rows(full, i, picture.height, width);
                rows::average(above, below, half);
            }
        }
        (Plane { stride: width, data: &self.u }, Plane { stride: width, data: &self.v })
    }

    fn expand(&mut self, picture: &RawPicture<'_>, words: Plane<'_>) -> Plane<'_> {
        let RawPicture { width, height, .. } = *picture;
        let pixels = sized(&mut self.y, 4 * width * height);
        for (i, pixels) in pixels.chunks_mut(4 * width).enumerate() {
            rows::expand_rgb565(row(words, i, 2 * width), pixels);
        }
        Plane { stride: 4 * width, data: &self.y }
    }
}

/// A slice of this length with arbitrary content: allocates for the first picture only.
fn sized(memory: &mut Vec<u8>, len: usize) -> &mut [u8] {
    memory.resize(len, 0);
    memory
}

fn row(plane: Plane<'_>, i: usize, len: usize) -> &[u8] {
    &plane.data[i * plane.stride..][..len]
}

/// Rows 2i and 2i + 1; the last row of an odd height stands for both.
fn two_rows(plane: Plane<'_>, i: usize, height: usize, len: usize) -> (&[u8], &[u8]) {
    (row(plane, 2 * i, len), row(plane, (2 * i + 1).min(height - 1), len))
}
