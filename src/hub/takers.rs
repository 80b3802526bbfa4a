//! Viewers that are sent a frame by the thread that publishes it.
//!
//! Whoever has just finished a frame has it in the cache of its core, and a socket that has room
//! takes it without waiting. Waking the serving thread for that would cost a switch between threads
//! for every frame, and the way to another core for its bytes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Hub;
use crate::frame::Frame;
use crate::limits;

/// Takes frames on the thread that publishes them.
pub trait Taker: Send + Sync {
    /// Sends the frame as far as that takes no waiting. `serial` counts what this hub published.
    fn take(&self, hub: &Hub, frame: &Arc<Frame>, serial: u64);

    /// Leaves the frame to the viewer's own task.
    fn leave(&self, hub: &Hub, frame: &Arc<Frame>, serial: u64);
}

/// Everybody who takes the frames of one hub.
#[derive(Default)]
pub(super) struct Takers {
    /// Replaced as a whole, so that nobody who comes or goes waits for a frame to be handed out.
    list: Mutex<Arc<Vec<Arc<dyn Taker>>>>,
}

impl Takers {
    fn list(&self) -> MutexGuard<'_, Arc<Vec<Arc<dyn Taker>>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, taker: Arc<dyn Taker>) {
        Arc::make_mut(&mut *self.list()).push(taker);
    }

    pub(super) fn remove(&self, taker: &Arc<dyn Taker>) {
        Arc::make_mut(&mut *self.list()).retain(|other| !Arc::ptr_eq(other, taker));
    }

    /// Delivers a frame to all viewers within [`limits::HAND_OUT_MAX`]; the serving thread does those
    /// that are not reached in time. Each frame begins with another viewer, so that none is always last.
    pub(super) fn hand_out(&self, hub: &Hub, frame: &Arc<Frame>, serial: u64) {
        let takers = self.list().clone();
        if takers.is_empty() {
            return;
        }
        let (before, after) = takers.split_at(serial as usize % takers.len());
        let until = hub.clock().now() + limits::HAND_OUT_MAX;
        let mut is_in_time = true;
        for taker in after.iter().chain(before) {
            is_in_time = is_in_time && hub.clock().now() < until;
            if is_in_time {
                taker.take(hub, frame, serial);
            } else {
                taker.leave(hub, frame, serial);
            }
        }
    }
}

impl fmt::Debug for Takers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Takers").field("count", &self.list().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Hand};
    use crate::frame::Kind;

    /// Who had a turn, what it was, and the number of the frame.
    type Turns = Arc<Mutex<Vec<(&'static str, &'static str, u64)>>>;

    /// Notes its turns, and takes its time.
    struct Noting {
        name: &'static str,
        hand: Hand,
        turns: Turns,
    }

    impl Taker for Noting {
        fn take(&self, _: &Hub, _: &Arc<Frame>, serial: u64) {
            self.hand.advance(limits::HAND_OUT_MAX * 2 / 3);
            self.turns.lock().unwrap().push((self.name, "takes", serial));
        }

        fn leave(&self, _: &Hub, _: &Arc<Frame>, serial: u64) {
            self.turns.lock().unwrap().push((self.name, "is left", serial));
        }
    }

    #[test]
    fn frames_are_handed_out_in_turn_and_within_the_time() {
        let (clock, hand) = Clock::manual();
        let hub = Hub::new(clock);
        let turns = Turns::default();
        let watch = |name| hub.watch_by(Arc::new(Noting { name, hand: hand.clone(), turns: turns.clone() }));
        let publish = || {
            hub.publish(Frame::new(hub.pool().take(), hub.clock(), hub.clock().now(), 4, 2, Kind::Card));
            std::mem::take(&mut *turns.lock().unwrap())
        };
        let (_a, b, _c) = (watch("a"), watch("b"), watch("c"));
        assert_eq!(publish(), [("b", "takes", 1), ("c", "takes", 1), ("a", "is left", 1)]);
        assert_eq!(publish(), [("c", "takes", 2), ("a", "takes", 2), ("b", "is left", 2)]);
        drop(b);
        assert_eq!(publish(), [("c", "takes", 3), ("a", "takes", 3)]);
    }
}
