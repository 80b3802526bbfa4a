//! Pictures of every format through the encoder and back through a decoder that shares no code
//! with it.

use sha2::{Digest as _, Sha256};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::*;
use crate::frame::BufferPool;
use crate::picture::Plane;

const QUALITY: u8 = 90;
const PSNR_MIN_DB: f64 = 35.0;
/// Fills everything that is not a sample of the picture; it must not show.
const FILLER: u8 = 0xb5;

/// A planar 4:4:4 picture: what a camera might see, before it chooses a format.
struct Scene {
    width: usize,
    height: usize,
    /// Y, Cb, Cr of each pixel.
    ycbcr: Vec<[f64; 3]>,
}

/// Red, green, blue and grey quadrants, a diagonal gradient of light over each, and a dark bar with
/// hard edges.
fn rgb_of_scene(width: usize, height: usize, x: usize, y: usize) -> [u8; 3] {
    let light = 90 + 120 * (x + y) / (width + height);
    let bar = (width / 4..width / 4 + 8).contains(&x);
    let light = if bar { 30 } else { light } as u8;
    match (x < width / 2, y < height / 2) {
        (true, true) => [light, 20, 20],
        (false, true) => [20, light, 20],
        (true, false) => [20, 20, light],
        (false, false) => [light, light, light],
    }
}

/// JFIF 1.02, section "Color Space": Rec. 601, all 256 levels.
fn ycbcr([r, g, b]: [u8; 3]) -> [f64; 3] {
    let (r, g, b) = (f64::from(r), f64::from(g), f64::from(b));
    let y = 0.299 * r + 0.587 * g + 0.114 * b;
    [y, 128.0 + (b - y) / 1.772, 128.0 + (r - y) / 1.402]
}

