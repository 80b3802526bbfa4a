//! One camera's newest frame, and who waits for it.
//!
//! The source publishes, viewers take the newest and skip what they missed. The hub also holds what
//! health says of the camera, so that stream, page and log always tell the same.

mod meter;
mod snapshot;
mod takers;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, EventListener, listener};

use crate::camera::lost::Lost;
use crate::clock::{Clock, Monotonic};
use crate::frame::{BufferPool, Frame, Kind};

pub use meter::Latency;
use meter::{LatencyMeter, RateMeter};
pub use snapshot::{Opened, Snapshot, State};
pub use takers::Taker;
use takers::Takers;

/// One camera's newest frame and its state.
#[derive(Debug)]
pub struct Hub {
    clock: Clock,
    pool: BufferPool,
    inner: Mutex<Inner>,
    takers: Takers,
    /// A newer frame exists.
    newer: Event,
    /// The state or the number of viewers changed.
    changed: Event,
    viewers: AtomicUsize,
    bad: AtomicU64,
    dropped: AtomicU64,
    latency: Mutex<LatencyMeter>,
}

#[derive(Debug)]
struct Inner {
    newest: Option<Arc<Frame>>,
    /// Counts what was published, cards too; a viewer compares it with what it has seen.
    serial: u64,
    state: State,
    opened: Option<Opened>,
    frames: u64,
    reconnects: u64,
    was_lost: bool,
    last_picture: Option<Monotonic>,
    rate: RateMeter,
    key_wait: Option<Monotonic>,
}

impl Hub {
    /// A hub without a frame, idle.
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            clock,
            pool: BufferPool::default(),
            inner: Mutex::new(Inner {
                newest: None,
                serial: 0,
                state: State::Idle,
                opened: None,
                frames: 0,
                reconnects: 0,
                was_lost: false,
                last_picture: None,
                rate: RateMeter::default(),
                key_wait: None,
            }),
            takers: Takers::default(),
            newer: Event::new(),
            changed: Event::new(),
            viewers: AtomicUsize::new(0),
            bad: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            latency: Mutex::new(LatencyMeter::default()),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where frames of this camera get their memory.
    pub fn pool(&self) -> &BufferPool {
        &self.pool
    }

    /// The clock that this camera runs by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Hands a frame to every viewer, to those who watch by a [`Taker`] on this thread. A picture makes
    /// the camera live.
    ///
    /// Returns true for the first picture since the camera was opened.
    pub fn publish(&self, frame: Frame) -> bool {
        let frame = Arc::new(frame);
        let mut inner = self.inner();
        let mut first = false;
        if frame.kind == Kind::Picture {
            inner.frames += 1;
            inner.last_picture = Some(frame.captured);
            inner.rate.count(frame.captured);
            first = inner.state != State::Live;
            if first {
                inner.reconnects += u64::from(inner.was_lost);
                (inner.was_lost, inner.key_wait) = (false, None);
                inner.state = State::Live;
            }
        }
        inner.serial += 1;
        let serial = inner.serial;
        // The frame before is dropped outside the lock: that may free or recycle its memory.
        let before = inner.newest.replace(frame.clone());
        drop(inner);
        drop(before);
        self.takers.hand_out(self, &frame, serial);
        self.newer.notify(usize::MAX);
        if first {
            self.changed.notify(usize::MAX);
        }
        first
    }

