//! Measures whether encoding keeps up with the camera.

use std::time::Duration;

/// Pictures before the first verdict.
const PICTURES_MIN: u32 = 8;

/// The fraction of the picture interval that encoding may take. Above it, any other load on the processor
/// delays a picture past the next one.
const SHARE_MAX: f64 = 0.8;

/// Compares encoding time with the picture interval, both averaged over about the last dozen.
#[derive(Debug, Default)]
pub struct Load {
    pictures: u32,
    encoding: f64,
    interval: f64,
}

impl Load {
    /// Counts a picture that took `encoding` and came `interval` after the previous one.
    pub fn count(&mut self, encoding: Duration, interval: Duration) {
        let weight = if self.pictures == 0 { 1.0 } else { 0.1 };
        self.pictures = self.pictures.saturating_add(1);
        self.encoding += weight * (encoding.as_secs_f64() - self.encoding);
        self.interval += weight * (interval.as_secs_f64() - self.interval);
    }

    /// How many threads the rate needs, 1 to `most`.
    pub fn threads(&self, most: usize) -> usize {
        if self.pictures < PICTURES_MIN || self.interval <= 0.0 {
            return 1;
        }
        let needed = (self.encoding / (self.interval * SHARE_MAX)).ceil();
        (needed as usize).clamp(1, most.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(encoding_ms: u64, interval_ms: u64, pictures: u32) -> usize {
        let mut load = Load::default();
        for _ in 0..pictures {
            load.count(Duration::from_millis(encoding_ms), Duration::from_millis(interval_ms));
        }
        load.threads(4)
    }

    #[test]
    fn as_many_threads_as_the_rate_needs() {
        assert_eq!(threads(2, 33, 50), 1);
        assert_eq!(threads(26, 33, 50), 1);
        assert_eq!(threads(30, 33, 50), 2);
        assert_eq!(threads(60, 33, 50), 3);
        assert_eq!(threads(900, 33, 50), 4);
        assert_eq!(threads(60, 33, 3), 1, "too early to tell");
        assert_eq!(threads(60, 0, 50), 1);
    }
}
