//! No more pictures a second than were asked for, from a camera that has a rate of its own.

use std::time::Duration;

use crate::clock::Monotonic;

/// Lets as many pictures through as a rate allows, evenly.
#[derive(Debug)]
pub struct RateLimit {
    fps: Option<u32>,
    due: Option<Monotonic>,
}

impl RateLimit {
    /// This many a second; `None` for all.
    pub fn new(fps: Option<u32>) -> Self {
        Self { fps, due: None }
    }

    /// The rate.
    pub fn fps(&self) -> Option<u32> {
        self.fps
    }

    /// Sets another rate.
    pub fn set(&mut self, fps: Option<u32>) {
        self.fps = fps;
    }

    /// Whether a picture of this moment is to be shown.
    pub fn admits(&mut self, at: Monotonic) -> bool {
        let Some(fps) = self.fps else { return true };
        let interval = Duration::from_secs(1) / fps.max(1);
        // Pictures arrive unevenly: a quarter too early is still on time.
        let due = self.due.unwrap_or(at);
        if at + interval / 4 < due {
            return false;
        }
        // The next one is due by the rate, not by when this one came, so that the mean is kept; but
        // what was missed is not made up for.
        self.due = Some((due + interval).max(at + interval / 4));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(fps: Option<u32>, camera_fps: u64, jitter_ms: u64) -> usize {
        let mut limit = RateLimit::new(fps);
        let moments =
            (0..10 * camera_fps).map(|n| n * 1000 / camera_fps + if n % 2 == 0 { jitter_ms } else { 0 });
        moments.filter(|ms| limit.admits(Monotonic::since_zero(Duration::from_millis(*ms)))).count()
    }

    #[test]
    fn the_mean_rate_is_the_one_asked_for() {
        assert_eq!(admitted(None, 25, 0), 250);
        for (fps, camera_fps, jitter, expected) in
            [(25, 25, 9, 250), (10, 25, 0, 100), (10, 30, 20, 100), (1, 25, 0, 10), (60, 25, 0, 250)]
        {
            let count = admitted(Some(fps), camera_fps, jitter);
            assert!(count.abs_diff(expected) <= 2, "{fps} of {camera_fps}: {count}");
        }
    }
}
