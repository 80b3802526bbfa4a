//! A driver behind the kernel's ioctls.
//!
//! The `v4l` crate converts some answers to types of its own and panics on unknown ones (field orders,
//! colour spaces, quantizations). So this module makes the requests itself and keeps the numbers.

#![allow(unsafe_code, reason = "the kernel's structures, whose unions the `v4l` crate leaves as they are")]

use std::ffi::c_void;
use std::io;
use std::mem::zeroed;
use std::os::fd::BorrowedFd;
use std::path::Path;

use v4l::Device;
use v4l::capability::Capabilities;
use v4l::v4l_sys::{
    v4l2_buffer, v4l2_fmtdesc, v4l2_format, v4l2_frmivalenum, v4l2_frmsizeenum, v4l2_requestbuffers,
    v4l2_streamparm,
};
use v4l::v4l2::{self, vidioc};

use super::driver::{Api, Driver, Filled, Format, FrameInterval, FrameSize, Rate};

/// Buffer types, kinds of list entries, and a capability. Linux, videodev2.h.
const VIDEO_CAPTURE: u32 = 1;
const VIDEO_CAPTURE_MPLANE: u32 = 9;
const MEMORY_MMAP: u32 = 1;
const DISCRETE: u32 = 1;
const CAP_TIMEPERFRAME: u32 = 0x1000;
/// Marks the members after `priv` as valid.
const PRIV_MAGIC: u32 = 0xfeed_cafe;

/// An open device.
pub struct Kernel(Device);

impl Kernel {
    /// Opens the device at a node; no request will block.
    pub fn open(node: &Path) -> io::Result<Self> {
        Device::with_path(node).map(Self)
    }

    /// What it is (`VIDIOC_QUERYCAP`).
    pub fn capabilities(&self) -> io::Result<Capabilities> {
        self.0.query_caps()
    }

    /// The descriptor, which the `v4l` crate lends only as a number.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        // SAFETY: the descriptor is open for as long as the device that the result borrows from.
        unsafe { BorrowedFd::borrow_raw(self.0.handle().fd()) }
    }

    /// `VIDIOC_STREAMON`.
    pub fn start(&self) -> io::Result<()> {
        self.ask(vidioc::VIDIOC_STREAMON, &mut VIDEO_CAPTURE.clone())
    }

    /// `VIDIOC_STREAMOFF`, which returns all buffers.
    pub fn stop(&self) -> io::Result<()> {
        self.ask(vidioc::VIDIOC_STREAMOFF, &mut VIDEO_CAPTURE.clone())
    }

    /// `VIDIOC_REQBUFS`: the number of buffers granted; requesting 0 frees them.
    pub fn request_buffers(&self, count: u32) -> io::Result<u32> {
        // SAFETY: a structure of numbers; zero is one of their values.
        let mut request: v4l2_requestbuffers = unsafe { zeroed() };
        (request.count, request.type_, request.memory) = (count, VIDEO_CAPTURE, MEMORY_MMAP);
        self.ask(vidioc::VIDIOC_REQBUFS, &mut request)?;
        Ok(request.count)
    }

    /// Where a buffer can be mapped: offset and length.
    pub fn buffer_place(&self, index: u32) -> io::Result<(u32, u32)> {
        let mut buffer = buffer(index);
        self.ask(vidioc::VIDIOC_QUERYBUF, &mut buffer)?;
        // SAFETY: the member of buffers that are mapped, which this one is; every member is a number.
        Ok((unsafe { buffer.m.offset }, buffer.length))
    }

    fn ask<T>(&self, request: vidioc::_IOC_TYPE, argument: &mut T) -> io::Result<()> {
        // SAFETY: each request in this module is called with the structure that it is defined with, which
        // lives until the call returns.
        unsafe { v4l2::ioctl(self.0.handle().fd(), request, (&raw mut *argument).cast::<c_void>()) }
    }

    fn exchange_rate(&self, request: vidioc::_IOC_TYPE, fps: u32) -> io::Result<Rate> {
        // SAFETY: structures of numbers; zero is one of their values, and every member of the union is made
        // of numbers.
        unsafe {
            let mut parameters: v4l2_streamparm = zeroed();
            parameters.type_ = VIDEO_CAPTURE;
            let interval = &mut parameters.parm.capture.timeperframe;
            (interval.numerator, interval.denominator) = (1, fps);
            self.ask(request, &mut parameters)?;
            let capture = parameters.parm.capture;
            let interval = (capture.timeperframe.numerator, capture.timeperframe.denominator);
            Ok(Rate { interval, is_known: capture.capability & CAP_TIMEPERFRAME != 0 })
        }
    }

    fn exchange_format(
        &self,
        request: vidioc::_IOC_TYPE,
        fourcc: [u8; 4],
        size: (u32, u32),
    ) -> io::Result<Format> {
        // SAFETY: as in `exchange_rate`.
        unsafe {
            let mut format: v4l2_format = zeroed();
            format.type_ = VIDEO_CAPTURE;
            format.fmt.pix.pixelformat = u32::from_le_bytes(fourcc);
            (format.fmt.pix.width, format.fmt.pix.height) = size;
            self.ask(request, &mut format)?;
            let pix = format.fmt.pix;
            Ok(Format {
                fourcc: pix.pixelformat.to_le_bytes(),
                width: pix.width,
                height: pix.height,
                stride: pix.bytesperline,
                quantization: if pix.priv_ == PRIV_MAGIC { pix.quantization } else { 0 },
            })
        }
    }
}

