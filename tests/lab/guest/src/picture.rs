//! Compares a delivered JPEG with the raw picture that it was encoded from.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Y, Cb, Cr of each pixel.
#[derive(Debug)]
pub struct Planes {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Three bytes per pixel; grey pictures have 128, 128.
    pub pixels: Vec<[u8; 3]>,
}

/// Decodes strictly, with a decoder that shares no code with the one under test.
pub fn decode(jpeg: &[u8]) -> Result<Planes, String> {
    let options = DecoderOptions::new_safe().set_strict_mode(true).jpeg_set_out_colorspace(ColorSpace::YCbCr);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let problem = |error| format!("does not decode: {error:?}");
    decoder.decode_headers().map_err(problem)?;
    let is_grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    if is_grey {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
    }
    let bytes = decoder.decode().map_err(problem)?;
    let (width, height) = decoder.dimensions().ok_or("no dimensions")?;
    let pixels: Vec<[u8; 3]> = if is_grey {
        bytes.iter().map(|&luma| [luma, 128, 128]).collect()
    } else {
        bytes.as_chunks().0.to_vec()
    };
    if pixels.len() != width * height {
        return Err(format!("{} pixels in a picture of {width}x{height}", pixels.len()));
    }
    Ok(Planes { width, height, pixels })
}

/// Reads a raw picture in V4L2's layout without padding. `None` if it is too short or of an unknown format.
pub fn from_raw(fourcc: &str, width: usize, height: usize, raw: &[u8]) -> Option<Planes> {
    let area = width * height;
    let byte = |at: usize| raw.get(at).copied();
    // Packed 4:2:2: the offsets of Y0, Cb, Y1, Cr in each four bytes.
    let packed = |order: [usize; 4], x: usize, y: usize| {
        let at = (y * width + x / 2 * 2) * 2;
        Some([byte(at + order[x % 2 * 2])?, byte(at + order[1])?, byte(at + order[3])?])
    };
    // Planar: `down` rows share a chroma row; chroma starts at `cb` and `cr`, `step` bytes apart.
    let planar = |(down, cb, cr, step): (usize, usize, usize, usize), x: usize, y: usize| {
        let chroma = (y / down * (width / 2) + x / 2) * step;
        Some([byte(y * width + x)?, byte(area + cb + chroma)?, byte(area + cr + chroma)?])
    };
    let rgb24 = |red: usize, blue: usize, x: usize, y: usize| {
        let at = (y * width + x) * 3;
        Some(ycbcr([byte(at + red)?, byte(at + 1)?, byte(at + blue)?]))
    };
    let pixel = |x: usize, y: usize| match fourcc {
        "YUYV" => packed([0, 1, 2, 3], x, y),
        "YVYU" => packed([0, 3, 2, 1], x, y),
        "UYVY" => packed([1, 0, 3, 2], x, y),
        "VYUY" => packed([1, 2, 3, 0], x, y),
        "NV12" => planar((2, 0, 1, 2), x, y),
        "NV21" => planar((2, 1, 0, 2), x, y),
        "NV16" => planar((1, 0, 1, 2), x, y),
        "YU12" => planar((2, 0, area / 4, 1), x, y),
        "YV12" => planar((2, area / 4, 0, 1), x, y),
        "422P" => planar((1, 0, area / 2, 1), x, y),
        "GREY" => Some([byte(y * width + x)?, 128, 128]),
        "RGB3" => rgb24(0, 2, x, y),
        "BGR3" => rgb24(2, 0, x, y),
        "RGBP" => {
            let at = (y * width + x) * 2;
            Some(ycbcr(rgb565(u16::from_le_bytes([byte(at)?, byte(at + 1)?]))))
        }
        _ => None,
    };
    let pixels: Option<Vec<_>> = (0..area).map(|at| pixel(at % width, at / width)).collect();
    Some(Planes { width, height, pixels: pixels? })
}

/// Repeats the high bits in the missing low ones, so that white is white.
fn rgb565(word: u16) -> [u8; 3] {
    let [red, green, blue] = [word >> 11, word >> 5 & 0x3f, word & 0x1f].map(|level| level as u8);
    [red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2]
}

/// JFIF's conversion: BT.601, full range.
fn ycbcr(rgb: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = rgb.map(f64::from);
    let luma = 0.299 * r + 0.587 * g + 0.114 * b;
    [luma, 128.0 + (b - luma) / 1.772, 128.0 + (r - luma) / 1.402]
        .map(|level| level.round().clamp(0.0, 255.0) as u8)
}

