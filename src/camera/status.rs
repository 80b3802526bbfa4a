//! The status of one camera. [`Camera`](super::Camera) keeps it under one lock, so that reports are
//! consistent.

use std::sync::Arc;
use std::time::Duration;

use super::lost::Lost;
use super::meter::{LatencyMeter, RateMeter};
use super::report::{Opened, Report, State};
use crate::clock::Monotonic;
use crate::frame::Frame;

#[derive(Debug)]
pub(super) struct Status {
    state: State,
    opened: Option<Opened>,
    frames: u64,
    bad: u64,
    dropped: u64,
    reconnects: u64,
    was_lost: bool,
    last_picture: Option<Monotonic>,
    rate: RateMeter,
    latency: LatencyMeter,
    key_wait: Option<Monotonic>,
    /// When a single picture was last requested.
    asked: Option<Monotonic>,
    /// The card that answered the last request for a single picture, while the camera is lost.
    card: Option<Arc<Frame>>,
    /// Whether opening and closing interests an operator: the first time, after a loss, or for a stream.
    /// Single pictures open a camera again and again.
    is_news: bool,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            state: State::Idle,
            opened: None,
            frames: 0,
            bad: 0,
            dropped: 0,
            reconnects: 0,
            was_lost: false,
            last_picture: None,
            rate: RateMeter::default(),
            latency: LatencyMeter::default(),
            key_wait: None,
            asked: None,
            card: None,
            is_news: true,
        }
    }
}

impl Status {
    /// Counts a picture, which makes the camera live. Returns true for the first since it was not live.
    pub fn count_picture(&mut self, captured: Monotonic) -> bool {
        self.frames += 1;
        self.last_picture = Some(captured);
        self.rate.count(captured);
        let is_first = self.state != State::Live;
        if is_first {
            self.reconnects += u64::from(self.was_lost);
            (self.was_lost, self.key_wait, self.card) = (false, None, None);
            self.state = State::Live;
        }
        is_first
    }

    pub fn count_delivery(&mut self, latency: Duration) {
        self.latency.count(latency);
    }

    pub fn count_bad(&mut self) {
        self.bad += 1;
    }

    pub fn count_dropped(&mut self, pictures: u64) {
        self.dropped += pictures;
    }

    pub fn set_opened(&mut self, opened: Opened) {
        self.opened = Some(opened);
    }

    /// Returns true if the state changed.
    pub fn set_state(&mut self, state: State) -> bool {
        if self.state == state {
            return false;
        }
        self.card = None;
        if state != State::Live {
            self.rate = RateMeter::default();
        }
        match state {
            State::Lost(_) => (self.was_lost, self.is_news) = (true, true),
            State::Idle => self.is_news = false,
            State::Starting | State::Live => {}
        }
        self.state = state;
        true
    }

    /// Makes the status lost if it is live and has no more than `frames` pictures.
    pub fn stand_still(&mut self, frames: u64, lost: Lost) -> bool {
        self.state == State::Live && self.frames == frames && self.set_state(State::Lost(lost))
    }

    /// Returns true if that changed.
    pub fn set_key_wait(&mut self, since: Option<Monotonic>) -> bool {
        std::mem::replace(&mut self.key_wait, since) != since
    }

    pub fn state(&self) -> State {
        self.state.clone()
    }

    pub fn has_reason(&self) -> bool {
        match self.state {
            State::Lost(_) => true,
            State::Starting => self.key_wait.is_some(),
            State::Idle | State::Live => false,
        }
    }

    pub fn frames(&self) -> u64 {
        self.frames
    }

    pub fn bad(&self) -> u64 {
        self.bad
    }

    pub fn ask(&mut self, now: Monotonic) {
        self.asked = Some(now);
    }

    pub fn asked(&self) -> Option<Monotonic> {
        self.asked
    }

    /// Notes a viewer of the stream.
    pub fn watched(&mut self) {
        self.is_news = true;
    }

    pub fn log_level(&self) -> log::Level {
        if self.is_news { log::Level::Info } else { log::Level::Debug }
    }

    pub fn keep_card(&mut self, card: Arc<Frame>) {
        if matches!(self.state, State::Lost(_)) {
            self.card = Some(card);
        }
    }

    pub fn card(&self) -> Option<Arc<Frame>> {
        self.card.clone()
    }

    /// A report, and the meter to compute its latency from.
    pub fn report(&self, now: Monotonic, viewers: usize) -> (Report, LatencyMeter) {
        let report = Report {
            state: self.state.clone(),
            opened: self.opened.clone(),
            frames: self.frames,
            bad: self.bad,
            dropped: self.dropped,
            reconnects: self.reconnects,
            fps: if self.state == State::Live { self.rate.per_second(now) } else { None },
            last_frame_age: self.last_picture.map(|at| now.since(at)),
            viewers,
            latency: None,
            key_wait: self.key_wait.map(|since| now.since(since)),
        };
        (report, self.latency.clone())
    }
}
