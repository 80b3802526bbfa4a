//! JPEGs of every kind for tests, and their samples.

use turbojpeg::{Compressor, Image, PixelFormat};

pub(in crate::encode) use turbojpeg::Subsamp as Sampling;

/// Every sampling that the library names.
pub(in crate::encode) const SAMPLINGS: [Sampling; 7] = [
    Sampling::None,
    Sampling::Sub2x1,
    Sampling::Sub2x2,
    Sampling::Gray,
    Sampling::Sub1x2,
    Sampling::Sub4x1,
    Sampling::Sub1x4,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::encode) enum Coding {
    Baseline,
    Progressive,
    Arithmetic,
}

pub(in crate::encode) const CODINGS: [Coding; 3] =
    [Coding::Baseline, Coding::Progressive, Coding::Arithmetic];

/// Waves of light in other colours from place to place, with a bright frame and a dark bar.
fn pixel(width: usize, height: usize, x: usize, y: usize) -> [u8; 3] {
    if x + 3 >= width || y + 3 >= height {
        return [230, 220, 210];
    }
    if (width / 3..width / 3 + 6).contains(&x) {
        return [20, 30, 40];
    }
    let wave = |at: usize, length: f64| (60.0 * (at as f64 / length).sin()) as i32 + 120;
    [wave(x + y, 19.0), wave(2 * x, 31.0), wave(3 * y + x, 43.0)].map(|level| level as u8)
}

/// A picture of this kind.
pub(in crate::encode) fn jpeg(
    sampling: Sampling,
    coding: Coding,
    (width, height): (usize, usize),
) -> Vec<u8> {
    let pixels: Vec<u8> =
        (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(width, height, x, y))).collect();
    let mut compressor = Compressor::new().unwrap();
    compressor.set_quality(95).unwrap();
    compressor.set_subsamp(sampling).unwrap();
    compressor.set_progressive(coding == Coding::Progressive).unwrap();
    compressor.set_arithmetic(coding == Coding::Arithmetic).unwrap();
    let image = Image { pixels: &pixels[..], width, pitch: 3 * width, height, format: PixelFormat::RGB };
    compressor.compress_to_vec(image).unwrap()
}

/// The samples of a JPEG, without padding.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::encode) struct Samples {
    pub size: (usize, usize),
    pub sampling: Sampling,
    pub planes: Vec<Component>,
}

/// Width, height and samples of a plane.
pub(in crate::encode) type Component = (usize, usize, Vec<u8>);

pub(in crate::encode) fn decode(jpeg: &[u8]) -> Samples {
    let image = turbojpeg::decompress_to_yuv(jpeg).unwrap();
    let (width, height, sampling) = (image.width, image.height, image.subsamp);
    let colours = (width.div_ceil(sampling.width()), height.div_ceil(sampling.height()));
    let mut at = 0;
    let mut plane = |(stride, rows): (usize, usize), (width, height): (usize, usize)| {
        let start = at;
        at += stride * rows;
        let row = |row| &image.pixels[start + row * stride..][..width];
        (width, height, (0..height).flat_map(row).copied().collect())
    };
    let mut planes = vec![plane(image.y_size(), (width, height))];
    if sampling != Sampling::Gray {
        planes.push(plane(image.uv_size(), colours));
        planes.push(plane(image.uv_size(), colours));
    }
    Samples { size: (width, height), sampling, planes }
}

/// Peak signal-to-noise ratio in dB.
pub(in crate::encode) fn psnr(a: &Component, b: &Component) -> f64 {
    assert_eq!((a.0, a.1), (b.0, b.1));
    let squares: f64 = a.2.iter().zip(&b.2).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.2.len() as f64 / squares.max(1e-9)).log10()
}

/// Calls with a JPEG of each kind of which some bytes are wrong, a number of times.
pub(in crate::encode) fn flipped(times: usize, mut with: impl FnMut(&[u8])) {
    // xorshift64 (Marsaglia, 2003).
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    for sampling in SAMPLINGS {
        for coding in CODINGS {
            let whole = jpeg(sampling, coding, (67, 45));
            let head = whole.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap() + 16;
            for i in 0..times {
                let mut damaged = whole.clone();
                for _ in 0..=below(3) {
                    // Half of them in the head, which has few bytes and says the most.
                    let at = below(if i % 2 == 0 { head } else { whole.len() });
                    damaged[at] = below(256) as u8;
                }
                with(&damaged);
            }
        }
    }
}

/// Bytes that are not a picture, and pictures that are refused.
pub(in crate::encode) fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let whole = jpeg(Sampling::Sub2x2, Coding::Baseline, (64, 48));
    let sof = whole.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    let sized = |height: u16, width: u16| {
        let mut jpeg = whole.clone();
        jpeg[sof + 5..sof + 7].copy_from_slice(&height.to_be_bytes());
        jpeg[sof + 7..sof + 9].copy_from_slice(&width.to_be_bytes());
        jpeg
    };
    let sos = whole.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
    let many_scans = [&whole[..whole.len() - 2], &whole[sos..].repeat(101)].concat();
    vec![
        ("empty", vec![]),
        ("one byte", vec![0xff]),
        ("text", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("zeros", vec![0; 4096]),
        ("markers", vec![0xff; 4096]),
        ("no SOI", whole[2..].to_vec()),
        ("tables only", [&whole[..sof], &[0xff, 0xd9]].concat()),
        ("65535 wide", sized(48, 65_535)),
        ("65535 high", sized(65_535, 64)),
        ("65535 both", sized(65_535, 65_535)),
        ("no width", sized(48, 0)),
        ("no height", sized(0, 64)),
        ("more than 64 million pixels", sized(16_384, 16_384)),
        ("larger than its data", sized(480, 640)),
        ("more than 100 scans", many_scans),
        ("cut in its head", whole[..sos].to_vec()),
        ("cut in its data", whole[..whole.len() * 2 / 3].to_vec()),
        ("cut before EOI", whole[..whole.len() - 2].to_vec()),
    ]
}
