//! Uncompressed pictures, as a camera or a decoder hands them over.

use std::fmt;

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
    /// Every format, best first: what costs the least to encode at the most colour.
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

    /// The name that the configuration calls it by.
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

    /// The format of a name, or of a four-character code in small letters.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name || format.fourcc().eq_ignore_ascii_case(name.as_bytes()))
    }

    /// The format of a V4L2 four-character code, where Pinhole can encode it.
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
    /// How the bytes lie.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Bytes from one row of the first plane to the next (V4L2's `bytesperline`). The other planes
    /// follow at once; their strides derive from it as the kernel document of each format says.
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

/// A planar Y'CbCr picture (Rec. 601 matrix, samples as the source gave them).
#[derive(Debug, Clone, Copy)]
pub struct Planes<'a> {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// What the two chroma planes hold.
    pub chroma: Chroma,
    /// Luma.
    pub y: Plane<'a>,
    /// Cb; empty where `chroma` is grey.
    pub u: Plane<'a>,
    /// Cr; empty where `chroma` is grey.
    pub v: Plane<'a>,
}
