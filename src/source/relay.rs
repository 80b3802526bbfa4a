//! Checks and publishes JPEGs that arrive on the executor, on a thread of their own.
//!
//! Checking reads the whole picture, and publishing may write it to hundreds of sockets: on the executor, a
//! few such cameras would hold up every connection. So each open camera has a thread for it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, listener};

use super::publisher::Publisher;
use super::thread;
use crate::camera::lost::Lost;
use crate::clock::Monotonic;
use crate::frame::FrameBuffer;
use crate::limits::RELAYED_PICTURES_MAX;

/// Checks and publishes the pictures of one run of a source. Dropping it ends its thread after the current
/// picture.
#[derive(Debug)]
pub struct Relay(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    publisher: Arc<Publisher>,
    state: Mutex<State>,
    /// A picture waits, or the relay has ended.
    news: Condvar,
    /// The queue is empty and the thread idle.
    drained: Event,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(FrameBuffer, Monotonic)>,
    is_busy: bool,
    has_ended: bool,
}

impl Relay {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(publisher: &Arc<Publisher>) -> Result<Self, Lost> {
        let shared = Arc::new(Shared {
            publisher: publisher.clone(),
            state: Mutex::default(),
            news: Condvar::new(),
            drained: Event::new(),
        });
        let relay = Self(shared.clone());
        thread::spawn(&format!("relay {}", publisher.camera().name()), move || shared.work())?;
        Ok(relay)
    }

    /// Queues a picture that arrived at this moment, without waiting: beyond [`RELAYED_PICTURES_MAX`] the
    /// oldest is dropped.
    pub fn push(&self, picture: &[u8], arrived: Monotonic) {
        let mut copy = self.0.publisher.buffer();
        copy.extend_from_slice(picture);
        let mut state = self.0.lock();
        let dropped =
            if state.waiting.len() < RELAYED_PICTURES_MAX { None } else { state.waiting.pop_front() };
        state.waiting.push_back((copy, arrived));
        drop(state);
        self.0.news.notify_one();
        self.0.publisher.dropped(u64::from(dropped.is_some()));
    }

    /// Returns once the queue is empty and everything is published.
    pub async fn drained(&self) {
        loop {
            listener!(self.0.drained => drained);
            if self.0.lock().is_drained() {
                return;
            }
            drained.await;
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.has_ended = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop(waiting);
        self.0.news.notify_one();
    }
}

impl State {
    fn is_drained(&self) -> bool {
        self.has_ended || (self.waiting.is_empty() && !self.is_busy)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some((picture, arrived)) = self.next() {
            self.publisher.check_owned(picture, arrived);
        }
    }

    /// The next picture; `None` once the relay has ended.
    fn next(&self) -> Option<(FrameBuffer, Monotonic)> {
        let mut state = self.lock();
        state.is_busy = false;
        loop {
            if state.has_ended {
                return None;
            }
            if let Some(next) = state.waiting.pop_front() {
                state.is_busy = true;
                return Some(next);
            }
            self.drained.notify(usize::MAX);
            state = self.news.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Subscriber;
    use crate::draw::TestCard;
    use crate::encode::JpegEncoder;
    use crate::frame::{BufferPool, Frame};
    use crate::picture::Chroma;
    use crate::source::test_camera::TestCamera;
    use std::sync::Barrier;
    use std::time::Duration;

    fn jpeg() -> Vec<u8> {
        let mut jpeg = BufferPool::default().take();
        let mut encoder = JpegEncoder::new(80, Chroma::Yuv420).unwrap();
        encoder.encode_planes(&TestCard::new("yard", 64, 48).draw(1, Duration::ZERO), &mut jpeg).unwrap();
        jpeg.to_vec()
    }

    #[test]
    fn good_pictures_are_published_and_damaged_ones_counted() {
        let (to, jpeg) = (TestCamera::default(), jpeg());
        let relay = Relay::start(&to.publisher).unwrap();
        smol::block_on(async {
            for picture in [&jpeg[..], &jpeg[..jpeg.len() / 2], &jpeg] {
                relay.push(picture, to.clock.now());
            }
            relay.drained().await;
        });
        assert_eq!((to.frames(), to.bad()), (2, 1));
        let (frame, _) = to.jpeg.newer_than(0).unwrap();
        assert_eq!((&*frame.jpeg, frame.width, frame.height), (&jpeg[..], 64, 48));
    }

    /// Blocks the publishing thread once.
    struct Slow(Barrier);

    impl Subscriber for Slow {
        fn deliver(&self, _: &Arc<Frame>, serial: u64) -> bool {
            if serial == 1 {
                self.0.wait();
                self.0.wait();
            }
            true
        }

        fn defer(&self, _: &Arc<Frame>, _: u64) {}

        fn end(&self) {}
    }

    #[test]
    fn push_never_waits_and_drops_the_oldest() {
        let (to, jpeg) = (TestCamera::default(), jpeg());
        let slow = Arc::new(Slow(Barrier::new(2)));
        let _viewer = to.subscribe(slow.clone());
        let relay = Relay::start(&to.publisher).unwrap();
        let at = |ms| Monotonic::since_zero(Duration::from_millis(ms));
        relay.push(&jpeg, at(0));
        slow.0.wait();
        for ms in 1..=RELAYED_PICTURES_MAX as u64 + 2 {
            relay.push(&jpeg, at(ms));
        }
        slow.0.wait();
        smol::block_on(relay.drained());
        assert_eq!((to.frames(), to.report_now().dropped), (1 + RELAYED_PICTURES_MAX as u64, 2));
        let (newest, _) = to.jpeg.newer_than(0).unwrap();
        assert_eq!(newest.captured, at(RELAYED_PICTURES_MAX as u64 + 2));
    }
}
