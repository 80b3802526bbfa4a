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
    /// The card that answered the last request for a single picture, while the camera is lost.
    card: Option<Arc<Frame>>,
    /// Counts what was published, cards too; a viewer compares it with what it has seen.
    serial: u64,
    state: State,
    opened: Option<Opened>,
    frames: u64,
    reconnects: u64,
    was_lost: bool,
    last_picture: Option<Monotonic>,
    /// When somebody last asked for a single picture.
    asked: Option<Monotonic>,
    /// Opening and closing is of interest to an operator: it is the first time, the camera was lost, or
    /// somebody watched the stream. Else it is for a single picture, and comes again and again.
    is_news: bool,
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
                card: None,
                serial: 0,
                state: State::Idle,
                opened: None,
                frames: 0,
                reconnects: 0,
                was_lost: false,
                last_picture: None,
                asked: None,
                is_news: true,
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
                inner.card = None;
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
            inner.card = None;
            if state != State::Live {
                inner.rate = RateMeter::default();
                // A frame of before must not greet a viewer of later.
                inner.newest = None;
            }
            inner.was_lost |= matches!(state, State::Lost(_));
            match state {
                State::Lost(_) => inner.is_news = true,
                State::Idle => inner.is_news = false,
                State::Starting | State::Live => {}
            }
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
            (inner.state, inner.is_news, inner.card) = (State::Lost(lost), true, None);
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

    /// Notes that somebody asks for a single picture: a lost camera is then tried again soon, an open one
    /// stays so for the next picture.
    pub fn ask(&self) {
        self.inner().asked = Some(self.clock.now());
        self.changed.notify(usize::MAX);
    }

    /// When somebody last asked for a single picture.
    pub fn asked(&self) -> Option<Monotonic> {
        self.inner().asked
    }

    /// Keeps a card for others who ask for a single picture, as long as the camera is lost for the same
    /// reason.
    pub fn keep_card(&self, card: Arc<Frame>) {
        let mut inner = self.inner();
        if matches!(inner.state, State::Lost(_)) {
            inner.card = Some(card);
        }
    }

    /// The card that was kept last.
    pub fn card(&self) -> Option<Arc<Frame>> {
        self.inner().card.clone()
    }

    /// The level at which the log notes that the camera was opened or closed.
    pub fn log_level(&self) -> log::Level {
        if self.inner().is_news { log::Level::Info } else { log::Level::Debug }
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
        self.inner().is_news = true;
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
mod tests;