impl Driver for Kernel {
    fn format_at(&self, api: Api, index: u32) -> io::Result<[u8; 4]> {
        // SAFETY: a structure of numbers; zero is one of their values.
        let mut description: v4l2_fmtdesc = unsafe { zeroed() };
        description.index = index;
        description.type_ = match api {
            Api::SinglePlanar => VIDEO_CAPTURE,
            Api::MultiPlanar => VIDEO_CAPTURE_MPLANE,
        };
        self.ask(vidioc::VIDIOC_ENUM_FMT, &mut description)?;
        Ok(description.pixelformat.to_le_bytes())
    }

    fn size_at(&self, fourcc: [u8; 4], index: u32) -> io::Result<FrameSize> {
        // SAFETY: as in `exchange_rate`.
        unsafe {
            let mut entry: v4l2_frmsizeenum = zeroed();
            (entry.index, entry.pixel_format) = (index, u32::from_le_bytes(fourcc));
            self.ask(vidioc::VIDIOC_ENUM_FRAMESIZES, &mut entry)?;
            if entry.type_ == DISCRETE {
                let size = entry.__bindgen_anon_1.discrete;
                return Ok(FrameSize::Discrete(size.width, size.height));
            }
            let range = entry.__bindgen_anon_1.stepwise;
            Ok(FrameSize::Stepwise(
                [range.min_width, range.max_width, range.step_width],
                [range.min_height, range.max_height, range.step_height],
            ))
        }
    }

    fn interval_at(&self, fourcc: [u8; 4], size: (u32, u32), index: u32) -> io::Result<FrameInterval> {
        // SAFETY: as in `exchange_rate`.
        unsafe {
            let mut entry: v4l2_frmivalenum = zeroed();
            (entry.index, entry.pixel_format) = (index, u32::from_le_bytes(fourcc));
            (entry.width, entry.height) = size;
            self.ask(vidioc::VIDIOC_ENUM_FRAMEINTERVALS, &mut entry)?;
            if entry.type_ == DISCRETE {
                let interval = entry.__bindgen_anon_1.discrete;
                return Ok(FrameInterval::Discrete((interval.numerator, interval.denominator)));
            }
            let range = entry.__bindgen_anon_1.stepwise;
            Ok(FrameInterval::Stepwise(
                (range.min.numerator, range.min.denominator),
                (range.max.numerator, range.max.denominator),
            ))
        }
    }

    fn format(&self) -> io::Result<Format> {
        self.exchange_format(vidioc::VIDIOC_G_FMT, [0; 4], (0, 0))
    }

    fn set_format(&self, fourcc: [u8; 4], size: (u32, u32)) -> io::Result<Format> {
        self.exchange_format(vidioc::VIDIOC_S_FMT, fourcc, size)
    }

    fn rate(&self) -> io::Result<Rate> {
        self.exchange_rate(vidioc::VIDIOC_G_PARM, 0)
    }

    fn set_rate(&self, fps: u32) -> io::Result<Rate> {
        self.exchange_rate(vidioc::VIDIOC_S_PARM, fps)
    }

    fn queue(&self, index: u32) -> io::Result<()> {
        self.ask(vidioc::VIDIOC_QBUF, &mut buffer(index))
    }

    fn dequeue(&self) -> io::Result<Filled> {
        let mut buffer = buffer(0);
        self.ask(vidioc::VIDIOC_DQBUF, &mut buffer)?;
        Ok(Filled {
            index: buffer.index,
            bytes: buffer.bytesused,
            flags: buffer.flags,
            sequence: buffer.sequence,
            timestamp: (buffer.timestamp.tv_sec, buffer.timestamp.tv_usec),
        })
    }

    fn buffer_flags(&self, index: u32) -> io::Result<u32> {
        let mut buffer = buffer(index);
        self.ask(vidioc::VIDIOC_QUERYBUF, &mut buffer)?;
        Ok(buffer.flags)
    }
}

fn buffer(index: u32) -> v4l2_buffer {
    // SAFETY: a structure of numbers, and a pointer that may be null.
    let mut buffer: v4l2_buffer = unsafe { zeroed() };
    (buffer.index, buffer.type_, buffer.memory) = (index, VIDEO_CAPTURE, MEMORY_MMAP);
    buffer
}
