//! The waits before a lost camera is tried again.

use std::time::Duration;

use crate::limits::{RETRY_MAX, RETRY_MIN, RETRY_SOON, RETRY_SOON_MAX};
use crate::random::Random;

/// Waits that double from [`RETRY_MIN`] to [`RETRY_SOON_MAX`], and to [`RETRY_MAX`] once they add up to
/// [`RETRY_SOON`]. Each is up to a quarter shorter or longer at random, so that sixteen cameras behind one
/// switch are not all opened at the same moment.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    waited: Duration,
    random: Random,
}

impl Backoff {
    /// Starts with the shortest wait.
    pub fn new(seed: u64) -> Self {
        Self { next: RETRY_MIN, waited: Duration::ZERO, random: Random::new(seed) }
    }

    /// The wait before the next try.
    pub fn next(&mut self) -> Duration {
        let wait = self.next;
        self.waited += wait;
        let longest = if self.waited < RETRY_SOON { RETRY_SOON_MAX } else { RETRY_MAX };
        self.next = (self.next * 2).min(longest);
        // 768 to 1279 of 1024.
        let share = 768 + (self.random.number() % 512) as u32;
        wait * share / 1024
    }

    /// The camera worked, or something changed: start from the shortest wait again.
    pub fn reset(&mut self) {
        (self.next, self.waited) = (RETRY_MIN, Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_ceiling_and_scatter() {
        let mut backoff = Backoff::new(1);
        let mut is_about = |middle: u64| {
            let (wait, middle) = (backoff.next(), Duration::from_millis(middle));
            assert!(wait >= middle * 3 / 4 && wait <= middle * 5 / 4, "{wait:?} around {middle:?}");
        };
        [500, 1000].into_iter().for_each(&mut is_about);
        // Two minutes of waiting.
        (0..60).for_each(|_| is_about(2000));
        [4000, 8000, 8000, 8000].into_iter().for_each(&mut is_about);
        backoff.reset();
        assert!(backoff.next() <= RETRY_MIN * 5 / 4);
        let waits: Vec<_> = (0..9).map(|seed| Backoff::new(seed).next()).collect();
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }
}
