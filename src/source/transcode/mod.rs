//! Coded pictures of a camera or a file to frames of the camera.
//!
//! ```text
//! push ──> queue ──> decoder thread ──> newest pictures ──> encoder thread ──> publisher
//! ```
//!
//! Nothing waits long anywhere. Pictures that come in a burst are spread (`pacer`), each by at most
//! `pacer::HELD_MAX`; those of an even stream wait for nothing. Decoded pictures that the encoder has
//! no time for are dropped; a decoder that falls behind first leaves out pictures that no other refers
//! to, and then all up to the next key picture. So a picture that is published waited at most half a
//! second (`queue::LAG_MAX`) for the decoder. Health counts what was dropped.

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
use crate::clock::Monotonic;
use crate::config::Picture;
use crate::decode::Decoder;
use crate::encode::JpegEncoder;
use crate::picture::Shape;
use crate::video::{AccessUnit, Codec};
use queue::Queue;
use work::{Decoded, Decoding, Encoding};

/// Decodes and encodes one stream of H.264 or H.265. When it is dropped, nothing more is published;
/// its threads end with the picture that they are at.
#[derive(Debug)]
pub struct Transcoder {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    publisher: Arc<Publisher>,
    state: Mutex<State>,
    /// For the decoder: a unit has come, or the end.
    coded: Condvar,
    /// For the encoder: a picture has come, or the end.
    decoded: Condvar,
    failed: Event,
    /// All is closed.
    ended: Event,
}

#[derive(Debug, Default)]
struct State {
    queue: Queue,
    /// Decoded pictures that nobody encodes yet, the oldest first.
    decoded: VecDeque<Decoded>,
    is_closed: bool,
    failure: Option<Lost>,
}

impl Transcoder {
    /// Starts the threads. `shape` is what is said of the pictures beside
    /// them, as by a file.
    ///
    /// # Errors
    /// If this build has no decoder of it, or the system refuses a thread.
    pub fn start(
        publisher: &Arc<Publisher>,
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
            state: Mutex::default(),
            coded: Condvar::new(),
            decoded: Condvar::new(),
            failed: Event::new(),
            ended: Event::new(),
        });
        // Its end closes what has been started, should the second thread not start.
        let transcoder = Self { shared };
        transcoder.spawn("decode", Decoding::new(decoder))?;
        transcoder.spawn("encode", Encoding::new(encoder, shape))?;
        Ok(transcoder)
    }

    /// Hands over the next unit, in the order of decoding. It never waits.
    ///
    /// False where the unit is dropped, because decoding lags behind or has ended. What is dropped is
    /// counted here, and so is what needs it, up to the next key unit.
    pub fn push(&self, unit: AccessUnit) -> bool {
        let publisher = &self.shared.publisher;
        let mut state = self.shared.lock();
        if state.is_closed {
            return false;
        }
        let pushed = state.queue.push(unit, publisher.clock().now());
        drop(state);
        publisher.dropped(pushed.dropped);
        self.shared.coded.notify_one();
        pushed.is_accepted
    }

    /// Returns once no more pictures can come, with the reason: the stream cannot be shown.
    pub async fn failed(&self) -> Lost {
        loop {
            listener!(self.shared.failed => failed);
            if let Some(lost) = self.failure() {
                return lost;
            }
            failed.await;
        }
    }

    /// The reason of [`failed`](Self::failed), if it has one already.
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

/// What one of the threads does, again and again.
trait Work: Send + 'static {
    /// Waits for something to do and does it; false once there will be nothing more.
    fn step(&mut self, shared: &Shared) -> Result<bool, Lost>;
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `take` gives, as soon as it does; `None` once all is closed.
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

    /// Returns at this moment, or once all is closed.
    fn wait_until(&self, moment: Monotonic) {
        let clock = self.publisher.clock();
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