impl Scene {
    fn new(width: usize, height: usize) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let ycbcr = pixels.map(|(x, y)| ycbcr(rgb_of_scene(width, height, x, y))).collect();
        Self { width, height, ycbcr }
    }

    /// The mean of a component over a block; blocks at the edge are clipped.
    fn mean(&self, component: usize, x: usize, y: usize, block: (usize, usize)) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for y in y * block.1..((y + 1) * block.1).min(self.height) {
            for x in x * block.0..((x + 1) * block.0).min(self.width) {
                sum += self.ycbcr[y * self.width + x][component];
                count += 1.0;
            }
        }
        sum / count
    }

    /// One component, subsampled by `block`.
    fn component(&self, component: usize, block: (usize, usize)) -> Vec<f64> {
        let (width, height) = (self.width.div_ceil(block.0), self.height.div_ceil(block.1));
        let cells = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        cells.map(|(x, y)| self.mean(component, x, y, block)).collect()
    }

    fn sample(&self, component: usize, x: usize, y: usize, block: (usize, usize)) -> u8 {
        self.mean(component, x, y, block).round() as u8
    }

    /// The scene as the bytes of a camera whose rows are `stride` apart.
    fn bytes(&self, format: PixelFormat, stride: usize) -> Vec<u8> {
        let (width, height) = (self.width, self.height);
        let half_width = width.div_ceil(2);
        let mut bytes = Vec::new();
        let luma = |x: usize, y| self.sample(0, x.min(width - 1), y, (1, 1));
        let chroma = |component, x, y| self.sample(component, x, y, (2, 1));
        let rgb = |x, y| rgb_of_scene(width, height, x, y);
        match format {
            PixelFormat::Yuyv | PixelFormat::Yvyu | PixelFormat::Uyvy | PixelFormat::Vyuy => {
                plane(&mut bytes, stride, half_width, height, |x, y| {
                    let (y0, y1) = (luma(2 * x, y), luma(2 * x + 1, y));
                    let (u, v) = (chroma(1, x, y), chroma(2, x, y));
                    match format {
                        PixelFormat::Yuyv => vec![y0, u, y1, v],
                        PixelFormat::Yvyu => vec![y0, v, y1, u],
                        PixelFormat::Uyvy => vec![u, y0, v, y1],
                        _ => vec![v, y0, u, y1],
                    }
                });
            }
            PixelFormat::Rgb24 => plane(&mut bytes, stride, width, height, |x, y| rgb(x, y).to_vec()),
            PixelFormat::Bgr24 => {
                plane(&mut bytes, stride, width, height, |x, y| rgb(x, y).into_iter().rev().collect());
            }
            PixelFormat::Rgb565 => plane(&mut bytes, stride, width, height, |x, y| {
                let [r, g, b] = rgb(x, y).map(u16::from);
                ((r >> 3) << 11 | (g >> 2) << 5 | b >> 3).to_le_bytes().to_vec()
            }),
            _ => plane(&mut bytes, stride, width, height, |x, y| vec![luma(x, y)]),
        }
        self.append_chroma_planes(&mut bytes, format, stride);
        bytes
    }

    fn append_chroma_planes(&self, bytes: &mut Vec<u8>, format: PixelFormat, stride: usize) {
        let height = self.height;
        let (half_width, half_height) = (self.width.div_ceil(2), height.div_ceil(2));
        let chroma = |component, x, y| self.sample(component, x, y, (2, 1));
        let quarter = |component, x, y| self.sample(component, x, y, (2, 2));
        let half = stride / 2;
        match format {
            PixelFormat::Nv12 => {
                plane(bytes, stride, half_width, half_height, |x, y| {
                    vec![quarter(1, x, y), quarter(2, x, y)]
                });
            }
            PixelFormat::Nv21 => {
                plane(bytes, stride, half_width, half_height, |x, y| {
                    vec![quarter(2, x, y), quarter(1, x, y)]
                });
            }
            PixelFormat::Nv16 => {
                plane(bytes, stride, half_width, height, |x, y| vec![chroma(1, x, y), chroma(2, x, y)]);
            }
            PixelFormat::Yu12 | PixelFormat::Yv12 => {
                let order = if format == PixelFormat::Yu12 { [1, 2] } else { [2, 1] };
                for component in order {
                    plane(bytes, half, half_width, half_height, |x, y| vec![quarter(component, x, y)]);
                }
            }
            PixelFormat::Yuv422p => {
                for component in [1, 2] {
                    plane(bytes, half, half_width, height, |x, y| vec![chroma(component, x, y)]);
                }
            }
            _ => {}
        }
    }
}

/// Appends a plane of `stride * height` bytes.
fn plane(
    bytes: &mut Vec<u8>,
    stride: usize,
    width: usize,
    height: usize,
    group: impl Fn(usize, usize) -> Vec<u8>,
) {
    for y in 0..height {
        let start = bytes.len();
        bytes.extend((0..width).flat_map(|x| group(x, y)));
        assert!(bytes.len() <= start + stride, "the test's own stride is too short");
        bytes.resize(start + stride, FILLER);
    }
}

/// An even stride, longer than the row.
fn stride_of(format: PixelFormat, width: usize) -> usize {
    let bytes_per_pixel = match format {
        PixelFormat::Rgb24 | PixelFormat::Bgr24 => 3,
        PixelFormat::Yuyv
        | PixelFormat::Uyvy
        | PixelFormat::Yvyu
        | PixelFormat::Vyuy
        | PixelFormat::Rgb565 => 2,
        _ => 1,
    };
    (bytes_per_pixel * width).next_multiple_of(2) + 26
}

fn decode(jpeg: &[u8]) -> Scene {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::YCbCr).set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let samples = decoder.decode().unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    let (pixels, rest) = samples.as_chunks::<3>();
    assert_eq!((pixels.len(), rest.len()), (width * height, 0));
    Scene { width, height, ycbcr: pixels.iter().map(|pixel| pixel.map(f64::from)).collect() }
}