    /// Counts a picture that arrived damaged.
    pub fn count_bad(&self) {
        self.bad.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts pictures that were skipped before they could be published.
    pub fn count_dropped(&self, pictures: u64) {
        self.dropped.fetch_add(pictures, Ordering::Relaxed);
    }

    /// Says what the source negotiated.
    pub fn set_opened(&self, opened: Opened) {
        self.inner().opened = Some(opened);
    }

    /// Sets the state. True if it was another one.
    pub fn set_state(&self, state: State) -> bool {
        let mut inner = self.inner();
        let different = inner.state != state;
        if different {
            if state != State::Live {
                inner.rate = RateMeter::default();
                // A frame of before must not greet a viewer of later.
                inner.newest = None;
            }
            inner.was_lost |= matches!(state, State::Lost(_));
            inner.state = state;
        }
        drop(inner);
        if different {
            self.changed.notify(usize::MAX);
        }
        different
    }

    /// The camera is live no more, if no picture has been published beyond so many. True if that is news.
    pub fn stand_still(&self, frames: u64, lost: Lost) -> bool {
        let mut inner = self.inner();
        let stands_still = inner.state == State::Live && inner.frames == frames;
        if stands_still {
            (inner.rate, inner.newest, inner.was_lost) = (RateMeter::default(), None, true);
            inner.state = State::Lost(lost);
        }
        drop(inner);
        if stands_still {
            self.changed.notify(usize::MAX);
        }
        stands_still
    }

    /// Says since when a key picture is waited for, if one is.
    pub fn set_key_wait(&self, since: Option<Monotonic>) {
        let before = std::mem::replace(&mut self.inner().key_wait, since);
        if before != since {
            self.changed.notify(usize::MAX);
        }
    }

    /// Whether there is no picture to show, but a reason.
    pub fn has_reason(&self) -> bool {
        let inner = self.inner();
        match inner.state {
            State::Lost(_) => true,
            State::Starting => inner.key_wait.is_some(),
            State::Idle | State::Live => false,
        }
    }

    /// The present state.
    pub fn state(&self) -> State {
        self.inner().state.clone()
    }

    /// Pictures that arrived damaged.
    pub fn bad(&self) -> u64 {
        self.bad.load(Ordering::Relaxed)
    }

    /// Pictures published since the service started.
    pub fn frames(&self) -> u64 {
        self.inner().frames
    }

    /// How many watch.
    pub fn viewers(&self) -> usize {
        self.viewers.load(Ordering::SeqCst)
    }

    /// Hears of the next change of the state or of the number of viewers. Listen first, look then,
    /// wait last: so that no change is missed.
    pub fn listen(&self) -> EventListener {
        self.changed.listen()
    }

    /// Returns once `condition` holds; it is asked again after every change of the state or of the
    /// number of viewers.
    pub async fn until(&self, mut condition: impl FnMut(&Self) -> bool) {
        while !condition(self) {
            listener!(self.changed => changed);
            if condition(self) {
                return;
            }
            changed.await;
        }
    }

    /// Begins to watch: the newest frame first, if there is one.
    pub fn watch(self: &Arc<Self>) -> Viewer {
        self.viewers.fetch_add(1, Ordering::SeqCst);
        self.changed.notify(usize::MAX);
        Viewer { hub: self.clone(), seen: 0, taker: None }
    }

    /// Begins to watch by a taker, who is handed every frame until the viewer is dropped.
    pub fn watch_by(self: &Arc<Self>, taker: Arc<dyn Taker>) -> Viewer {
        let mut viewer = self.watch();
        self.takers.add(taker.clone());
        viewer.taker = Some(taker);
        viewer
    }

    /// The newest frame, unless it is the one that was seen, and its number.
    pub fn newer_than(&self, seen: u64) -> Option<(Arc<Frame>, u64)> {
        let inner = self.inner();
        let frame = inner.newest.as_ref().filter(|_| inner.serial != seen)?;
        Some((frame.clone(), inner.serial))
    }

    /// Notes that a viewer's socket has just taken the last byte of this frame.
    pub fn delivered(&self, frame: &Frame) {
        if frame.kind == Kind::Picture {
            let latency = self.clock.now().since(frame.captured);
            self.latency.lock().unwrap_or_else(PoisonError::into_inner).count(latency);
        }
    }

    /// The camera as health shows it.
    pub fn snapshot(&self) -> Snapshot {
        let now = self.clock.now();
        let latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner).quantiles();
        let inner = self.inner();
        Snapshot {
            state: inner.state.clone(),
            opened: inner.opened.clone(),
            frames: inner.frames,
            bad: self.bad(),
            dropped: self.dropped.load(Ordering::Relaxed),
            reconnects: inner.reconnects,
            fps: if inner.state == State::Live { inner.rate.per_second(now) } else { None },
            last_frame_age: inner.last_picture.map(|at| now.since(at)),
            viewers: self.viewers(),
            latency,
            key_wait: inner.key_wait.map(|since| now.since(since)),
        }
    }
}

