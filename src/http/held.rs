//! Pictures that slow clients keep in memory, under a common ceiling.
//!
//! A client that reads a picture bit by bit keeps it in memory up to the last byte, long after newer ones
//! have replaced it. Each slow client may hold another picture, so their number alone does not bound the
//! memory. If they hold too much together, the client whose picture costs the most memory times time is cut
//! off: one that hardly reads its large pictures, not one with an ordinary picture on a slow link.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_lite::future::{or, poll_once};
use smol::channel::{self, Receiver, Sender};

use crate::clock::{Clock, Monotonic};
use crate::frame::Frame;
use crate::limits;
use crate::mp4::Fragment;

/// The pictures that clients have not accepted at once.
#[derive(Debug, Default)]
pub struct Held {
    holds: Mutex<Vec<Hold>>,
}

/// A picture in memory that several clients may hold.
#[derive(Debug, Clone, Copy)]
pub struct Shared {
    address: usize,
    bytes: usize,
}

impl From<&Arc<Frame>> for Shared {
    fn from(frame: &Arc<Frame>) -> Self {
        Self { address: Arc::as_ptr(frame).addr(), bytes: frame.jpeg.len() }
    }
}

impl From<&Arc<Fragment>> for Shared {
    fn from(fragment: &Arc<Fragment>) -> Self {
        Self { address: Arc::as_ptr(fragment).addr(), bytes: fragment.bytes.len() }
    }
}

/// One client's hold on a picture.
#[derive(Debug)]
struct Hold {
    /// Unique, and greater than those of earlier holds.
    number: u64,
    picture: Shared,
    since: Monotonic,
    /// Dropped with the hold, which wakes the client's task.
    _alive: Sender<Infallible>,
}

impl Hold {
    /// Its cost so far: bytes times microseconds.
    fn cost(&self, now: Monotonic) -> u128 {
        self.picture.bytes as u128 * now.since(self.since).as_micros()
    }
}

impl Held {
    fn holds(&self) -> MutexGuard<'_, Vec<Hold>> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a picture by `sending`, and counts it as held while that has to wait.
    ///
    /// # Errors
    /// Those of `sending`; `TimedOut` if others need the memory.
    pub async fn while_sending<T>(
        &self,
        picture: impl Into<Shared>,
        clock: &Clock,
        sending: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        let mut sending = pin!(sending);
        if let Some(sent) = poll_once(sending.as_mut()).await {
            return sent;
        }
        let (number, cut_off) = self.enter(picture.into(), clock.now());
        let _place = Place { held: self, number };
        or(sending, async {
            // Never receives; ends when the hold is dropped.
            let _ = cut_off.recv().await;
            Err(io::Error::new(io::ErrorKind::TimedOut, "slow clients held too many old pictures"))
        })
        .await
    }

    fn enter(&self, picture: Shared, now: Monotonic) -> (u64, Receiver<Infallible>) {
        let (alive, cut_off) = channel::bounded(1);
        let mut holds = self.holds();
        let number = holds.last().map_or(0, |last| last.number + 1);
        holds.push(Hold { number, picture, since: now, _alive: alive });
        while bytes_of(&holds) > limits::HELD_MAX_BYTES {
            let costs = holds.iter().map(|hold| (hold.cost(now), Reverse(hold.number)));
            let Some(dearest) = costs.enumerate().max_by_key(|(_, cost)| *cost).map(|(at, _)| at) else {
                break;
            };
            holds.remove(dearest);
        }
        (number, cut_off)
    }
}

/// Bytes of the pictures held, each counted once.
fn bytes_of(holds: &[Hold]) -> usize {
    let pictures: HashMap<usize, usize> =
        holds.iter().map(|hold| (hold.picture.address, hold.picture.bytes)).collect();
    pictures.values().sum()
}

/// Ends a hold on drop.
struct Place<'a> {
    held: &'a Held,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.held.holds().retain(|hold| hold.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use futures_lite::future::yield_now;
    use smol::{LocalExecutor, Task};

    use super::*;
    use crate::frame::{BufferPool, Kind};

    fn frame(clock: &Clock, bytes: usize) -> Arc<Frame> {
        let mut jpeg = BufferPool::default().take();
        jpeg.writable(bytes);
        jpeg.set_len(bytes);
        Arc::new(Frame::new(jpeg, clock, clock.now(), 4, 2, Kind::Picture))
    }

    /// A client that starts to read this frame and never finishes.
    fn stuck(
        executor: &LocalExecutor<'static>,
        held: &Arc<Held>,
        clock: &Clock,
        frame: Arc<Frame>,
    ) -> Task<io::Result<()>> {
        let (held, clock) = (held.clone(), clock.clone());
        let task = executor.spawn(async move { held.while_sending(&frame, &clock, pending()).await });
        while executor.try_tick() {}
        task
    }

    #[test]
    fn slow_clients_together_stay_below_the_ceiling() {
        const PICTURE: usize = 6 << 20;
        let (clock, hand) = Clock::manual();
        let (executor, held) = (LocalExecutor::new(), Arc::new(Held::default()));
        let honest = stuck(&executor, &held, &clock, frame(&clock, 300_000));
        let mut takers = Vec::new();
        for _ in 0..60 {
            hand.advance(Duration::from_millis(500));
            takers.push(stuck(&executor, &held, &clock, frame(&clock, PICTURE)));
        }
        while executor.try_tick() {}
        let kept = takers.iter().filter(|taker| !taker.is_finished()).count();
        assert_eq!(kept, (limits::HELD_MAX_BYTES - 300_000) / PICTURE);
        assert!(takers.iter().rev().take(kept).all(|taker| !taker.is_finished()), "the oldest are cut off");
        assert!(!honest.is_finished(), "a small picture on a slow line is not what fills the memory");
        assert_eq!(bytes_of(&held.holds()), kept * PICTURE + 300_000);
        let error = smol::block_on(takers.remove(0)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop((takers, honest));
        while executor.try_tick() {}
        assert!(held.holds().is_empty(), "who goes away holds nothing");
    }

    #[test]
    fn a_frame_held_by_many_counts_once() {
        let (clock, _hand) = Clock::manual();
        let (executor, held) = (LocalExecutor::new(), Arc::new(Held::default()));
        let shared = frame(&clock, limits::HELD_MAX_BYTES / 2);
        let takers: Vec<_> = (0..50).map(|_| stuck(&executor, &held, &clock, shared.clone())).collect();
        assert!(takers.iter().all(|taker| !taker.is_finished()));
    }

    #[test]
    fn a_frame_accepted_at_once_is_not_held() {
        let (clock, _hand) = Clock::manual();
        let held = Held::default();
        let frame = frame(&clock, 9);
        smol::block_on(async {
            assert_eq!(held.while_sending(&frame, &clock, async { Ok(7) }).await.unwrap(), 7);
            let waits_once = async {
                yield_now().await;
                Ok(held.holds().len())
            };
            assert_eq!(held.while_sending(&frame, &clock, waits_once).await.unwrap(), 1);
        });
        assert!(held.holds().is_empty());
    }
}
