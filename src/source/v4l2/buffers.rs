//! The driver's buffers, mapped into this process.

#![allow(unsafe_code, reason = "memory that the driver shares")]

use std::ffi::c_void;
use std::io;
use std::os::fd::AsRawFd as _;
use std::ptr;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::kernel::Kernel;

/// Driver buffers to ask for: one being read, one being filled, two for a late thread.
const BUFFERS: u32 = 4;

/// The kernel's own ceiling (VIDEO_MAX_FRAME), for drivers that allocate more than requested.
const BUFFERS_MAX: u32 = 32;

/// The buffers of one device. Dropping them stops the stream and returns them to the driver.
pub struct Buffers<'d> {
    device: &'d Kernel,
    mapped: Vec<Mapped>,
}

struct Mapped {
    begin: *mut c_void,
    len: usize,
}

impl<'d> Buffers<'d> {
    /// Requests buffers and maps them. None is queued yet.
    pub fn of(device: &'d Kernel) -> io::Result<Self> {
        let count = device.request_buffers(BUFFERS)?.min(BUFFERS_MAX);
        let mut buffers = Self { device, mapped: Vec::with_capacity(count as usize) };
        for index in 0..count {
            let (offset, len) = device.buffer_place(index)?;
            if len == 0 {
                return Err(io::Error::other(format!("buffer {index} has a length of 0")));
            }
            // SAFETY: a new mapping at a place of the kernel's choice; it is unmapped once, in `drop`.
            let begin = unsafe {
                mmap(
                    ptr::null_mut(),
                    len as usize,
                    ProtFlags::READ | ProtFlags::WRITE,
                    MapFlags::SHARED,
                    device.descriptor(),
                    offset.into(),
                )?
            };
            buffers.mapped.push(Mapped { begin, len: len as usize });
        }
        if buffers.mapped.is_empty() {
            return Err(io::Error::other("it has none"));
        }
        Ok(buffers)
    }

    /// The number of buffers.
    pub fn count(&self) -> u32 {
        self.mapped.len() as u32
    }

    /// All bytes of a dequeued buffer; empty if there is no such buffer.
    pub fn bytes(&self, index: u32) -> &[u8] {
        let Some(mapped) = self.mapped.get(index as usize) else { return &[] };
        // SAFETY: the mapping is as long as this and lasts as long as `self`. The driver writes only into
        // buffers that it has; the caller reads one between taking it out of the queue and giving it back.
        unsafe { std::slice::from_raw_parts(mapped.begin.cast::<u8>(), mapped.len) }
    }
}

impl Drop for Buffers<'_> {
    fn drop(&mut self) {
        // An unplugged device refuses all of this; nothing is left to return then.
        if let Err(error) = self.device.stop() {
            log::debug!("descriptor {}: stream off: {error}", self.device.descriptor().as_raw_fd());
        }
        for Mapped { begin, len } in self.mapped.drain(..) {
            // SAFETY: mapped by `of` with this length, and no borrow of `self` remains.
            let _ = unsafe { munmap(begin, len) };
        }
        let _ = self.device.request_buffers(0);
    }
}
