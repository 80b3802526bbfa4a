//! A rate that one viewer asked for.

use std::time::Duration;

use crate::clock::Monotonic;

/// Lets frames through at a rate.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    due: Option<Monotonic>,
}

impl Pace {
    /// At most this many frames per second.
    pub fn new(fps: f64) -> Self {
        Self { interval: Duration::from_secs_f64(1.0 / fps), due: None }
    }

    /// Whether a frame captured at this moment is to be sent. The next is due one interval after
    /// this one was due, so that the rate holds on average, but never in the past.
    pub fn is_due(&mut self, captured: Monotonic) -> bool {
        // A camera's own jitter must not cost every other frame.
        let slack = self.interval / 8;
        let due = self.due.unwrap_or(captured);
        if captured + slack < due {
            return false;
        }
        self.due = Some((due + self.interval).max(captured + slack));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_met_on_average_whatever_the_camera_gives() {
        for (camera, asked, expected) in
            [(30, 10.0, 100), (30, 20.0, 200), (25, 10.0, 100), (10, 30.0, 100), (30, 30.0, 300)]
        {
            let mut pace = Pace::new(asked);
            let sent = (0..camera * 10)
                .filter(|n| {
                    let jitter = (n * 7919 % 5) * 1000;
                    let at = Duration::from_micros(n * 1_000_000 / camera + jitter);
                    pace.is_due(Monotonic::since_zero(at))
                })
                .count();
            assert!(
                (expected..=expected + 2).contains(&sent) || expected - sent <= 2,
                "{camera} fps, {asked} asked: {sent}"
            );
        }
    }
}