/// Peak signal-to-noise ratio in dB of Y, Cb and Cr of two pictures of one size. Chroma is compared as means
/// of 2x2 pixels, its resolution in a JPEG.
pub fn likeness(a: &Planes, b: &Planes) -> Result<[f64; 3], String> {
    if (a.width, a.height) != (b.width, b.height) {
        return Err(format!("{}x{} is compared with {}x{}", a.width, a.height, b.width, b.height));
    }
    let luma = mean_square(a.pixels.iter().zip(&b.pixels).map(|(a, b)| f64::from(a[0]) - f64::from(b[0])));
    let chroma = [1, 2].map(|component| {
        let squares = (0..a.height / 2).flat_map(|y| (0..a.width / 2).map(move |x| (x, y)));
        mean_square(
            squares.map(|(x, y)| mean_of_square(a, component, x, y) - mean_of_square(b, component, x, y)),
        )
    });
    let psnr = |error: f64| 10.0 * (255.0 * 255.0 / error.max(1e-6)).log10();
    Ok([luma, chroma[0], chroma[1]].map(psnr))
}

fn mean_square(differences: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = differences.fold((0.0, 0.0), |(sum, count), d| (sum + d * d, count + 1.0));
    sum / f64::max(count, 1.0)
}

fn mean_of_square(planes: &Planes, component: usize, x: usize, y: usize) -> f64 {
    let at = y * 2 * planes.width + x * 2;
    let corners = [at, at + 1, at + planes.width, at + planes.width + 1];
    corners.map(|corner| f64::from(planes.pixels[corner][component])).iter().sum::<f64>() / 4.0
}

/// A marker, and the bytes of its segment including the marker.
type Segment<'a> = (u8, &'a [u8]);

/// Splits a JPEG into the segments before the scan, and the rest.
fn segments(jpeg: &[u8]) -> Option<(Vec<Segment<'_>>, &[u8])> {
    const SOS: u8 = 0xda;
    let mut rest = jpeg.strip_prefix(&[0xff, 0xd8])?;
    let mut found = Vec::new();
    loop {
        let &[0xff, marker, high, low, ..] = rest else { return None };
        if marker == SOS {
            return Some((found, rest));
        }
        let (segment, after) = rest.split_at_checked(2 + usize::from(u16::from_be_bytes([high, low])))?;
        found.push((marker, segment));
        rest = after;
    }
}

/// The same JPEG without its Huffman tables, and how many DHT segments it had.
pub fn without_dht(jpeg: &[u8]) -> Option<(Vec<u8>, usize)> {
    const DHT: u8 = 0xc4;
    let (segments, scan) = segments(jpeg)?;
    let mut out = vec![0xff, 0xd8];
    for (_, segment) in segments.iter().filter(|(marker, _)| *marker != DHT) {
        out.extend_from_slice(segment);
    }
    out.extend_from_slice(scan);
    Some((out, segments.iter().filter(|(marker, _)| *marker == DHT).count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_and_planar_pictures_are_read_alike() {
        // Two pixels: Y 10 and 20, Cb 30, Cr 40.
        let expected = [[10, 30, 40], [20, 30, 40]];
        for (fourcc, raw) in [
            ("YUYV", [10, 30, 20, 40]),
            ("YVYU", [10, 40, 20, 30]),
            ("UYVY", [30, 10, 40, 20]),
            ("VYUY", [40, 10, 30, 20]),
            ("NV16", [10, 20, 30, 40]),
            ("422P", [10, 20, 30, 40]),
        ] {
            assert_eq!(from_raw(fourcc, 2, 1, &raw).expect(fourcc).pixels, expected, "{fourcc}");
        }
        let square = [10, 20, 10, 20, 30, 40];
        for fourcc in ["NV12", "YU12"] {
            assert_eq!(from_raw(fourcc, 2, 2, &square).expect(fourcc).pixels[..2], expected, "{fourcc}");
        }
        assert!(from_raw("YUYV", 2, 2, &[0; 4]).is_none());
    }

    #[test]
    fn swapped_colours_are_not_alike() {
        let red = [84, 64, 0, 0].repeat(64);
        let picture = |fourcc| from_raw(fourcc, 16, 8, &red[..256]).expect("a picture");
        let likeness = likeness(&picture("YUYV"), &picture("YVYU")).expect("of one size");
        assert!(likeness[0] > 90.0 && likeness[1] < 20.0, "{likeness:?}");
    }

    #[test]
    fn white_of_565_is_white() {
        assert_eq!((rgb565(0xffff), ycbcr([255; 3])), ([255; 3], [255, 128, 128]));
    }
}
