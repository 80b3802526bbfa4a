//! Measures a camera's rate and its latency from its last frames.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Monotonic;

/// Frames that the rate is computed from.
const RATE_FRAMES_MAX: usize = 64;

/// Older frames do not count for the current rate.
const RATE_WINDOW: Duration = Duration::from_secs(3);

/// Deliveries that the quantiles are computed from.
const LATENCY_SAMPLES_MAX: usize = 512;

/// Frames per second, over the last [`RATE_FRAMES_MAX`] frames of the last [`RATE_WINDOW`].
#[derive(Debug, Default)]
pub struct RateMeter {
    at: VecDeque<Monotonic>,
}

impl RateMeter {
    /// Counts a frame.
    pub fn count(&mut self, at: Monotonic) {
        if self.at.len() == RATE_FRAMES_MAX {
            self.at.pop_front();
        }
        self.at.push_back(at);
    }

    /// Frames per second; `None` if there are too few.
    pub fn per_second(&self, now: Monotonic) -> Option<f64> {
        let recent = || self.at.iter().filter(|at| now.since(**at) <= RATE_WINDOW);
        let (first, last) = (recent().next()?, recent().next_back()?);
        let seconds = last.since(*first).as_secs_f64();
        (seconds > 0.0).then(|| (recent().count() - 1) as f64 / seconds)
    }
}

/// Two quantiles of the last samples, and the sum of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// The median.
    pub p50: Duration,
    /// 99 of 100 are at most this.
    pub p99: Duration,
    /// Number of all samples.
    pub count: u64,
    /// Their sum.
    pub sum: Duration,
}

/// The latencies of the last [`LATENCY_SAMPLES_MAX`] deliveries.
#[derive(Debug, Clone, Default)]
pub struct LatencyMeter {
    samples: Vec<Duration>,
    next: usize,
    count: u64,
    sum: Duration,
}

impl LatencyMeter {
    /// Counts a delivery.
    pub fn count(&mut self, latency: Duration) {
        self.count += 1;
        self.sum = self.sum.saturating_add(latency);
        if self.samples.len() < LATENCY_SAMPLES_MAX {
            self.samples.push(latency);
        } else {
            self.samples[self.next] = latency;
            self.next = (self.next + 1) % LATENCY_SAMPLES_MAX;
        }
    }

    /// The quantiles; `None` before the first delivery.
    pub fn quantiles(&self) -> Option<Latency> {
        let mut sorted = self.samples.clone();
        sorted.sort_unstable();
        let at = |share: usize| sorted.get((sorted.len().checked_sub(1)?) * share / 100).copied();
        Some(Latency { p50: at(50)?, p99: at(99)?, count: self.count, sum: self.sum })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_last_samples() {
        let mut meter = LatencyMeter::default();
        assert_eq!(meter.quantiles(), None);
        for ms in 0..10_000 {
            meter.count(Duration::from_millis(ms));
        }
        let latency = meter.quantiles().unwrap();
        assert!((9_700..=9_760).contains(&latency.p50.as_millis()), "{latency:?}");
        assert!((9_990..=9_999).contains(&latency.p99.as_millis()), "{latency:?}");
        assert_eq!((latency.count, latency.sum), (10_000, Duration::from_secs(49_995)));
    }

    #[test]
    fn the_rate_forgets_old_frames() {
        let mut meter = RateMeter::default();
        let at = |ms| Monotonic::since_zero(Duration::from_millis(ms));
        assert_eq!(meter.per_second(at(0)), None);
        for n in 0..20 {
            meter.count(at(n * 50));
        }
        assert!((meter.per_second(at(1000)).unwrap() - 20.0).abs() < 0.01);
        assert_eq!(meter.per_second(at(9000)), None);
    }
}