/// Somebody who watches a camera. While one exists, the camera is kept open.
pub struct Viewer {
    hub: Arc<Hub>,
    seen: u64,
    taker: Option<Arc<dyn Taker>>,
}

impl Viewer {
    /// The newest frame that this viewer has not had yet; waits for one if need be.
    pub async fn next(&mut self) -> Arc<Frame> {
        loop {
            listener!(self.hub.newer => newer);
            if let Some((frame, serial)) = self.hub.newer_than(self.seen) {
                self.seen = serial;
                return frame;
            }
            newer.await;
        }
    }

    /// The hub that is watched.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        if let Some(taker) = self.taker.take() {
            self.hub.takers.remove(&taker);
        }
        self.hub.viewers.fetch_sub(1, Ordering::SeqCst);
        self.hub.changed.notify(usize::MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use futures_lite::future::poll_once;
    use smol::block_on;

    fn frame(hub: &Hub, kind: Kind, text: &[u8]) -> Frame {
        let mut jpeg = hub.pool().take();
        jpeg.extend_from_slice(text);
        Frame::new(jpeg, hub.clock(), hub.clock().now(), 4, 2, kind)
    }

    #[test]
    fn a_viewer_gets_the_newest_frame_once_and_skips_what_it_missed() {
        let hub = Hub::new(Clock::manual().0);
        let mut viewer = hub.watch();
        block_on(async {
            assert!(poll_once(viewer.next()).await.is_none());
            for text in [b"1", b"2", b"3"] {
                hub.publish(frame(&hub, Kind::Picture, text));
            }
            assert_eq!(&*viewer.next().await.jpeg, b"3");
            assert!(poll_once(viewer.next()).await.is_none());
            let mut waits = Box::pin(viewer.next());
            assert!(poll_once(&mut waits).await.is_none());
            hub.publish(frame(&hub, Kind::Picture, b"4"));
            assert_eq!(&*waits.await.jpeg, b"4");
        });
    }

    #[test]
    fn states_counters_and_viewers_are_those_of_the_camera() {
        let (clock, hand) = Clock::manual();
        let hub = Hub::new(clock);
        assert_eq!(hub.state(), State::Idle);
        assert!(hub.publish(frame(&hub, Kind::Picture, b"a")), "the first picture");
        for _ in 0..30 {
            hand.advance(Duration::from_millis(100));
            assert!(!hub.publish(frame(&hub, Kind::Picture, b"a")));
        }
        let live = hub.snapshot();
        assert_eq!((live.state, live.frames, live.reconnects), (State::Live, 31, 0));
        assert!((live.fps.unwrap() - 10.0).abs() < 0.01, "{:?}", live.fps);

        assert!(hub.set_state(State::Lost(Lost::Unplugged)));
        hub.publish(frame(&hub, Kind::Card, b"card"));
        hand.advance(Duration::from_secs(7));
        let lost = hub.snapshot();
        assert_eq!((lost.state.word(), lost.frames, lost.fps), ("lost", 31, None));
        assert_eq!(lost.last_frame_age, Some(Duration::from_secs(7)));

        hub.publish(frame(&hub, Kind::Picture, b"back"));
        assert_eq!(hub.snapshot().reconnects, 1);
        let (one, two) = (hub.watch(), hub.watch());
        assert_eq!(hub.viewers(), 2);
        drop((one, two));
        assert_eq!(hub.viewers(), 0);
    }

    #[test]
    fn no_old_picture_greets_a_viewer_of_a_camera_that_was_closed() {
        let hub = Hub::new(Clock::manual().0);
        hub.publish(frame(&hub, Kind::Picture, b"old"));
        hub.set_state(State::Idle);
        block_on(async { assert!(poll_once(hub.watch().next()).await.is_none()) });
    }
}
