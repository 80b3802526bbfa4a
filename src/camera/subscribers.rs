//! Viewers that receive frames on the publishing thread.
//!
//! The thread that finished a frame has it in its core's cache, and a socket with room takes it without
//! waiting. Waking the serving thread instead would cost a context switch for every frame, and moving its
//! bytes to another core.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::{Clock, Monotonic};
use crate::frame::Frame;
use crate::limits;

/// Receives frames on the publishing thread.
pub trait Subscriber: Send + Sync {
    /// Sends as much of the frame as fits without waiting. `serial` is the frame's number in the track.
    /// Returns true if all of it was sent.
    fn deliver(&self, frame: &Arc<Frame>, serial: u64) -> bool;

    /// Leaves the frame to the viewer's task.
    fn defer(&self, frame: &Arc<Frame>, serial: u64);

    /// Wakes the viewer's task: no more frames come.
    fn end(&self);
}

/// The subscribers of one track.
#[derive(Default)]
pub(super) struct Subscribers {
    /// Replaced as a whole, so that viewers come and go without waiting for a delivery.
    list: Mutex<Arc<Vec<Arc<dyn Subscriber>>>>,
}

impl Subscribers {
    fn list(&self) -> MutexGuard<'_, Arc<Vec<Arc<dyn Subscriber>>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, subscriber: Arc<dyn Subscriber>) {
        Arc::make_mut(&mut *self.list()).push(subscriber);
    }

    pub(super) fn remove(&self, subscriber: &Arc<dyn Subscriber>) {
        Arc::make_mut(&mut *self.list()).retain(|other| !Arc::ptr_eq(other, subscriber));
    }

    pub(super) fn end(&self) {
        for subscriber in self.list().clone().iter() {
            subscriber.end();
        }
    }

    /// Delivers a frame to all subscribers within [`limits::DELIVERY_MAX`]; the serving thread does those not
    /// reached in time. Each frame starts with another subscriber, so that none is always last. `delivered`
    /// gets the time at which each of them had all of it.
    pub(super) fn deliver(
        &self,
        frame: &Arc<Frame>,
        serial: u64,
        clock: &Clock,
        mut delivered: impl FnMut(Monotonic),
    ) {
        let subscribers = self.list().clone();
        if subscribers.is_empty() {
            return;
        }
        let (before, after) = subscribers.split_at(serial as usize % subscribers.len());
        let mut now = clock.now();
        let until = now + limits::DELIVERY_MAX;
        for subscriber in after.iter().chain(before) {
            if now >= until {
                subscriber.defer(frame, serial);
                continue;
            }
            let is_whole = subscriber.deliver(frame, serial);
            now = clock.now();
            if is_whole {
                delivered(now);
            }
        }
    }
}

impl fmt::Debug for Subscribers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscribers").field("count", &self.list().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::Camera;
    use crate::clock::Hand;
    use crate::frame::Kind;

    /// Which subscriber had a turn, what it did, and the frame's number.
    type Turns = Arc<Mutex<Vec<(&'static str, &'static str, u64)>>>;

    /// Records its turns, and takes its time.
    struct Noting {
        name: &'static str,
        hand: Hand,
        turns: Turns,
    }

    impl Subscriber for Noting {
        fn deliver(&self, _: &Arc<Frame>, serial: u64) -> bool {
            self.hand.advance(limits::DELIVERY_MAX * 2 / 3);
            self.turns.lock().unwrap().push((self.name, "gets it", serial));
            true
        }

        fn defer(&self, _: &Arc<Frame>, serial: u64) {
            self.turns.lock().unwrap().push((self.name, "is deferred", serial));
        }

        fn end(&self) {
            self.turns.lock().unwrap().push((self.name, "ends", 0));
        }
    }

    #[test]
    fn frames_are_delivered_in_turn_and_within_the_time() {
        let (clock, hand) = Clock::manual();
        let camera = Camera::on_demand("yard");
        let turns = Turns::default();
        let watch =
            |name| camera.subscribe(Arc::new(Noting { name, hand: hand.clone(), turns: turns.clone() }));
        let publish = || {
            let buffer = camera.jpeg.pool().take();
            camera.publish(Frame::new(buffer, &clock, clock.now(), 4, 2, Kind::Picture), &clock);
            std::mem::take(&mut *turns.lock().unwrap())
        };
        let (_a, b, _c) = (watch("a"), watch("b"), watch("c"));
        assert_eq!(publish(), [("b", "gets it", 1), ("c", "gets it", 1), ("a", "is deferred", 1)]);
        assert_eq!(publish(), [("c", "gets it", 2), ("a", "gets it", 2), ("b", "is deferred", 2)]);
        drop(b);
        assert_eq!(publish(), [("c", "gets it", 3), ("a", "gets it", 3)]);
        camera.end();
        assert_eq!(std::mem::take(&mut *turns.lock().unwrap()), [("a", "ends", 0), ("c", "ends", 0)]);
        let latency = camera.report(clock.now()).latency.unwrap();
        assert_eq!((latency.count, latency.p50), (6, limits::DELIVERY_MAX * 2 / 3));
    }
}
