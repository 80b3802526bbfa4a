//! Uncompressed pictures from a camera or a decoder.

pub mod orientation;
pub mod range;

use std::fmt;

use crate::limits;

/// Memory layout of an uncompressed picture, named as in the V4L2 pixel formats
/// (kernel: Documentation/userspace-api/media/v4l/pixfmt.rst).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Packed 4:2:2, bytes Y0 Cb Y1 Cr.
    Yuyv,
    /// Packed 4:2:2, bytes Cb Y0 Cr Y1.
    Uyvy,
    /// Packed 4:2:2, bytes Y0 Cr Y1 Cb.
    Yvyu,
    /// Packed 4:2:2, bytes Cr Y0 Cb Y1.
    Vyuy,
    /// 4:2:0, a Y plane, then one of interleaved Cb Cr.
    Nv12,
    /// 4:2:0, a Y plane, then one of interleaved Cr Cb.
    Nv21,
    /// 4:2:2, a Y plane, then one of interleaved Cb Cr.
    Nv16,
    /// 4:2:0, planes Y, Cb, Cr (`YU12`, also called I420).
    Yu12,
    /// 4:2:0, planes Y, Cr, Cb.
    Yv12,
    /// 4:2:2, planes Y, Cb, Cr.
    Yuv422p,
    /// Packed bytes R G B.
    Rgb24,
    /// Packed bytes B G R.
    Bgr24,
    /// Packed little-endian 16-bit words, R in the five highest bits.
    Rgb565,
    /// 8-bit grey.
    Grey,
}

impl PixelFormat {
    /// Every format, best first: the cheapest to encode with the most colour.
    pub const ALL: [Self; 14] = [
        Self::Yuyv,
        Self::Uyvy,
        Self::Yvyu,
        Self::Vyuy,
        Self::Nv12,
        Self::Yu12,
        Self::Nv21,
        Self::Yv12,
        Self::Yuv422p,
        Self::Nv16,
        Self::Rgb24,
        Self::Bgr24,
        Self::Rgb565,
        Self::Grey,
    ];

    /// The V4L2 four-character code.
    pub const fn fourcc(self) -> [u8; 4] {
        match self {
            Self::Yuyv => *b"YUYV",
            Self::Uyvy => *b"UYVY",
            Self::Yvyu => *b"YVYU",
            Self::Vyuy => *b"VYUY",
            Self::Nv12 => *b"NV12",
            Self::Nv21 => *b"NV21",
            Self::Nv16 => *b"NV16",
            Self::Yu12 => *b"YU12",
            Self::Yv12 => *b"YV12",
            Self::Yuv422p => *b"422P",
            Self::Rgb24 => *b"RGB3",
            Self::Bgr24 => *b"BGR3",
            Self::Rgb565 => *b"RGBP",
            Self::Grey => *b"GREY",
        }
    }

    /// Its name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yuyv => "yuyv",
            Self::Uyvy => "uyvy",
            Self::Yvyu => "yvyu",
            Self::Vyuy => "vyuy",
            Self::Nv12 => "nv12",
            Self::Nv21 => "nv21",
            Self::Nv16 => "nv16",
            Self::Yu12 => "yu12",
            Self::Yv12 => "yv12",
            Self::Yuv422p => "422p",
            Self::Rgb24 => "rgb24",
            Self::Bgr24 => "bgr24",
            Self::Rgb565 => "rgb565",
            Self::Grey => "grey",
        }
    }

    /// The minimum bytes of a row of the first plane (kernel: the documents of each format).
    pub const fn row_bytes(self, width: usize) -> usize {
        match self {
            Self::Yuyv | Self::Uyvy | Self::Yvyu | Self::Vyuy => 4 * width.div_ceil(2),
            Self::Rgb24 | Self::Bgr24 => 3 * width,
            Self::Rgb565 => 2 * width,
            Self::Nv12 | Self::Nv21 | Self::Nv16 | Self::Yu12 | Self::Yv12 | Self::Yuv422p | Self::Grey => {
                width
            }
        }
    }

    /// Whether its samples are red, green and blue.
    pub const fn is_rgb(self) -> bool {
        matches!(self, Self::Rgb24 | Self::Bgr24 | Self::Rgb565)
    }

    /// The format with this name, or this four-character code in lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name || format.fourcc().eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The format of a V4L2 four-character code, if Pinhole can encode it.
    pub fn from_fourcc(fourcc: [u8; 4]) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.fourcc() == fourcc)
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.fourcc()).unwrap_or("????"))
    }
}

/// A picture in a buffer of its source.
#[derive(Debug, Clone, Copy)]
pub struct RawPicture<'a> {
    /// The layout of the bytes.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Bytes from one row of the first plane to the next (V4L2's `bytesperline`). The other planes follow
    /// directly; their strides derive from it as in the kernel document of each format.
    pub stride: usize,
    /// The bytes, first plane first. May be longer than the picture.
    pub data: &'a [u8],
}