fn decode_grey(jpeg: &[u8]) -> Vec<f64> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
    JpegDecoder::new_with_options(ZCursor::new(jpeg), options)
        .decode()
        .unwrap()
        .into_iter()
        .map(f64::from)
        .collect()
}

fn psnr(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares).log10()
}

/// Horizontal and vertical sampling factor of the first component (T.81, B.2.2), that is, how many
/// luma samples share a chroma sample.
fn sampling(jpeg: &[u8]) -> (usize, usize) {
    let sof = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    let factors = usize::from(jpeg[sof + 11]);
    (factors >> 4, factors & 15)
}

fn encode(format: PixelFormat, chroma: Chroma, width: usize, height: usize) -> FrameBuffer {
    let stride = stride_of(format, width);
    let data = Scene::new(width, height).bytes(format, stride);
    let mut out = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(QUALITY, chroma).unwrap();
    encoder.encode(&RawPicture { format, width, height, stride, data: &data }, &mut out).unwrap();
    out
}

#[test]
fn every_format_survives() {
    let colourful = PixelFormat::ALL.into_iter().filter(|format| *format != PixelFormat::Grey);
    for format in colourful {
        for (width, height) in [(128, 96), (160, 100), (127, 95), (65, 64), (64, 65)] {
            for chroma in [Chroma::Yuv420, Chroma::Yuv422] {
                let case = format!("{format} {width}x{height} {chroma:?}");
                let scene = Scene::new(width, height);
                let jpeg = encode(format, chroma, width, height);
                let decoded = decode(&jpeg);
                assert_eq!((decoded.width, decoded.height), (width, height), "{case}");
                for (component, block) in [(0, (1, 1)), (1, (2, 2)), (2, (2, 2))] {
                    let psnr = psnr(&scene.component(component, block), &decoded.component(component, block));
                    assert!(psnr >= PSNR_MIN_DB, "{case}: component {component} has {psnr:.1} dB");
                }
                let quadrants = [(0, 0), (1, 0), (0, 1)];
                let quadrant = (width / 2, height / 2);
                let means = quadrants.map(|(x, y)| [1, 2].map(|c| decoded.mean(c, x, y, quadrant)));
                let [red, green, blue] = means;
                assert!(red[1] > 150.0 && red[0] < 120.0, "{case}: red quadrant has Cb, Cr {red:?}");
                assert!(green[0] < 115.0 && green[1] < 115.0, "{case}: green quadrant has Cb, Cr {green:?}");
                assert!(blue[0] > 150.0 && blue[1] < 125.0, "{case}: blue quadrant has Cb, Cr {blue:?}");
            }
        }
    }
}

#[test]
fn grey_survives() {
    for (width, height) in [(128, 96), (127, 95), (1, 1)] {
        let scene = Scene::new(width, height);
        let decoded = decode_grey(&encode(PixelFormat::Grey, Chroma::Yuv420, width, height));
        let psnr = psnr(&scene.component(0, (1, 1)), &decoded);
        assert!(psnr >= PSNR_MIN_DB, "grey {width}x{height} has {psnr:.1} dB");
    }
}

#[test]
fn chroma_is_subsampled_as_asked_and_never_made_up() {
    for format in PixelFormat::ALL {
        let has_quarter_chroma =
            matches!(format, PixelFormat::Nv12 | PixelFormat::Nv21 | PixelFormat::Yu12 | PixelFormat::Yv12);
        let rich = match format {
            PixelFormat::Grey => (1, 1),
            _ if has_quarter_chroma => (2, 2),
            _ => (2, 1),
        };
        let plain = if format == PixelFormat::Grey { (1, 1) } else { (2, 2) };
        assert_eq!(sampling(&encode(format, Chroma::Yuv422, 64, 48)), rich, "{format}");
        assert_eq!(sampling(&encode(format, Chroma::Yuv420, 64, 48)), plain, "{format}");
    }
}

