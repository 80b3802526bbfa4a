//! Chooses the capture mode among those that a device offers.

use std::fmt;

use crate::config::{FormatChoice, Picture};
use crate::picture::PixelFormat;

/// Default mode.
const TARGET: (u32, u32) = (1280, 720);
const TARGET_FPS: u32 = 30;

/// What the bytes of a captured buffer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One JPEG picture in each buffer.
    Jpeg,
    /// One uncompressed picture in each buffer.
    Raw(PixelFormat),
}

impl Encoding {
    /// The encoding of a V4L2 four-character code, where Pinhole can serve it.
    pub fn from_fourcc(fourcc: [u8; 4]) -> Option<Self> {
        match &fourcc {
            b"MJPG" | b"JPEG" => Some(Self::Jpeg),
            _ => PixelFormat::from_fourcc(fourcc).map(Self::Raw),
        }
    }

    fn is_chosen_by(self, choice: FormatChoice) -> bool {
        match choice {
            FormatChoice::Auto => true,
            FormatChoice::Mjpeg => self == Self::Jpeg,
            FormatChoice::Raw(format) => self == Self::Raw(format),
        }
    }

    /// Lower is better: the camera's own JPEG costs nothing to serve.
    fn rank(self) -> usize {
        match self {
            Self::Jpeg => 0,
            Self::Raw(format) => 1 + PixelFormat::ALL.iter().position(|other| *other == format).unwrap_or(0),
        }
    }
}

/// The sizes of one format.
#[derive(Debug, Clone, PartialEq)]
pub enum Sizes {
    /// Only these.
    Discrete(Vec<Size>),
    /// Any between two, in steps.
    Range {
        /// The smallest width and height.
        min: (u32, u32),
        /// The largest width and height.
        max: (u32, u32),
        /// The step in width and height, at least 1.
        step: (u32, u32),
    },
}

/// A size and its rates.
#[derive(Debug, Clone, PartialEq)]
pub struct Size {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second; empty if the driver lists none.
    pub fps: Vec<f64>,
}

/// A format that a device offers, with its sizes and rates.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferedFormat {
    /// Its four-character code.
    pub fourcc: [u8; 4],
    /// Its sizes.
    pub sizes: Sizes,
}

/// The mode to ask the driver for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// The four-character code of the format.
    pub fourcc: [u8; 4],
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}x{} at {} fps", fourcc_text(self.fourcc), self.width, self.height, self.fps)
    }
}

/// A four-character code as printable text. Drivers invent codes, so any byte may occur.
pub fn fourcc_text(fourcc: [u8; 4]) -> String {
    // Linux, videodev2.h, v4l2_fourcc_be: the highest bit says that samples are big-endian.
    let is_big_endian = fourcc[3] & 0x80 != 0;
    let plain = [fourcc[0], fourcc[1], fourcc[2], fourcc[3] & 0x7f];
    let text: String =
        plain.iter().map(|byte| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' }).collect();
    format!("{}{}", text.trim_end(), if is_big_endian { "-BE" } else { "" })
}

/// The best mode for the configuration: the cheapest format, then the size and rate nearest to the
/// configured ones, or to 1280x720 at 30.
///
/// `None` if the device lacks the configured format, or any that can be served.
pub fn choose(formats: &[OfferedFormat], picture: &Picture) -> Option<Mode> {
    let (width, height) = picture.size.unwrap_or(TARGET);
    let fps = picture.fps.unwrap_or(TARGET_FPS);
    // Without a configured size, a low rate weighs more than a small size: 640x480 at 30 beats
    // 1280x720 at 10.
    let slow_weight = if picture.size.is_some() { 0.01 } else { 1.5 };
    let candidates = formats.iter().filter_map(|offered| {
        let encoding = Encoding::from_fourcc(offered.fourcc).filter(|it| it.is_chosen_by(picture.format))?;
        let (size, distance) = nearest(&offered.sizes, (width, height), fps, slow_weight)?;
        // A configured size outweighs a cheaper format that does not have it.
        let wrong_size = picture.size.is_some_and(|asked| asked != (size.width, size.height));
        Some(((wrong_size, encoding.rank()), distance, offered.fourcc, size))
    });
    let best = candidates.min_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))?;
    let (_, _, fourcc, size) = best;
    Some(Mode { fourcc, width: size.width, height: size.height, fps: best_rate(&size.fps, fps) })
}

