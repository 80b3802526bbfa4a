//! Clips with numbered pictures, and the comparison of a viewer's picture with them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

pub const WIDTH: usize = 640;
pub const HEIGHT: usize = 360;
pub const FPS: usize = 25;
/// Pictures from one key picture to the next.
pub const KEY_INTERVAL: usize = 25;
/// Twelve seconds.
pub const PICTURES: usize = 300;

/// Side of a square in the first rows that shows one bit of the number, white or black.
const BIT_SIDE: usize = 32;
const BITS: usize = 10;

/// The luma of a picture: a number in squares, and waves that move below.
pub fn luma(number: usize) -> Vec<u8> {
    let mut luma = vec![0; WIDTH * HEIGHT];
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let bit = x / BIT_SIDE;
            luma[y * WIDTH + x] = if y < BIT_SIDE && bit < BITS {
                if number >> bit & 1 == 1 { 220 } else { 32 }
            } else {
                let wave = |value: usize, period: usize| {
                    let phase = value % period;
                    (if phase < period / 2 { phase } else { period - phase }) * 160 / period
                };
                (40 + wave(x + 3 * number, 96) + wave(y + 2 * number, 64)) as u8
            };
        }
    }
    luma
}

/// Writes a clip in Matroska, coded by ffmpeg with these options.
pub fn clip(folder: &Path, name: &str, coding: &[&str]) -> PathBuf {
    let path = folder.join(format!("{name}.mkv"));
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-nostdin", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p"])
        .args(["-s", &format!("{WIDTH}x{HEIGHT}"), "-r", &FPS.to_string(), "-i", "pipe:0"])
        .args(["-g", &KEY_INTERVAL.to_string()])
        .args(coding)
        .arg(&path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = ffmpeg.stdin.take().unwrap();
    let grey = vec![128; WIDTH * HEIGHT / 2];
    for number in 0..PICTURES {
        input.write_all(&luma(number)).unwrap();
        input.write_all(&grey).unwrap();
    }
    drop(input);
    assert!(ffmpeg.wait().unwrap().success(), "ffmpeg makes {name}");
    path
}

/// The number of a viewer's picture, and its similarity to the clip's, as PSNR in dB.
pub fn recognise(jpeg: &[u8]) -> (usize, f64) {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let seen = decoder.decode().expect("the picture decodes");
    assert_eq!(decoder.dimensions(), Some((WIDTH, HEIGHT)), "the size of the clip");
    let centre = BIT_SIDE / 2;
    let number =
        (0..BITS).map(|bit| usize::from(seen[centre * WIDTH + bit * BIT_SIDE + centre] > 128) << bit).sum();
    // Video has 16 for black and 235 for white (ITU-T H.264 annex E, video_full_range_flag), JPEG 0 and 255.
    let full = |luma: u8| (f64::from(luma) - 16.0) * 255.0 / 219.0;
    let error: f64 = luma(number)
        .iter()
        .zip(&seen)
        .map(|(one, other)| (full(*one) - f64::from(*other)).powi(2))
        .sum::<f64>()
        / (WIDTH * HEIGHT) as f64;
    (number, 10.0 * (255.0_f64 * 255.0 / error.max(1e-6)).log10())
}

/// Whether a picture has the clip's size; a card before the first picture is larger.
pub fn is_clip(jpeg: &[u8]) -> bool {
    let mut decoder = JpegDecoder::new(ZCursor::new(jpeg));
    decoder.decode_headers().is_ok() && decoder.dimensions() == Some((WIDTH, HEIGHT))
}