#[test]
fn smallest_pictures() {
    for format in PixelFormat::ALL {
        for (width, height) in [(1, 1), (1, 2), (2, 1), (3, 3)] {
            for chroma in [Chroma::Yuv420, Chroma::Yuv422] {
                let jpeg = encode(format, chroma, width, height);
                assert_eq!(decode_grey(&jpeg).len(), width * height, "{format} {width}x{height} {chroma:?}");
            }
        }
    }
}

/// Also prints what each picture became: `tests/arm64/run` compares these lines between processors,
/// and between vector code and scalar code.
#[test]
fn the_order_of_samples_does_not_show() {
    use PixelFormat::{
        Bgr24, Grey, Nv12, Nv16, Nv21, Rgb24, Rgb565, Uyvy, Vyuy, Yu12, Yuv422p, Yuyv, Yv12, Yvyu,
    };
    let alike: [&[PixelFormat]; 5] = [
        &[Yuyv, Uyvy, Yvyu, Vyuy, Nv16, Yuv422p],
        &[Nv12, Nv21, Yu12, Yv12],
        &[Rgb24, Bgr24],
        &[Rgb565],
        &[Grey],
    ];
    assert_eq!(alike.concat().len(), PixelFormat::ALL.len());
    for (width, height) in [(320, 240), (127, 95), (65, 64), (64, 65), (1, 1)] {
        for chroma in [Chroma::Yuv420, Chroma::Yuv422] {
            for formats in alike {
                let digests: Vec<_> = formats
                    .iter()
                    .map(|format| {
                        let jpeg = encode(*format, chroma, width, height);
                        let digest = u64::from_be_bytes(*Sha256::digest(&jpeg[..]).first_chunk().unwrap());
                        println!("digest of {format} {width}x{height} {chroma:?}: {digest:016x}");
                        digest
                    })
                    .collect();
                assert!(digests.iter().all(|digest| *digest == digests[0]), "{formats:?} {width}x{height}");
            }
        }
    }
}

#[test]
fn planes_give_the_same_jpeg_as_the_picture_that_holds_them() {
    let (width, height) = (66, 50);
    let stride = stride_of(PixelFormat::Yu12, width);
    let data = Scene::new(width, height).bytes(PixelFormat::Yu12, stride);
    let (y, chroma) = data.split_at(stride * height);
    let (u, v) = chroma.split_at(stride / 2 * height / 2);
    let plane = |stride, data| Plane { stride, data };
    let planes = Planes {
        width,
        height,
        chroma: Chroma::Yuv420,
        y: plane(stride, y),
        u: plane(stride / 2, u),
        v: plane(stride / 2, v),
    };
    let mut out = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv422).unwrap();
    encoder.encode_planes(&planes, &mut out).unwrap();
    assert_eq!(*out, *encode(PixelFormat::Yu12, Chroma::Yuv420, width, height));
    let grey = Planes { chroma: Chroma::Grey, u: plane(0, &[]), v: plane(0, &[]), ..planes };
    encoder.encode_planes(&grey, &mut out).unwrap();
    assert_eq!(*out, *encode(PixelFormat::Grey, Chroma::Yuv420, width, height));
}

/// The memory of a large picture must not show in a small one after it.
#[test]
fn an_encoder_forgets_the_picture_before() {
    let mut out = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
    for format in PixelFormat::ALL {
        for (width, height) in [(127, 95), (33, 17), (64, 48)] {
            let stride = stride_of(format, width);
            let data = Scene::new(width, height).bytes(format, stride);
            encoder.encode(&RawPicture { format, width, height, stride, data: &data }, &mut out).unwrap();
            assert_eq!(*out, *encode(format, Chroma::Yuv420, width, height), "{format} {width}x{height}");
        }
    }
}

