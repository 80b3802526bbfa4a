//! Encodes pictures of every format and decodes them with a decoder that shares no code with the encoder.

mod oriented;
mod refusals;
mod scene;

use sha2::{Digest as _, Sha256};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::*;
use crate::frame::BufferPool;
use crate::picture::Plane;
use scene::{Scene, stride_of};

const QUALITY: u8 = 90;
const PSNR_MIN_DB: f64 = 35.0;
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

/// Horizontal and vertical sampling factor of the first component (T.81, B.2.2): how many luma samples share
/// a chroma sample.
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
fn chroma_is_subsampled_as_requested_and_never_invented() {
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

/// Also prints a digest of each picture: `tests/arm64/run` compares these lines between processors, and
/// between vector code and scalar code.
#[test]
fn the_order_of_samples_does_not_matter() {
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
fn planes_give_the_same_jpeg_as_the_picture_that_contains_them() {
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
fn an_encoder_forgets_the_previous_picture() {
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