/// How many luma samples share one chroma sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chroma {
    /// One sample each.
    Yuv444,
    /// 2x1: half the columns.
    Yuv422,
    /// 2x2: half the columns, half the rows.
    Yuv420,
    /// No chroma.
    Grey,
}

impl Chroma {
    /// Columns and rows of a chroma plane of a picture of this width and height; 0 for grey.
    pub const fn plane_size(self, width: usize, height: usize) -> (usize, usize) {
        match self {
            Self::Yuv444 => (width, height),
            Self::Yuv422 => (width.div_ceil(2), height),
            Self::Yuv420 => (width.div_ceil(2), height.div_ceil(2)),
            Self::Grey => (0, 0),
        }
    }
}

/// One plane of 8-bit samples.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// Bytes from one row to the next.
    pub stride: usize,
    /// The samples, row by row.
    pub data: &'a [u8],
}

/// A planar Y'CbCr picture (Rec. 601 matrix).
#[derive(Debug, Clone, Copy)]
pub struct Planes<'a> {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The subsampling of the two chroma planes.
    pub chroma: Chroma,
    /// Luma.
    pub y: Plane<'a>,
    /// Cb; empty if `chroma` is grey.
    pub u: Plane<'a>,
    /// Cr; empty if `chroma` is grey.
    pub v: Plane<'a>,
}

/// Maximum pixels after stretching, the same as for decoded pictures.
const STRETCHED_MAX_PIXELS: u64 = 4096 * 4096;

/// The most extreme pixel aspect: 2 for old anamorphic video, and twice that. More is an error in the file,
/// and would leave nothing to see.
const ASPECT_MAX: u64 = 4;

/// Pixels that deviate from a square by less than this, in thousandths, are left as they are.
const SQUARE_MAX_THOUSANDTHS: u64 = 8;

/// Width of a pixel over its height, as a fraction; unknown if either is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PixelAspect {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl PixelAspect {
    /// Whether it is known.
    pub const fn is_known(self) -> bool {
        self.width > 0 && self.height > 0
    }

    /// Whether pixels are wide; `None` for square and absurd ones.
    fn is_wide(self) -> Option<bool> {
        let (width, height) = (u64::from(self.width), u64::from(self.height));
        let (long, short) = (width.max(height), width.min(height));
        let is_oblong = self.is_known()
            && long * 1000 > short * (1000 + SQUARE_MAX_THOUSANDTHS)
            && long <= short * ASPECT_MAX;
        is_oblong.then_some(width > height)
    }
}

/// How to rotate a picture: first transposed, then mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turn {
    /// Rows and columns are exchanged.
    pub transposed: bool,
    /// Then left and right are exchanged.
    pub mirrored: bool,
    /// And top and bottom.
    pub flipped: bool,
}

impl Turn {
    /// No change.
    pub const NONE: Self = Self { transposed: false, mirrored: false, flipped: false };

    /// The rotation of a display matrix (ISO/IEC 14496-12, 6.2.2: a point (p, q) is shown at (a p + c q, b p
    /// + d q)), rounded to the nearest of the eight with right angles.
    pub fn of_matrix(a: i32, b: i32, c: i32, d: i32) -> Self {
        let size = |one: i32, other: i32| i64::from(one).abs() + i64::from(other).abs();
        if size(a, d) >= size(b, c) {
            Self { transposed: false, mirrored: a < 0, flipped: d < 0 }
        } else {
            Self { transposed: true, mirrored: c < 0, flipped: b < 0 }
        }
    }
}

/// How to shape the pictures of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// The aspect of the coded pixels.
    pub aspect: PixelAspect,
    /// How to rotate the picture.
    pub turn: Turn,
}

impl Shape {
    /// Width and height before rotation.
    pub(crate) fn stretched(&self, width: usize, height: usize) -> (usize, usize) {
        let Some(is_wide) = self.aspect.is_wide() else { return (width, height) };
        let (n, d) = (u64::from(self.aspect.width), u64::from(self.aspect.height));
        // Even, for subsampled chroma.
        let scaled = |side: usize, n: u64, d: u64| ((side as u64 * n + d) / (2 * d) * 2).max(1) as usize;
        let wider = (scaled(width, n, d), height);
        let higher = (width, scaled(height, d, n));
        let larger = if is_wide { wider } else { higher };
        let smaller = if is_wide { higher } else { wider };
        let side_max = limits::PICTURE_SIDE_MAX_PIXELS;
        let fits = larger.0.max(larger.1) <= side_max && (larger.0 * larger.1) as u64 <= STRETCHED_MAX_PIXELS;
        if fits { larger } else { smaller }
    }
}
