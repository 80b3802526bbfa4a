//! Waits for a result, with a limit.

use std::time::Duration;

use pinhole::clock::Clock;

const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Repeats `look` until it returns something.
///
/// # Panics
/// If there is nothing within `limit`.
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let clock = Clock::kernel();
    let begin = clock.now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(clock.now().since(begin) < limit, "not within {limit:?}: {what}");
        smol::block_on(clock.sleep(LOOK_EVERY));
    }
}
