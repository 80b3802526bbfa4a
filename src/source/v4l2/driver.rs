//! What is asked of a driver, as a trait: the kernel answers in production ([`super::kernel`]), and
//! tests give the answers of drivers that are not at hand.
//!
//! Answers pass through here as plain numbers, unchecked: [`super::formats`] and [`super::negotiate`] check
//! them.

use std::io;

use crate::picture::PixelFormat;
use crate::picture::range::Range;

/// How a driver hands over the planes of a picture (kernel: v4l/planar-apis.rst).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// One buffer for each picture (`V4L2_BUF_TYPE_VIDEO_CAPTURE`).
    SinglePlanar,
    /// One buffer for each plane (`V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE`), which Pinhole only lists.
    MultiPlanar,
}

/// One entry of the list of sizes (`struct v4l2_frmsizeenum`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameSize {
    /// Width and height.
    Discrete(u32, u32),
    /// Minimum, maximum and step of the width, then of the height.
    Stepwise([u32; 3], [u32; 3]),
}

/// One entry of the list of intervals (`struct v4l2_frmivalenum`): seconds as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameInterval {
    /// Numerator and denominator.
    Discrete((u32, u32)),
    /// The shortest and the longest.
    Stepwise((u32, u32), (u32, u32)),
}

/// How pictures lie in their buffers (`struct v4l2_pix_format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Four-character code.
    pub fourcc: [u8; 4],
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes from one row of the first plane to the next (`bytesperline`); 0 where it does not say.
    pub stride: u32,
    /// `V4L2_QUANTIZATION_*`.
    pub quantization: u32,
}

/// `V4L2_QUANTIZATION_LIM_RANGE`. Linux, videodev2.h.
const LIMITED: u32 = 2;

impl Rate {
    /// Pictures per second; none where the driver has no rate to speak of.
    pub fn per_second(self) -> Option<f64> {
        per_second(self.interval).filter(|_| self.is_known)
    }
}

/// Pictures per second of an interval, if it is one that a camera can have. Drivers list 0/0, 1/0 and
/// 1/4294967295.
pub fn per_second((numerator, denominator): (u32, u32)) -> Option<f64> {
    let possible = 0.001..=1000.0;
    (numerator > 0)
        .then(|| f64::from(denominator) / f64::from(numerator))
        .filter(|rate| possible.contains(rate))
}

impl Format {
    /// Bytes from one row to the next. A driver that says nothing, or less than a row has, means rows
    /// without a gap.
    pub fn row_bytes(&self, format: PixelFormat) -> usize {
        let least = format.row_bytes(self.width as usize);
        (self.stride as usize).max(least)
    }

    /// What the extremes of a sample mean: full range unless the driver says otherwise.
    pub fn range(&self) -> Range {
        if self.quantization == LIMITED { Range::Limited } else { Range::Full }
    }
}

/// What a driver says about its rate (`struct v4l2_captureparm`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The interval in seconds, as numerator and denominator.
    pub interval: (u32, u32),
    /// Whether it has a rate that can be set (`V4L2_CAP_TIMEPERFRAME`).
    pub is_known: bool,
}

/// A filled buffer, as it is taken out of the queue (`struct v4l2_buffer`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Filled {
    /// Which buffer.
    pub index: u32,
    /// Bytes in it, as the driver counts them.
    pub bytes: u32,
    /// `V4L2_BUF_FLAG_*`.
    pub flags: u32,
    /// Number of the picture, with gaps where some were dropped.
    pub sequence: u32,
    /// Seconds and microseconds, by the clock that the flags name.
    pub timestamp: (i64, i64),
}

/// Flags of a buffer. Linux, videodev2.h.
pub mod flag {
    /// The driver has it, to be filled.
    pub const QUEUED: u32 = 0x2;
    /// It is filled and waits to be taken.
    pub const DONE: u32 = 0x4;
    /// The driver knows that the picture is damaged.
    pub const ERROR: u32 = 0x40;
    /// Which clock the time stamp is by.
    pub const CLOCK_MASK: u32 = 0xe000;
    /// `CLOCK_MONOTONIC`.
    pub const CLOCK_MONOTONIC: u32 = 0x2000;
}

/// The questions. Each is one request to the driver; an error is the one of `ioctl`.
pub trait Driver {
    /// `VIDIOC_ENUM_FMT`: the four-character code at an index.
    fn format_at(&self, api: Api, index: u32) -> io::Result<[u8; 4]>;
    /// `VIDIOC_ENUM_FRAMESIZES`.
    fn size_at(&self, fourcc: [u8; 4], index: u32) -> io::Result<FrameSize>;
    /// `VIDIOC_ENUM_FRAMEINTERVALS`.
    fn interval_at(&self, fourcc: [u8; 4], size: (u32, u32), index: u32) -> io::Result<FrameInterval>;
    /// `VIDIOC_G_FMT`.
    fn format(&self) -> io::Result<Format>;
    /// `VIDIOC_S_FMT`: the format that is set afterwards, which may be another one.
    fn set_format(&self, fourcc: [u8; 4], size: (u32, u32)) -> io::Result<Format>;
    /// `VIDIOC_G_PARM`.
    fn rate(&self) -> io::Result<Rate>;
    /// `VIDIOC_S_PARM`: the rate that is set afterwards.
    fn set_rate(&self, fps: u32) -> io::Result<Rate>;
    /// `VIDIOC_QBUF`: gives a buffer to the driver.
    fn queue(&self, index: u32) -> io::Result<()>;
    /// `VIDIOC_DQBUF`: takes a filled one, if there is one (`EAGAIN` otherwise).
    fn dequeue(&self) -> io::Result<Filled>;
    /// `VIDIOC_QUERYBUF`: a buffer's flags, which say whether the driver has it.
    fn buffer_flags(&self, index: u32) -> io::Result<u32>;
}

#[cfg(test)]
pub mod fake;