/// The size nearest to a target, and its distance.
fn nearest(sizes: &Sizes, target: (u32, u32), fps: u32, slow_weight: f64) -> Option<(Size, f64)> {
    let candidates = match sizes {
        Sizes::Discrete(sizes) => sizes.clone(),
        Sizes::Range { min, max, step } => {
            let fit = |target: u32, min: u32, max: u32, step: u32| {
                let clamped = target.clamp(min, max.max(min));
                clamped - (clamped - min) % step.max(1)
            };
            let width = fit(target.0, min.0, max.0, step.0);
            vec![Size { width, height: fit(target.1, min.1, max.1, step.1), fps: Vec::new() }]
        }
    };
    candidates
        .into_iter()
        .map(|size| {
            let distance = distance(&size, target) + slow_weight * slowness(&size, fps);
            (size, distance)
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

/// The distance between a size and a target: the ratio of areas, plus a little of the ratio of shapes, as
/// logarithms.
fn distance(size: &Size, target: (u32, u32)) -> f64 {
    let ratio = |have: u32, want: u32| (f64::from(have.max(1)) / f64::from(want.max(1))).ln();
    let (width, height) = (ratio(size.width, target.0), ratio(size.height, target.1));
    (width + height).abs() + 0.1 * (width - height).abs()
}

/// How far the fastest rate falls short, as a logarithm; 0 if it suffices or is unknown.
fn slowness(size: &Size, fps: u32) -> f64 {
    let fastest = size.fps.iter().copied().fold(0.0, f64::max);
    if fastest > 0.0 { (f64::from(fps) / fastest).ln().max(0.0) } else { 0.0 }
}

/// The slowest rate that suffices, else the fastest.
fn best_rate(offered: &[f64], wanted: u32) -> u32 {
    let enough =
        offered.iter().copied().filter(|fps| *fps > f64::from(wanted) - 0.1).fold(f64::MAX, f64::min);
    let fastest = offered.iter().copied().fold(0.0, f64::max);
    match (enough < f64::MAX, fastest > 0.0) {
        (true, _) | (false, false) => wanted,
        (false, true) => fastest.round().max(1.0) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::PixelFormat;

    fn offered(fourcc: [u8; 4], sizes: &[(u32, u32, f64)]) -> OfferedFormat {
        let size = |&(width, height, fps)| Size { width, height, fps: vec![fps, fps / 2.0] };
        OfferedFormat { fourcc, sizes: Sizes::Discrete(sizes.iter().map(size).collect()) }
    }

    fn webcam() -> Vec<OfferedFormat> {
        vec![
            offered(*b"YUYV", &[(640, 480, 30.0), (1280, 720, 10.0), (1920, 1080, 5.0)]),
            offered(*b"H264", &[(1280, 720, 60.0)]),
            offered(*b"MJPG", &[(640, 480, 30.0), (1280, 720, 30.0), (1920, 1080, 30.0)]),
        ]
    }

    fn chosen(formats: &[OfferedFormat], picture: &Picture) -> String {
        choose(formats, picture).map_or("none".to_owned(), |mode| mode.to_string())
    }

    #[test]
    fn the_default_is_mjpeg_near_720p() {
        assert_eq!(chosen(&webcam(), &Picture::default()), "MJPG 1280x720 at 30 fps");
        assert_eq!(chosen(&webcam()[..1], &Picture::default()), "YUYV 640x480 at 30 fps");
        assert_eq!(chosen(&webcam()[1..2], &Picture::default()), "none");
    }

    #[test]
    fn the_configuration_outweighs_the_default() {
        let picture = |size, fps, format| Picture { size, fps, format, ..Picture::default() };
        let yuyv = FormatChoice::Raw(PixelFormat::Yuyv);
        let size = Some((1920, 1080));
        assert_eq!(chosen(&webcam(), &picture(size, None, yuyv)), "YUYV 1920x1080 at 5 fps");
        assert_eq!(
            chosen(&webcam(), &picture(size, Some(15), FormatChoice::Auto)),
            "MJPG 1920x1080 at 15 fps"
        );
        assert_eq!(chosen(&webcam()[..1], &picture(None, None, FormatChoice::Mjpeg)), "none");
        let only_raw_has_it =
            [offered(*b"MJPG", &[(640, 480, 30.0)]), offered(*b"YUYV", &[(800, 600, 30.0)])];
        let picture = picture(Some((800, 600)), None, FormatChoice::Auto);
        assert_eq!(chosen(&only_raw_has_it, &picture), "YUYV 800x600 at 30 fps");
    }

    #[test]
    fn any_fourcc_is_printable() {
        assert_eq!(fourcc_text(*b"Y8  "), "Y8");
        assert_eq!(fourcc_text([b'Y', b'1', b'6', b' ' | 0x80]), "Y16-BE");
        assert_eq!(fourcc_text([0x1b, b'[', 0, b'm']), "?[?m");
    }

    #[test]
    fn stepwise_sizes_are_matched_to_the_nearest_step() {
        let range = Sizes::Range { min: (48, 32), max: (1000, 4000), step: (16, 2) };
        let formats = [OfferedFormat { fourcc: *b"YUYV", sizes: range }];
        assert_eq!(chosen(&formats, &Picture::default()), "YUYV 1000x720 at 30 fps".replace("1000", "992"));
        let absurd = [OfferedFormat {
            fourcc: *b"YUYV",
            sizes: Sizes::Range { min: (9, 9), max: (1, 1), step: (0, 0) },
        }];
        assert_eq!(chosen(&absurd, &Picture::default()), "YUYV 9x9 at 30 fps");
    }
}
