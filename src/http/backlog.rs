//! When to start the next frame for a viewer that is slower than its stream.
//!
//! The kernel's unsent bytes are bounded (`TCP_NOTSENT_LOWAT`), but beyond them lie bytes that this side
//! cannot see: in flight, and in the viewer's own receive buffer. A frame started while these still belong to
//! the frame before waits behind them, and is that much older when it is shown. At 20 kB/s, a receive buffer
//! of 45 kB is more than two seconds. So the next frame is started a little before they are gone, and is the
//! newest at that moment.

use std::time::Duration;

use super::socket::Written;

/// The share of the unseen bytes to wait for. The rest keeps the viewer's link busy while the next frame is
/// on its way.
const SHARE: f64 = 0.75;

/// The longest wait, whatever the estimate says.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// How much of an estimate remains with each frame that does not confirm it.
const DECAY: f64 = 0.9;

/// The estimate for one viewer's connection.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Bytes that an empty connection accepts at once.
    capacity: f64,
}

impl Backlog {
    /// How long to wait before the next frame, after one was written like this.
    pub fn wait(&mut self, written: &Written) -> Duration {
        self.capacity = (self.capacity * DECAY).max(written.at_once as f64);
        let (bytes, seconds) = (written.after_waiting as f64, written.waited.as_secs_f64());
        if bytes <= 0.0 || seconds <= 0.0 {
            return Duration::ZERO;
        }
        let rate = bytes / seconds;
        Duration::try_from_secs_f64(SHARE * self.capacity / rate).unwrap_or(WAIT_MAX).min(WAIT_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(at_once: usize, after_waiting: usize, waited_ms: u64) -> Written {
        Written { at_once, after_waiting, waited: Duration::from_millis(waited_ms) }
    }

    #[test]
    fn a_viewer_that_keeps_up_causes_no_wait() {
        let mut backlog = Backlog::default();
        assert_eq!(backlog.wait(&written(130_000, 0, 0)), Duration::ZERO);
    }

    #[test]
    fn the_wait_is_most_of_the_time_that_the_unseen_bytes_take() {
        let mut backlog = Backlog::default();
        // 80 kB in 4 s are 20 kB/s; 40 kB unseen take 2 s.
        assert_eq!(backlog.wait(&written(40_000, 80_000, 4000)), Duration::from_millis(1500));
        // The connection was not empty this time; the estimate of its capacity hardly changes.
        let wait = backlog.wait(&written(1_000, 80_000, 4000));
        assert_eq!(wait, Duration::from_millis(1350));
        assert_eq!(backlog.wait(&written(40_000, 1, 60_000)), WAIT_MAX);
    }
}
