//! Limits the rate of a camera or of one viewer.

use std::time::Duration;

use crate::clock::Monotonic;

/// Admits pictures at a limited rate, evenly.
#[derive(Debug)]
pub struct RateLimit {
    fps: Option<f64>,
    due: Option<Monotonic>,
}

impl RateLimit {
    /// A limit above 0 per second; `None` for all pictures.
    pub fn new(fps: Option<f64>) -> Self {
        Self { fps, due: None }
    }

    /// The rate.
    pub fn fps(&self) -> Option<f64> {
        self.fps
    }

    /// Changes the rate.
    pub fn set(&mut self, fps: Option<f64>) {
        self.fps = fps;
    }

    /// Whether to show a picture of this moment.
    pub fn admits(&mut self, at: Monotonic) -> bool {
        let Some(interval) = self.fps.map(|fps| Duration::from_secs_f64(1.0 / fps)) else { return true };
        // Pictures arrive unevenly: a quarter too early is still on time.
        let due = self.due.unwrap_or(at);
        if at + interval / 4 < due {
            return false;
        }
        // The next is due by the rate, not by the arrival of this one, so that the mean is right; missed
        // pictures are not made up for.
        self.due = Some((due + interval).max(at + interval / 4));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pictures of ten seconds are admitted; `jitter` gives each picture's delay by its number.
    fn admitted(fps: Option<f64>, camera_fps: u64, jitter: impl Fn(u64) -> Duration) -> usize {
        let mut limit = RateLimit::new(fps);
        let moments =
            (0..10 * camera_fps).map(|n| Duration::from_micros(n * 1_000_000 / camera_fps) + jitter(n));
        moments.filter(|at| limit.admits(Monotonic::since_zero(*at))).count()
    }

    #[test]
    fn the_mean_rate_is_the_limit() {
        let every_other = |ms| move |n| Duration::from_millis(if n % 2 == 0 { ms } else { 0 });
        assert_eq!(admitted(None, 25, every_other(0)), 250);
        for (fps, camera_fps, jitter, expected) in [
            (25.0, 25, 9, 250),
            (10.0, 25, 0, 100),
            (10.0, 30, 20, 100),
            (1.0, 25, 0, 10),
            (0.5, 25, 0, 5),
            (60.0, 25, 0, 250),
        ] {
            let count = admitted(Some(fps), camera_fps, every_other(jitter));
            assert!(count.abs_diff(expected) <= 2, "{fps} of {camera_fps}: {count}");
        }
        let scattered = |n| Duration::from_micros(n * 7919 % 5 * 1000);
        for (camera_fps, fps, expected) in
            [(30, 10.0, 100), (30, 20.0, 200), (25, 10.0, 100), (10, 30.0, 100), (30, 30.0, 300)]
        {
            let count = admitted(Some(fps), camera_fps, scattered);
            assert!(count.abs_diff(expected) <= 2, "{fps} of {camera_fps}: {count}");
        }
    }
}
