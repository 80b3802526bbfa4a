//! Turns the coded pictures of a camera or a file into frames.
//!
//! ```text
//! push ──> queue ──> decoder thread ──> newest pictures ──> encoder thread ──> publisher
//! ```
//!
//! Nothing waits long. Pictures that arrive in bursts are spread out (`pacer`), each by at most
//! `pacer::HELD_MAX`; an even stream is not delayed. Decoded pictures that the encoder cannot keep up with
//! are dropped. A decoder that falls behind first skips pictures that no other refers to, then all up to the
//! next key picture. So a published picture waited at most half a second (`queue::LAG_MAX`) for the decoder.
//! Health counts dropped pictures.

mod pacer;
mod queue;
mod work;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, listener};
use futures_lite::future::or;

use super::publisher::Publisher;
use super::thread;
use crate::camera::lost::{LocalLost, Lost, Task};
use crate::clock::{Clock, Monotonic};
use crate::config::Picture;
use crate::decode::Decoder;
use crate::encode::JpegEncoder;
use crate::picture::Shape;
use crate::video::{AccessUnit, Codec};
use queue::Queue;
use work::{Decoded, Decoding, Encoding};

/// Decodes and encodes one stream of H.264 or H.265. Once it is dropped, nothing more is published; its
/// threads end after their current picture.
#[derive(Debug)]
pub struct Transcoder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    publisher: Arc<Publisher>,
    clock: Clock,
    state: Mutex<State>,
    /// Wakes the decoder: a unit has come, or the end.
    coded: Condvar,
    /// Wakes the encoder: a picture has come, or the end.
    decoded: Condvar,
    failed: Event,
    /// All is closed.
    ended: Event,
}

#[derive(Debug, Default)]
struct State {
    queue: Queue,
    /// Decoded pictures that wait for the encoder, oldest first.
    decoded: VecDeque<Decoded>,
    is_closed: bool,
    failure: Option<Lost>,
}

impl Transcoder {
    /// Starts the threads. `shape` is what a container says of the pictures' shape.
    ///
    /// # Errors
    /// If this build has no decoder for the codec, or the system refuses a thread.
    pub fn start(
        publisher: &Arc<Publisher>,
        clock: &Clock,
        picture: &Picture,
        codec: Codec,
        shape: Shape,
    ) -> Result<Self, Lost> {
        publisher.set_format(codec.name());
        let decoder = Decoder::new(codec).map_err(|error| Lost::Unsupported(error.to_string()))?;
        let encoder = JpegEncoder::new(picture.quality, picture.chroma)
            .map_err(|error| LocalLost::new(Task::Encode, error))?;
        let shared = Arc::new(Shared {
            publisher: publisher.clone(),
            clock: clock.clone(),
            state: Mutex::default(),
            coded: Condvar::new(),
            decoded: Condvar::new(),
            failed: Event::new(),
            ended: Event::new(),
        });
        // Dropping it ends the first thread if the second does not start.
        let transcoder = Self { shared };
        transcoder.spawn("decode", Decoding::new(decoder))?;
        transcoder.spawn("encode", Encoding::new(encoder, shape))?;
        Ok(transcoder)
    }

    /// Begins in the middle of a group of pictures: with units that came before, of which only the last one is
    /// shown.
    pub fn begin_with(&self, mut units: Vec<AccessUnit>) {
        if let Some((_, before)) = units.split_last_mut() {
            for unit in before {
                unit.is_hidden = true;
            }
        }
        let mut state = self.shared.lock();
        if !state.is_closed {
            state.queue.begin_with(units);
            drop(state);
            self.shared.coded.notify_one();
        }
    }

    /// Queues the next unit, in decoding order, without waiting.
    ///
    /// Returns false if the unit is dropped because decoding lags behind or has ended. Dropped units are
    /// counted here, and so are those that depend on them, up to the next key unit.
    pub fn push(&self, unit: AccessUnit) -> bool {
        let publisher = &self.shared.publisher;
        let mut state = self.shared.lock();
        if state.is_closed {
            return false;
        }
        let pushed = state.queue.push(unit, self.shared.clock.now());
        drop(state);
        publisher.dropped(pushed.dropped);
        self.shared.coded.notify_one();
        pushed.is_accepted
    }

    /// Returns the reason once no more pictures can come: the stream cannot be shown.
    pub async fn failed(&self) -> Lost {
        loop {
            listener!(self.shared.failed => failed);
            if let Some(lost) = self.failure() {
                return lost;
            }
            failed.await;
        }
    }

    /// The reason of [`failed`](Self::failed), if there already is one.
    pub fn failure(&self) -> Option<Lost> {
        self.shared.lock().failure.clone()
    }

    fn spawn(&self, what: &str, mut work: impl Work) -> Result<(), Lost> {
        let shared = self.shared.clone();
        thread::spawn(&format!("{what} {}", shared.publisher.camera().name()), move || {
            let ended = thread::guarded(|| {
                while work.step(&shared)? {}
                Ok(())
            });
            if let Err(lost) = ended {
                shared.fail(lost);
            }
        })
    }
}

impl Drop for Transcoder {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_closed = true;
        state.queue.clear();
        let decoded = std::mem::take(&mut state.decoded);
        drop(state);
        drop(decoded);
        self.shared.wake_all();
    }
}

/// The work that a thread repeats.
trait Work: Send + 'static {
    /// Waits for work and does it; false once there will be no more.
    fn step(&mut self, shared: &Shared) -> Result<bool, Lost>;
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `take` gives something; `None` once everything is closed.
    fn wait_for<T>(&self, news: &Condvar, take: impl Fn(&mut State) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(taken) = take(&mut state) {
                return Some(taken);
            }
            state = news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Returns at this moment, or once everything is closed.
    fn wait_until(&self, moment: Monotonic) {
        let clock = &self.clock;
        listener!(self.ended => ended);
        if clock.now() < moment && !self.lock().is_closed {
            smol::block_on(or(clock.sleep_until(moment), ended));
        }
    }

    fn wake_all(&self) {
        self.coded.notify_all();
        self.decoded.notify_all();
        self.ended.notify(usize::MAX);
    }

    fn fail(&self, lost: Lost) {
        let mut state = self.lock();
        state.is_closed = true;
        state.failure.get_or_insert(lost);
        drop(state);
        self.wake_all();
        self.failed.notify(usize::MAX);
    }
}

#[cfg(test)]
mod tests;
