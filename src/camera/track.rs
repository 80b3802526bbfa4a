//! One kind of picture of a camera: the newest frame, and its viewers.
//!
//! Viewers take the newest frame and skip what they missed. A track is wanted while it has viewers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, listener};

use super::subscribers::Subscribers;
use crate::clock::{Clock, Monotonic};
use crate::frame::{BufferPool, Frame};

/// The newest frame of one kind, and its viewers.
#[derive(Debug, Default)]
pub struct Track {
    pool: BufferPool,
    newest: Mutex<Newest>,
    subscribers: Subscribers,
    /// A newer frame exists.
    newer: Event,
    viewers: AtomicUsize,
    has_ended: AtomicBool,
}

#[derive(Debug, Default)]
struct Newest {
    frame: Option<Arc<Frame>>,
    /// Counts published frames, including cards; a viewer compares it with the last it has seen.
    serial: u64,
}

impl Track {
    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The buffers for frames of this track.
    pub fn pool(&self) -> &BufferPool {
        &self.pool
    }

    /// The number of viewers.
    pub fn viewers(&self) -> usize {
        self.viewers.load(Ordering::SeqCst)
    }

    /// Whether the track has ended because the camera was removed.
    pub fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::SeqCst)
    }

    /// The newest frame and its number, unless it is the one already seen.
    pub fn newer_than(&self, seen: u64) -> Option<(Arc<Frame>, u64)> {
        let newest = self.newest();
        let frame = newest.frame.as_ref().filter(|_| newest.serial != seen)?;
        Some((frame.clone(), newest.serial))
    }

    /// Like [`newer_than`](Self::newer_than), but waits.
    pub async fn newer(&self, seen: u64) -> (Arc<Frame>, u64) {
        loop {
            if let Some(newer) = self.newer_than(seen) {
                return newer;
            }
            listener!(self.newer => newer);
            if let Some(newer) = self.newer_than(seen) {
                return newer;
            }
            newer.await;
        }
    }

    /// Makes a frame the newest and delivers it to the subscribers, on this thread. `delivered` gets the time
    /// at which each of them had all of it.
    pub(super) fn publish(&self, frame: &Arc<Frame>, clock: &Clock, delivered: impl FnMut(Monotonic)) {
        let mut newest = self.newest();
        newest.serial += 1;
        let serial = newest.serial;
        // Drop the previous frame outside the lock: that may free or recycle its memory.
        let before = newest.frame.replace(frame.clone());
        drop(newest);
        drop(before);
        self.subscribers.deliver(frame, serial, clock, delivered);
        self.newer.notify(usize::MAX);
    }

    /// Lets viewers leave after the newest frame.
    pub fn end(&self) {
        self.has_ended.store(true, Ordering::SeqCst);
        self.subscribers.end();
    }

    /// The number of the newest frame.
    pub(super) fn serial(&self) -> u64 {
        self.newest().serial
    }

    /// Forgets the newest frame, unless a newer one has come.
    pub(super) fn forget(&self, serial: u64) {
        let mut newest = self.newest();
        if newest.serial == serial {
            newest.frame = None;
        }
    }

    pub(super) fn count_viewer(&self) {
        self.viewers.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn uncount_viewer(&self) {
        self.viewers.fetch_sub(1, Ordering::SeqCst);
    }

    pub(super) fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }
}
