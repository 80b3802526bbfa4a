//! Video clips for tests, made by the ffmpeg program, with their original pictures.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Columns and rows of a clip, in pixels.
pub type Size = (usize, usize);

/// Pictures of a moving scene, 25 a second: planes Y, Cb, Cr of 4:2:0, 8 bits of limited range.
pub struct Scene {
    pub size: Size,
    pub pictures: Vec<Vec<u8>>,
}

/// Whether the ffmpeg program is installed; prints a line if not.
pub fn available(what: &str) -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !there {
        println!("SKIPPED: {what}: the ffmpeg program is not installed");
    }
    there
}

/// A folder for a test's files; it is removed when dropped.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pinhole-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs the ffmpeg program and returns what it wrote to standard output.
pub fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"])
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "ffmpeg {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn source((width, height): Size) -> String {
    format!("testsrc2=size={width}x{height}:rate=25")
}

impl Scene {
    pub fn new(size: Size, pictures: usize) -> Self {
        let count = pictures.to_string();
        let raw = ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            &source(size),
            "-frames:v",
            &count,
            "-pix_fmt",
            "yuv420p",
            "-f",
            "rawvideo",
            "-",
        ]);
        let bytes = size.0 * size.1 + 2 * size.0.div_ceil(2) * size.1.div_ceil(2);
        let pictures: Vec<_> = raw.chunks_exact(bytes).map(<[u8]>::to_vec).collect();
        assert_eq!(pictures.len(), count.parse::<usize>().unwrap());
        Self { size, pictures }
    }
}

/// Encodes the scene with these options, which include the output format.
pub fn encode(size: Size, pictures: usize, options: &str) -> Vec<u8> {
    let (input, count) = (source(size), pictures.to_string());
    let mut arguments = vec!["-f", "lavfi", "-i", &input, "-frames:v", &count];
    arguments.extend(options.split_whitespace());
    arguments.push("-");
    ffmpeg(&arguments)
}

/// Encodes the scene to a file; its name decides the format.
pub fn encode_to(file: &Path, size: Size, pictures: usize, options: &str) {
    let (input, count) = (source(size), pictures.to_string());
    let mut arguments = vec!["-f", "lavfi", "-i", &input, "-frames:v", &count];
    arguments.extend(options.split_whitespace());
    arguments.push(file.to_str().unwrap());
    ffmpeg(&arguments);
}

/// Options for an H.264 stream whose units are delimited (`units`).
pub fn h264(options: &str) -> String {
    format!("-c:v libx264 -pix_fmt yuv420p -crf 12 -x264-params aud=1:keyint=25:scenecut=0:{options} -f h264")
}

/// The same for H.265.
pub fn h265(options: &str) -> String {
    format!(
        "-c:v libx265 -pix_fmt yuv420p -crf 12 -x265-params log-level=none:aud=1:keyint=25:scenecut=0:{options} -f hevc"
    )
}

/// The access units of a delimited stream, and whether decoding can begin with each.
pub fn units(stream: &[u8], is_h265: bool) -> Vec<(Vec<u8>, bool)> {
    let kind = |header: u8| if is_h265 { header >> 1 & 0x3f } else { header & 0x1f };
    let delimiter = if is_h265 { 35 } else { 9 };
    let is_key = |kind| if is_h265 { (16..=21).contains(&kind) } else { kind == 5 };
    let nals: Vec<usize> =
        (0..stream.len().saturating_sub(3)).filter(|at| stream[*at..*at + 3] == [0, 0, 1]).collect();
    let mut units: Vec<(Vec<u8>, bool)> = Vec::new();
    for (i, begin) in nals.iter().enumerate() {
        let end = nals.get(i + 1).copied().unwrap_or(stream.len());
        let kind = kind(stream[begin + 3]);
        if kind == delimiter || units.is_empty() {
            units.push((Vec::new(), false));
        }
        let (data, key) = units.last_mut().unwrap();
        data.extend_from_slice(&stream[*begin..end]);
        *key |= is_key(kind);
    }
    units
}

/// Peak signal-to-noise ratio of 8-bit samples, in dB.
pub fn psnr(one: &[u8], other: &[u8]) -> f64 {
    assert_eq!(one.len(), other.len());
    let sum: f64 = one.iter().zip(other).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * one.len() as f64 / sum.max(1e-9)).log10()
}

/// A picture of a scene in 8 bits of full range, as in JPEG.
pub fn full_range(picture: &[u8], size: Size) -> Vec<u8> {
    let luma = size.0 * size.1;
    let stretch = |(i, sample): (usize, &u8)| {
        let sample = f64::from(*sample);
        let full =
            if i < luma { (sample - 16.0) * 255.0 / 219.0 } else { (sample - 128.0) * 255.0 / 224.0 + 128.0 };
        full.round().clamp(0.0, 255.0) as u8
    };
    picture.iter().enumerate().map(stretch).collect()
}
