//! Viewers to which a frame is delivered by the thread that publishes it.
//!
//! Whoever has just finished a frame has it in the cache of its core, and a socket that has room
//! takes it without waiting. Waking the serving thread for that would cost a switch between threads
//! for every frame, and the way to another core for its bytes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::{Clock, Monotonic};
use crate::frame::Frame;
use crate::limits;

/// Gets frames on the thread that publishes them.
pub trait Subscriber: Send + Sync {
    /// Sends the frame as far as that takes no waiting. `serial` counts what the track published. True once
    /// all of it is sent.
    fn deliver(&self, frame: &Arc<Frame>, serial: u64) -> bool;

    /// Leaves the frame to the viewer's own task.
    fn defer(&self, frame: &Arc<Frame>, serial: u64);

    /// No frames come any more: wakes the viewer's own task.
    fn end(&self);
}

/// The subscribers of one track.
#[derive(Default)]
pub(super) struct Subscribers {
    /// Replaced as a whole, so that nobody who comes or goes waits for a frame to be delivered.
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

    /// Delivers a frame to all within [`limits::DELIVERY_MAX`]; the serving thread does those that are not
    /// reached in time. Each frame begins with another subscriber, so that none is always last. `delivered`
    /// gets the moment at which each of them had all of it.
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

    /// Who had a turn, what it was, and the number of the frame.
    type Turns = Arc<Mutex<Vec<(&'static str, &'static str, u64)>>>;

    /// Notes its turns, and takes its time.
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
