//! Waits for conditions, each with a limit. Nothing here sleeps for a fixed time.

#![expect(clippy::disallowed_methods, reason = "the one place of the lab that reads the clock")]

use std::thread;
use std::time::{Duration, Instant};

use crate::{Outcome, Trouble};

/// For events that take a moment on a real machine. Emulated on a busy host, a moment can be long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The interval between two checks of a condition.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// Seconds since the start.
    pub fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }

    /// Whether more than this has passed.
    pub fn exceeds(self, limit: Duration) -> bool {
        self.0.elapsed() > limit
    }
}

/// Calls `look` until it succeeds. `what` describes the condition in the message at the limit; `look` may
/// give the reason for not succeeding yet.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> Outcome<T> {
    let watch = Stopwatch::start();
    loop {
        match look() {
            Ok(value) => return Ok(value),
            Err(why) if watch.exceeds(limit) => {
                let seconds = limit.as_secs();
                return Err(Trouble::Failed(format!("waited {seconds} s for {what}: {why}")));
            }
            Err(_) => thread::park_timeout(LOOK_INTERVAL),
        }
    }
}
