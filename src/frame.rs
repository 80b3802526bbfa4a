//! A frame: one JPEG picture, immutable once published and shared by reference count.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Monotonic};
use crate::limits;

/// The content of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A picture of the camera.
    Picture,
    /// A card drawn by Pinhole, because there is no picture.
    Card,
}

/// One JPEG picture, with what viewers and health need.
#[derive(Debug)]
pub struct Frame {
    /// The JPEG, from SOI to EOI.
    pub jpeg: FrameBuffer,
    /// When the camera took it.
    pub captured: Monotonic,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// A picture, or a card in its place.
    pub kind: Kind,
    /// Wall time of capture, since 1970, for `X-Timestamp`.
    pub unix_time: Duration,
}

impl Frame {
    /// A frame captured at this moment of the clock.
    pub fn new(
        jpeg: FrameBuffer,
        clock: &Clock,
        captured: Monotonic,
        width: u32,
        height: u32,
        kind: Kind,
    ) -> Self {
        Self { jpeg, captured, width, height, kind, unix_time: clock.unix_time(captured) }
    }
}

/// Recycles the memory of frames that no viewer holds any longer.
///
/// A camera's pool keeps at most [`limits::POOLED_BUFFERS_MAX`] spare buffers; more are freed.
#[derive(Debug, Clone, Default)]
pub struct BufferPool {
    spare: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl BufferPool {
    /// An empty buffer, with the memory of an earlier frame if one is spare.
    pub fn take(&self) -> FrameBuffer {
        let bytes = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        FrameBuffer { bytes, len: 0, pool: self.clone() }
    }

    fn give_back(&self, bytes: Vec<u8>) {
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < limits::POOLED_BUFFERS_MAX {
            spare.push(bytes);
        }
    }
}

/// The bytes of one frame. Its memory returns to the pool when the last viewer drops it.
#[derive(Debug)]
pub struct FrameBuffer {
    /// Every byte is initialised; the frame is the first `len` of them, so that an encoder can get a
    /// worst-case slice without clearing it for each frame.
    bytes: Vec<u8>,
    len: usize,
    pool: BufferPool,
}

impl FrameBuffer {
    /// An empty buffer of the same pool.
    pub fn another(&self) -> Self {
        self.pool.take()
    }

    /// Empties the buffer and keeps its memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends bytes.
    pub fn extend_from_slice(&mut self, more: &[u8]) {
        let end = self.len + more.len();
        if end > self.bytes.len() {
            self.bytes.truncate(self.len);
            self.bytes.extend_from_slice(more);
        } else {
            self.bytes[self.len..end].copy_from_slice(more);
        }
        self.len = end;
    }

    /// The whole memory as a slice of at least `capacity` bytes, for an encoder to write to.
    /// Follow it with [`set_len`](Self::set_len).
    pub fn writable(&mut self, capacity: usize) -> &mut [u8] {
        if self.bytes.len() < capacity {
            // A fresh zeroed allocation: the kernel provides pages only as the encoder touches them, while
            // growing the old one would touch (and so keep resident) all of it.
            self.bytes = vec![0; capacity];
        }
        self.len = 0;
        &mut self.bytes
    }

    /// Sets how many bytes of [`writable`](Self::writable) are the frame.
    ///
    /// # Panics
    /// If `len` is beyond the memory that `writable` gave.
    pub fn set_len(&mut self, len: usize) {
        assert!(len <= self.bytes.len(), "a frame of {len} bytes in a buffer of {}", self.bytes.len());
        self.len = len;
    }
}

impl Deref for FrameBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Drop for FrameBuffer {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if !bytes.is_empty() {
            self.pool.give_back(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_recycled_and_bounded() {
        let pool = BufferPool::default();
        let mut first = pool.take();
        first.extend_from_slice(b"0123456789");
        let address = first.as_ptr();
        drop(first);
        let mut second = pool.take();
        assert!(second.is_empty());
        second.extend_from_slice(b"abc");
        assert_eq!((&*second, second.as_ptr()), (&b"abc"[..], address));
        let many: Vec<_> = (0..limits::POOLED_BUFFERS_MAX + 3)
            .map(|_| {
                let mut buffer = pool.take();
                buffer.extend_from_slice(b"x");
                buffer
            })
            .collect();
        drop(many);
        assert_eq!(pool.spare.lock().unwrap().len(), limits::POOLED_BUFFERS_MAX);
    }

    #[test]
    fn encoder_memory_then_appending() {
        let pool = BufferPool::default();
        let mut buffer = pool.take();
        buffer.writable(8)[..2].copy_from_slice(b"ab");
        buffer.set_len(2);
        buffer.extend_from_slice(b"cdefghij");
        assert_eq!(&*buffer, b"abcdefghij");
    }
}
