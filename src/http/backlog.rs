//! When to begin the next frame for a viewer that is slower than its stream.
//!
//! What the kernel holds unsent is bounded (`TCP_NOTSENT_LOWAT`), but between there and the viewer's
//! program lie bytes that nobody here can see: in flight, and in the viewer's own receive buffer. A
//! frame begun while these are the end of the frame before waits for them, and is old by that much
//! when it is shown. At 20 kB/s, a receive buffer of 45 kB is more than two seconds. So the next
//! frame is begun a little before they are gone, and is the newest at that moment.

use std::time::Duration;

use super::socket::Written;

/// The share of the unseen bytes that is waited for. The rest keeps the viewer's link busy while the
/// next frame is on its way.
const SHARE: f64 = 0.75;

/// The longest wait, whatever the estimate says.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// Of an estimate that is not seen again, this is left with each frame.
const DECAY: f64 = 0.9;

/// What is known of one viewer's connection.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Bytes that the connection takes at once when it is empty.
    capacity: f64,
}

impl Backlog {
    /// How long to wait before the next frame is begun, after one was written like this.
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
    fn a_viewer_that_keeps_up_is_never_waited_for() {
        let mut backlog = Backlog::default();
        assert_eq!(backlog.wait(&written(130_000, 0, 0)), Duration::ZERO);
    }

    #[test]
    fn the_wait_is_most_of_the_time_that_the_unseen_bytes_take() {
        let mut backlog = Backlog::default();
        // 80 kB in 4 s are 20 kB/s; 40 kB unseen take 2 s.
        assert_eq!(backlog.wait(&written(40_000, 80_000, 4000)), Duration::from_millis(1500));
        // The connection was not empty this time; what it takes when it is has not changed much.
        let wait = backlog.wait(&written(1_000, 80_000, 4000));
        assert_eq!(wait, Duration::from_millis(1350));
        assert_eq!(backlog.wait(&written(40_000, 1, 60_000)), WAIT_MAX);
    }
}
