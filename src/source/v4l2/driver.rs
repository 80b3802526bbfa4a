//! The requests to a driver, as a trait: in production the kernel answers ([`super::kernel`]); tests script
//! the answers of drivers that are not at hand.
//!
//! Answers pass through here unchecked, as plain numbers; [`super::formats`] and [`super::negotiate`] check
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
    /// Bytes from one row of the first plane to the next (`bytesperline`); 0 if the driver does not say.
    pub stride: u32,
    /// `V4L2_QUANTIZATION_*`.
    pub quantization: u32,
}

/// `V4L2_QUANTIZATION_LIM_RANGE`. Linux, videodev2.h.
const LIMITED: u32 = 2;

impl Rate {
    /// Pictures per second; `None` if the driver reports no rate.
    pub fn per_second(self) -> Option<f64> {
        per_second(self.interval).filter(|_| self.is_known)
    }
}

/// Pictures per second of a plausible interval. Drivers list 0/0, 1/0 and 1/4294967295.
pub fn per_second((numerator, denominator): (u32, u32)) -> Option<f64> {
    let possible = 0.001..=1000.0;
    (numerator > 0)
        .then(|| f64::from(denominator) / f64::from(numerator))
        .filter(|rate| possible.contains(rate))
}

impl Format {
    /// Bytes from one row to the next: at least a row, whatever the driver reports.
    pub fn row_bytes(&self, format: PixelFormat) -> usize {
        let least = format.row_bytes(self.width as usize);
        (self.stride as usize).max(least)
    }

    /// The range of a sample's values: full unless the driver says limited.
    pub fn range(&self) -> Range {
        if self.quantization == LIMITED { Range::Limited } else { Range::Full }
    }
}

/// The rate that a driver reports (`struct v4l2_captureparm`).
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
    /// The buffer's index.
    pub index: u32,
    /// Bytes used, according to the driver.
    pub bytes: u32,
    /// `V4L2_BUF_FLAG_*`.
    pub flags: u32,
    /// The frame's sequence number; dropped frames leave gaps.
    pub sequence: u32,
    /// Seconds and microseconds, by the clock in the flags.
    pub timestamp: (i64, i64),
}

/// Flags of a buffer. Linux, videodev2.h.
pub mod flag {
    /// The driver has it, to be filled.
    pub const QUEUED: u32 = 0x2;
    /// It is filled and can be dequeued.
    pub const DONE: u32 = 0x4;
    /// The driver knows that the picture is damaged.
    pub const ERROR: u32 = 0x40;
    /// The clock of the time stamp.
    pub const CLOCK_MASK: u32 = 0xe000;
    /// `CLOCK_MONOTONIC`.
    pub const CLOCK_MONOTONIC: u32 = 0x2000;
}

/// Each method is one request to the driver; errors are those of `ioctl`.
pub trait Driver {
    /// `VIDIOC_ENUM_FMT`: the four-character code at an index.
    fn format_at(&self, api: Api, index: u32) -> io::Result<[u8; 4]>;
    /// `VIDIOC_ENUM_FRAMESIZES`.
    fn size_at(&self, fourcc: [u8; 4], index: u32) -> io::Result<FrameSize>;
    /// `VIDIOC_ENUM_FRAMEINTERVALS`.
    fn interval_at(&self, fourcc: [u8; 4], size: (u32, u32), index: u32) -> io::Result<FrameInterval>;
    /// `VIDIOC_G_FMT`.
    fn format(&self) -> io::Result<Format>;
    /// `VIDIOC_S_FMT`: returns the format that is set afterwards, which may differ.
    fn set_format(&self, fourcc: [u8; 4], size: (u32, u32)) -> io::Result<Format>;
    /// `VIDIOC_G_PARM`.
    fn rate(&self) -> io::Result<Rate>;
    /// `VIDIOC_S_PARM`: returns the rate that is set afterwards.
    fn set_rate(&self, fps: u32) -> io::Result<Rate>;
    /// `VIDIOC_QBUF`.
    fn queue(&self, index: u32) -> io::Result<()>;
    /// `VIDIOC_DQBUF`: `EAGAIN` if no buffer is filled.
    fn dequeue(&self) -> io::Result<Filled>;
    /// `VIDIOC_QUERYBUF`: a buffer's flags, which say whether the driver has it.
    fn buffer_flags(&self, index: u32) -> io::Result<u32>;
}

#[cfg(test)]
pub mod fake;
