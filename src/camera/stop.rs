//! Asks a source to end, whether it waits in a task or in the kernel on a thread.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use event_listener::{Event, listener};
use rustix::event::{EventfdFlags, eventfd};

/// A request to end, which cannot be withdrawn. Clones share one request.
#[derive(Debug, Clone)]
pub struct Stop(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    requested: AtomicBool,
    event: Event,
    /// Becomes readable when the stop is requested: for threads that wait in `poll`.
    readable: OwnedFd,
}

impl Stop {
    /// A stop that has not been requested.
    ///
    /// # Errors
    /// If the process is out of file descriptors.
    pub fn new() -> std::io::Result<Self> {
        let readable = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(Shared { requested: AtomicBool::new(false), event: Event::new(), readable })))
    }

    /// Requests the end.
    pub fn request(&self) {
        self.0.requested.store(true, Ordering::SeqCst);
        self.0.event.notify(usize::MAX);
        // An eventfd refuses a write only if its counter is full, and then it is readable already.
        let _ = rustix::io::write(&self.0.readable, &1_u64.to_ne_bytes());
    }

    /// Whether the end was requested.
    pub fn is_requested(&self) -> bool {
        self.0.requested.load(Ordering::SeqCst)
    }

    /// Returns once the end is requested.
    pub async fn requested(&self) {
        while !self.is_requested() {
            listener!(self.0.event => requested);
            if self.is_requested() {
                return;
            }
            requested.await;
        }
    }

    /// A descriptor that is readable once the end is requested.
    pub fn readable(&self) -> BorrowedFd<'_> {
        self.0.readable.as_fd()
    }
}