#[test]
fn truncated_pictures_are_refused_with_the_bytes_they_lack() {
    let mut out = BufferPool::default().take();
    for format in PixelFormat::ALL {
        for (width, height) in [(16, 8), (7, 5)] {
            let stride = stride_of(format, width);
            let data = Scene::new(width, height).bytes(format, stride);
            let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
            let mut need_seen = 0;
            for have in 0..=data.len() {
                let picture = RawPicture { format, width, height, stride, data: &data[..have] };
                match encoder.encode(&picture, &mut out) {
                    Ok(()) => {
                        assert!(have >= need_seen && !out.is_empty(), "{format}: {have} bytes accepted");
                    }
                    Err(EncodeError::Short { have: told, need, .. }) => {
                        assert!(
                            told == have && have < need && need <= data.len(),
                            "{format}: {have}, {need}"
                        );
                        assert!(out.is_empty());
                        need_seen = need;
                    }
                    Err(other) => panic!("{format}: {other}"),
                }
            }
            // Only the padding of the last row may be absent.
            assert!(data.len() - need_seen < stride, "{format}: {need_seen} of {} needed", data.len());
        }
    }
}

#[test]
fn nonsense_sides_and_strides_are_refused() {
    let data = vec![0; 4096];
    let mut out = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
    let beyond = limits::PICTURE_SIDE_MAX_PIXELS + 1;
    for format in PixelFormat::ALL {
        for (width, height) in [(0, 1), (1, 0), (0, 0), (beyond, 1), (1, beyond), (usize::MAX, usize::MAX)] {
            let picture = RawPicture { format, width, height, stride: 64, data: &data };
            assert_eq!(encoder.encode(&picture, &mut out), Err(EncodeError::Sides { width, height }));
        }
        let (width, height) = (8001, 8000);
        let picture = RawPicture { format, width, height, stride: 1 << 16, data: &data };
        assert_eq!(encoder.encode(&picture, &mut out), Err(EncodeError::Pixels { width, height }));
        for stride in [0, 1, 15, usize::MAX, usize::MAX / 2, 1 << 31, 1 << 40] {
            for height in [1, 2, 3] {
                let picture = RawPicture { format, width: 16, height, stride, data: &data };
                let result = encoder.encode(&picture, &mut out);
                assert!(matches!(result, Err(EncodeError::Stride { .. })), "{format} {stride}: {result:?}");
            }
        }
        // As far apart as the library can count, with too few rows to see it in the length.
        let picture = RawPicture { format, width: 16, height: 1, stride: (1 << 31) - 2, data: &data };
        let _ = encoder.encode(&picture, &mut out);
    }
}

#[test]
fn nonsense_planes_are_refused() {
    let samples = [128; 64];
    let plane = |stride, len: usize| Plane { stride, data: &samples[..len] };
    let good = Planes {
        width: 8,
        height: 8,
        chroma: Chroma::Yuv420,
        y: plane(8, 64),
        u: plane(4, 16),
        v: plane(4, 16),
    };
    let mut out = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
    let mut error = |planes: Planes<'_>| encoder.encode_planes(&planes, &mut out).unwrap_err().to_string();
    assert_eq!(
        error(Planes { v: plane(4, 15), ..good }),
        "cr plane of a picture of 8x8 pixels too short: 15 bytes, need 16"
    );
    assert_eq!(
        error(Planes { u: plane(3, 64), ..good }),
        "cb plane 8 pixels wide: stride of 3 bytes for rows of 4 bytes"
    );
    assert_eq!(
        error(Planes { chroma: Chroma::Yuv422, ..good }),
        "cb plane of a picture of 8x8 pixels too short: 16 bytes, need 32"
    );
    assert_eq!(error(Planes { width: 0, ..good }), "picture of 0x8 pixels: sides must be within 1 to 16384");
}

#[test]
fn settings_are_checked() {
    assert_eq!(JpegEncoder::new(0, Chroma::Yuv420).unwrap_err(), EncodeError::Quality(0));
    assert_eq!(JpegEncoder::new(101, Chroma::Yuv420).unwrap_err(), EncodeError::Quality(101));
    assert_eq!(JpegEncoder::new(80, Chroma::Grey).unwrap_err(), EncodeError::Chroma);
}
