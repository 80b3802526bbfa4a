//! Stretches pictures of limited range to full range, for drivers that declare theirs limited.

use crate::picture::range::{stretch_chroma, stretch_luma};
use crate::picture::{Plane, Planes};

use super::convert::{Order, Pixels};

/// Stretches pictures; keeps its memory as long as the camera.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    /// Luma, or RGB pixels.
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl Stretch {
    /// Stretches planes checked by `layout`.
    pub fn planes(&mut self, planes: &Planes<'_>) -> Planes<'_> {
        let Planes { width, height, chroma, y, u, v } = *planes;
        let (columns, rows) = chroma.plane_size(width, height);
        stretch(y, width, height, &mut self.y, stretch_luma);
        stretch(u, columns, rows, &mut self.u, stretch_chroma);
        stretch(v, columns, rows, &mut self.v, stretch_chroma);
        let plane = |stride, data| Plane { stride, data };
        let (y, u, v) = (plane(width, &self.y[..]), plane(columns, &self.u[..]), plane(columns, &self.v[..]));
        Planes { width, height, chroma, y, u, v }
    }

    /// Stretches pixels: red, green and blue go from 16 to 235, like luma.
    pub fn pixels(&mut self, pixels: &Pixels<'_>) -> Pixels<'_> {
        let Pixels { width, height, order, rows } = *pixels;
        let row = width * if order == Order::Rgbx { 4 } else { 3 };
        stretch(rows, row, height, &mut self.y, stretch_luma);
        Pixels { width, height, order, rows: Plane { stride: row, data: &self.y } }
    }
}

fn stretch(from: Plane<'_>, row: usize, rows: usize, to: &mut Vec<u8>, kernel: fn(&[u8], &mut [u8])) {
    to.resize(row * rows, 0);
    if row == 0 {
        return;
    }
    for (i, to) in to.chunks_mut(row).enumerate() {
        kernel(&from.data[i * from.stride..], to);
    }
}

#[cfg(test)]
mod tests {
    use zune_jpeg::JpegDecoder;
    use zune_jpeg::zune_core::bytestream::ZCursor;
    use zune_jpeg::zune_core::colorspace::ColorSpace;
    use zune_jpeg::zune_core::options::DecoderOptions;

    use crate::encode::JpegEncoder;
    use crate::frame::BufferPool;
    use crate::picture::range::Range;
    use crate::picture::{Chroma, PixelFormat, RawPicture};

    const WIDTH: usize = 32;
    const HEIGHT: usize = 32;

    /// A picture filled with one colour, given as Y'CbCr; grey in formats without colour.
    fn filled(format: PixelFormat, [y, u, v]: [u8; 3]) -> Vec<u8> {
        let planes = |chroma: &[u8], len: usize| {
            let mut bytes = vec![y; WIDTH * HEIGHT];
            bytes.extend(chroma.iter().copied().cycle().take(len));
            bytes
        };
        let half = |first: u8, second: u8, each: usize| {
            let mut bytes = vec![y; WIDTH * HEIGHT];
            bytes.extend([vec![first; each], vec![second; each]].concat());
            bytes
        };
        match format {
            PixelFormat::Yuyv => [y, u, y, v].repeat(WIDTH * HEIGHT / 2),
            PixelFormat::Uyvy => [u, y, v, y].repeat(WIDTH * HEIGHT / 2),
            PixelFormat::Yvyu => [y, v, y, u].repeat(WIDTH * HEIGHT / 2),
            PixelFormat::Vyuy => [v, y, u, y].repeat(WIDTH * HEIGHT / 2),
            PixelFormat::Nv12 => planes(&[u, v], WIDTH * HEIGHT / 2),
            PixelFormat::Nv21 => planes(&[v, u], WIDTH * HEIGHT / 2),
            PixelFormat::Nv16 => planes(&[u, v], WIDTH * HEIGHT),
            PixelFormat::Yu12 => half(u, v, WIDTH * HEIGHT / 4),
            PixelFormat::Yv12 => half(v, u, WIDTH * HEIGHT / 4),
            PixelFormat::Yuv422p => half(u, v, WIDTH * HEIGHT / 2),
            PixelFormat::Rgb24 | PixelFormat::Bgr24 => vec![y; 3 * WIDTH * HEIGHT],
            PixelFormat::Rgb565 => {
                let word = u16::from(y >> 3) << 11 | u16::from(y >> 2) << 5 | u16::from(y >> 3);
                word.to_le_bytes().repeat(WIDTH * HEIGHT)
            }
            PixelFormat::Grey => vec![y; WIDTH * HEIGHT],
        }
    }

    /// Y'CbCr of the pixel in the middle, after encoding and decoding.
    fn shown(format: PixelFormat, colour: [u8; 3], range: Range) -> [u8; 3] {
        let data = filled(format, colour);
        let stride = format.row_bytes(WIDTH);
        let picture = RawPicture { format, width: WIDTH, height: HEIGHT, stride, data: &data };
        let mut jpeg = BufferPool::default().take();
        let mut encoder = JpegEncoder::new(100, Chroma::Yuv420).unwrap().of_range(range);
        encoder.encode(&picture, &mut jpeg).unwrap();
        let is_grey = format == PixelFormat::Grey;
        let space = if is_grey { ColorSpace::Luma } else { ColorSpace::YCbCr };
        let options = DecoderOptions::default().jpeg_set_out_colorspace(space);
        let pixels = JpegDecoder::new_with_options(ZCursor::new(&jpeg[..]), options).decode().unwrap();
        let middle = WIDTH * HEIGHT / 2 + WIDTH / 2;
        if is_grey { [pixels[middle], 128, 128] } else { pixels[3 * middle..][..3].try_into().unwrap() }
    }

    fn assert_near(format: PixelFormat, shown: [u8; 3], expected: [u8; 3], most: u8) {
        let is_near = shown.iter().zip(expected).all(|(shown, expected)| shown.abs_diff(expected) <= most);
        assert!(is_near, "{format}: {shown:?}, expected {expected:?}");
    }

    #[test]
    fn limited_range_is_stretched_to_full_black_and_white() {
        for format in PixelFormat::ALL {
            // Five bits of a colour are off by up to 4 levels.
            let most = if format == PixelFormat::Rgb565 { 5 } else { 1 };
            assert_near(format, shown(format, [16, 128, 128], Range::Limited), [0, 128, 128], most);
            assert_near(format, shown(format, [235, 128, 128], Range::Limited), [255, 128, 128], most);
            assert_near(format, shown(format, [16, 128, 128], Range::Full), [16, 128, 128], most);
            assert_near(format, shown(format, [235, 128, 128], Range::Full), [235, 128, 128], most);
        }
    }

    #[test]
    fn colours_are_stretched_too() {
        let coloured =
            PixelFormat::ALL.into_iter().filter(|format| !format.is_rgb() && *format != PixelFormat::Grey);
        for format in coloured {
            // Red at 100 % in limited and in full range (BT.601).
            assert_near(format, shown(format, [81, 90, 240], Range::Limited), [76, 85, 255], 2);
            assert_near(format, shown(format, [81, 90, 240], Range::Full), [81, 90, 240], 2);
        }
    }
}
