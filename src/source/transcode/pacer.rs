//! Spreads pictures that arrive in bursts evenly again.
//!
//! An encoder of B-frames sends a reference picture before those that are shown earlier. Servers send them
//! all at once, and so does a radio link now and then. Viewers would see three pictures in ten milliseconds
//! and then none for a hundred, and a browser shows one of the three.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Monotonic;

/// Pictures that the interval is measured over. One more than a multiple of 3 and 5; with bursts of 2 or 4
/// the interval is at most a fifteenth too long.
const WINDOW: usize = 16;

/// Least distance between pictures, in tenths of the camera's interval: below the whole interval, so that the
/// delay shrinks with each picture and ordinary jitter causes none.
const SHARE_TENTHS: u32 = 9;

/// The longest delay of a picture: enough to spread bursts of four at 25 per second.
pub(super) const HELD_MAX: Duration = Duration::from_millis(120);

/// The longest delay in intervals of the camera.
const HELD_MAX_INTERVALS: u32 = 3;

/// Decides when each picture is due.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    /// When the last pictures were ready, at most twice [`WINDOW`].
    ready: VecDeque<Monotonic>,
    due: Option<Monotonic>,
}

impl Pacer {
    /// The due time of a picture that became ready then: never earlier, never before the last picture, and at
    /// most [`HELD_MAX`] later.
    pub fn due(&mut self, ready: Monotonic) -> Monotonic {
        if self.ready.len() == 2 * WINDOW {
            self.ready.pop_front();
        }
        self.ready.push_back(ready);
        let earliest = ready.max(self.due.unwrap_or(ready).min(ready + HELD_MAX));
        let due = match (self.interval(), self.due) {
            (Some(interval), Some(last)) => {
                let latest = ready + HELD_MAX.min(interval * HELD_MAX_INTERVALS);
                earliest.max((last + interval * SHARE_TENTHS / 10).min(latest))
            }
            _ => earliest,
        };
        self.due = Some(due);
        due
    }

    /// Restarts the measurement after missing pictures.
    pub fn begin_anew(&mut self) {
        self.ready.clear();
    }

    /// The mean interval of the last pictures, or of those before if shorter: one gap is not a new rate.
    fn interval(&self) -> Option<Duration> {
        let mean = |last: usize| {
            let first = self.ready.get(last.checked_sub(WINDOW - 1)?)?;
            Some(self.ready.get(last)?.since(*first) / (WINDOW as u32 - 1))
        };
        let last = self.ready.len().checked_sub(1)?;
        let now = mean(last)?;
        Some(last.checked_sub(WINDOW).and_then(mean).map_or(now, |before| before.min(now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Monotonic {
        Monotonic::since_zero(Duration::from_millis(ms))
    }

    /// Pairs of ready and due times, in ms.
    fn spread(ready: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
        let mut pacer = Pacer::default();
        let due = |ms| (ms, pacer.due(at(ms)).since(at(0)).as_millis() as u64);
        ready.into_iter().map(due).collect()
    }

    fn held_max(due: &[(u64, u64)]) -> u64 {
        due.iter().map(|(ready, due)| due - ready).max().unwrap_or_default()
    }

    #[test]
    fn bursts_are_spread_evenly() {
        for (burst, held_below) in [(2, 40), (3, 80), (4, 121)] {
            let due = spread((0..400).map(|n| n / burst * burst * 40 + n % burst * 3));
            let steady = &due[50..];
            let gaps: Vec<u64> = steady.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
            assert!(gaps.iter().all(|gap| (28..=60).contains(gap)), "bursts of {burst}: {gaps:?}");
            assert!(held_max(steady) < held_below, "bursts of {burst}: {}", held_max(steady));
        }
    }

    #[test]
    fn an_even_stream_is_not_delayed() {
        assert_eq!(held_max(&spread((0..400).map(|n| n * 40))), 0);
        // A tenth of jitter causes no delay; more causes less than itself.
        assert_eq!(held_max(&spread((0..400).map(|n| n * 40 + n % 2 * 4))), 0);
        assert!(held_max(&spread((0..400).map(|n| n * 40 + n * 7 % 20))) <= 16);
    }

    #[test]
    fn the_delay_is_bounded_whatever_comes() {
        // A gap and then all at once, another rate, a stop, nonsense.
        let gap = (0..100).map(|n| n * 40 + if (40..60).contains(&n) { (60 - n) * 40 } else { 0 });
        let slower = (0..100).map(|n| 4000 + n * 200);
        let faster = (0..100).map(|n| 24_000 + n * 10);
        let later = (0..50).map(|n| 90_000 + n * 40);
        let due = spread(gap.chain(slower).chain(faster).chain(later));
        assert!(held_max(&due) <= HELD_MAX.as_millis() as u64);
        assert!(due.windows(2).all(|pair| pair[0].1 <= pair[1].1), "in order");
        assert_eq!(held_max(&due[280..]), 0, "steady again");
        assert_eq!(held_max(&due[320..]), 0, "steady again");
        let held = due[45..62].iter().filter(|(ready, due)| due > ready).count();
        assert!(held > 0, "what came at once was spread as far as it goes");
    }
}
