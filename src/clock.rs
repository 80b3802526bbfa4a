//! The only source of time, so that it can be passed in.
//!
//! Frames carry [`Monotonic`] time, like the buffers of V4L2 drivers. Everything that waits takes a
//! [`Clock`]; tests use one that they advance by hand ([`Clock::manual`]).

use std::ops::{Add, Sub};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_listener::{Event, listener};
use rustix::time::{ClockId, clock_gettime};

/// A moment on `CLOCK_MONOTONIC`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Monotonic(Duration);

impl Monotonic {
    /// The moment at this time after the clock's zero.
    pub const fn since_zero(time: Duration) -> Self {
        Self(time)
    }

    /// The time since `earlier`, zero if that is later.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Self;

    fn add(self, more: Duration) -> Self {
        Self(self.0.saturating_add(more))
    }
}

impl Sub<Duration> for Monotonic {
    type Output = Self;

    fn sub(self, less: Duration) -> Self {
        Self(self.0.saturating_sub(less))
    }
}

/// Gives the time and waits for it.
#[derive(Debug, Clone)]
pub struct Clock(Inner);

#[derive(Debug, Clone)]
enum Inner {
    Kernel,
    Manual(Arc<Manual>),
}

#[derive(Debug)]
struct Manual {
    now: Mutex<Duration>,
    turned: Event,
}

/// Advances a manual clock.
#[derive(Debug, Clone)]
pub struct Hand(Arc<Manual>);

impl Clock {
    /// The kernel's clock.
    pub const fn kernel() -> Self {
        Self(Inner::Kernel)
    }

    /// A clock that stands still until it is advanced. Its wall time is its monotonic time.
    pub fn manual() -> (Self, Hand) {
        let manual = Arc::new(Manual { now: Mutex::new(Duration::from_secs(1000)), turned: Event::new() });
        (Self(Inner::Manual(manual.clone())), Hand(manual))
    }

    /// The current moment.
    pub fn now(&self) -> Monotonic {
        Monotonic(match &self.0 {
            Inner::Kernel => read(ClockId::Monotonic),
            Inner::Manual(manual) => *manual.lock(),
        })
    }

    /// Wall time of a moment, as the time since 1970. Wrong if the machine's date is wrong, so only for
    /// people and headers.
    pub fn unix_time(&self, moment: Monotonic) -> Duration {
        match &self.0 {
            Inner::Kernel => {
                let (wall, now) = (read(ClockId::Realtime), self.now());
                (wall + moment.since(now)).saturating_sub(now.since(moment))
            }
            Inner::Manual(_) => moment.0,
        }
    }

    /// Returns once this much time has passed.
    pub async fn sleep(&self, time: Duration) {
        self.sleep_until(self.now() + time).await;
    }

    /// Returns once the moment has come.
    pub async fn sleep_until(&self, moment: Monotonic) {
        match &self.0 {
            Inner::Kernel => {
                smol::Timer::after(moment.since(self.now())).await;
            }
            Inner::Manual(manual) => loop {
                listener!(manual.turned => turned);
                if *manual.lock() >= moment.0 {
                    return;
                }
                turned.await;
            },
        }
    }
}

impl Manual {
    fn lock(&self) -> MutexGuard<'_, Duration> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hand {
    /// Advances the clock.
    pub fn advance(&self, time: Duration) {
        *self.0.lock() += time;
        self.0.turned.notify(usize::MAX);
    }
}

fn read(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_wakes_waiters_on_time_and_none_early() {
        let (clock, hand) = Clock::manual();
        let begin = clock.now();
        smol::block_on(async {
            let mut sleep = Box::pin(clock.sleep(Duration::from_secs(5)));
            assert!(futures_lite::future::poll_once(&mut sleep).await.is_none());
            hand.advance(Duration::from_millis(4999));
            assert!(futures_lite::future::poll_once(&mut sleep).await.is_none());
            hand.advance(Duration::from_millis(1));
            sleep.await;
        });
        assert_eq!(clock.now().since(begin), Duration::from_secs(5));
    }

    #[test]
    fn wall_time_follows_the_monotonic_clock() {
        let clock = Clock::kernel();
        let now = clock.now();
        let apart = clock.unix_time(now + Duration::from_secs(2)).abs_diff(clock.unix_time(now));
        assert!(apart.abs_diff(Duration::from_secs(2)) < Duration::from_millis(500), "{apart:?}");
    }
}
