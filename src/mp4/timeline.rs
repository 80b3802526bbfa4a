//! When pictures are decoded, and for how long each is shown: out of the moments at which they arrived.
//!
//! A picture is sent at once, so that its duration is a forecast. The next one begins where it ends all the
//! same: a browser takes a gap for missing data, and an overlap for pictures to remove. Forecasts go by the
//! mean interval, and are shorter or longer as the timeline is ahead of the arrivals or behind. A pause of
//! the camera is not made up for: pictures that were shown longer afterwards would stay late.

use std::collections::VecDeque;
use std::time::Duration;

use super::TIMESCALE_HZ;
use crate::clock::Monotonic;

/// The interval until one is known, in ticks: 25 pictures a second.
const FIRST_INTERVAL: i64 = 3600;

/// Ticks of an interval, at least and at most: 240 pictures a second, and one in ten.
const INTERVAL_MIN: i64 = 375;
const INTERVAL_MAX: i64 = 900_000;

/// Intervals that the mean is taken of.
const MEAN_OF: i64 = 8;

/// An interval that counts for no more than this, in ticks, or so many mean ones: a pause.
const PAUSE: i64 = 22_500;
const PAUSE_INTERVALS: i64 = 4;

/// The part of its lead or lag by which the timeline is corrected with each picture. The correction shows
/// only after the slots that are fixed already, up to 20: 1/13 would swing.
const CORRECTION: i64 = 16;

/// Ticks between two arrivals that are believed: an hour.
const GAP_MAX: u128 = 3600 * TIMESCALE_HZ as u128;

/// The times of slots: pictures are decoded in one each, and shown in one each.
#[derive(Debug)]
pub(super) struct Timeline {
    interval: i64,
    /// Arrivals, up to [`MEAN_OF`].
    arrivals: i64,
    last: Option<Monotonic>,
    /// Ticks since the first arrival, without pauses.
    elapsed: i64,
    /// Times of slots that are fixed, from `first` on. There are as many as pictures are reordered by.
    slots: VecDeque<u64>,
    first: u64,
}

impl Default for Timeline {
    fn default() -> Self {
        let interval = FIRST_INTERVAL;
        Self { interval, arrivals: 0, last: None, elapsed: 0, slots: VecDeque::from([0]), first: 0 }
    }
}

impl Timeline {
    /// A picture has arrived that is decoded in this slot, which is later than those of pictures before it.
    pub fn arrive(&mut self, slot: u64, at: Monotonic) {
        if let Some(last) = self.last {
            self.measure(ticks(at.since(last)));
        }
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        let ahead = self.time(slot) as i64 - self.elapsed;
        if -ahead > PAUSE.max(2 * self.interval) {
            self.elapsed += ahead;
        }
        while self.first < slot && self.slots.len() > 1 {
            self.slots.pop_front();
            self.first += 1;
        }
    }

    /// The time of a slot that is not before that of the last arrival. Later than those of all before it.
    pub fn time(&mut self, slot: u64) -> u64 {
        loop {
            let at = slot.saturating_sub(self.first) as usize;
            match (self.slots.get(at), self.slots.back()) {
                (Some(time), _) => return *time,
                (None, Some(last)) => self.slots.push_back(last + self.step()),
                (None, None) => return 0,
            }
        }
    }

    /// Ticks from the last slot that is fixed to the next one.
    fn step(&self) -> u64 {
        let newest = self.slots.front().map_or(0, |time| *time as i64);
        let correction = (self.elapsed - newest) / CORRECTION;
        let step = (self.interval + correction).clamp(self.interval / 2, self.interval * 2);
        step.clamp(INTERVAL_MIN, INTERVAL_MAX) as u64
    }

    fn measure(&mut self, gap: i64) {
        self.elapsed = self.elapsed.saturating_add(gap);
        self.arrivals = (self.arrivals + 1).min(MEAN_OF);
        let gap = gap.min(PAUSE.max(PAUSE_INTERVALS * self.interval));
        self.interval += (gap - self.interval) / self.arrivals;
        self.interval = self.interval.clamp(INTERVAL_MIN, INTERVAL_MAX);
    }
}

fn ticks(time: Duration) -> i64 {
    (time.as_nanos() * u128::from(TIMESCALE_HZ) / 1_000_000_000).min(GAP_MAX) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times of pictures that arrive at these moments, in ms.
    fn times(arrivals: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut timeline = Timeline::default();
        let times = arrivals.into_iter().enumerate().map(|(slot, ms)| {
            timeline.arrive(slot as u64, Monotonic::since_zero(Duration::from_millis(1000 + ms)));
            let time = timeline.time(slot as u64);
            assert!(timeline.time(slot as u64 + 1) > time);
            time
        });
        times.collect()
    }

    #[test]
    fn regular_arrivals_have_regular_times() {
        let times = times((0..100).map(|n| 40 * n));
        assert!(times.iter().enumerate().all(|(n, time)| *time == 3600 * n as u64));
    }

    #[test]
    fn times_follow_another_rate_and_jitter_is_smoothed() {
        let times = times((0..1000).map(|n| 20 * n + if n % 2 == 0 { 15 } else { 0 }));
        let last = *times.last().unwrap();
        assert!(last.abs_diff(1800 * 999) < 900, "{last}");
        let (least, most) = times[200..].windows(2).fold((u64::MAX, 0), |(least, most), pair| {
            (least.min(pair[1] - pair[0]), most.max(pair[1] - pair[0]))
        });
        assert!(least > 1500 && most < 2100, "{least} to {most}");
    }

    #[test]
    fn a_pause_is_passed_over_and_equal_or_earlier_moments_do_no_harm() {
        let paused = times((0..100).map(|n| 40 * n + if n < 50 { 0 } else { 60_000 }));
        assert!(paused[99].abs_diff(3600 * 99) < 12_000, "{}", paused[99]);
        let backward = times((0..100).rev());
        assert_eq!(backward.windows(2).map(|pair| pair[1] - pair[0]).max(), Some(3600));
        assert_eq!(times([0; 100]).len(), 100);
    }

    #[test]
    fn slots_stay_few() {
        let mut timeline = Timeline::default();
        for slot in 0..1000 {
            timeline.arrive(slot, Monotonic::since_zero(Duration::from_secs(u64::MAX / 2)));
            timeline.time(slot + 16);
            assert!(timeline.slots.len() <= 17);
        }
    }
}
