//! Notices that a live camera has stopped publishing pictures, whatever the cause.
//!
//! Each source has its own limits, and better reasons. This watchdog knows nothing of sources: it counts
//! published pictures. The limit depends on the camera, because one picture in five seconds is a valid rate:
//! more than [`STANDSTILL_DISTANCES`] times the longest recent interval between two pictures, but at least
//! [`STANDSTILL_MIN`] and at most [`STANDSTILL_MAX`]; and [`STANDSTILL_FIRST_MAX`] after only one picture.
//! The next picture makes the camera live again.

use std::time::Duration;

use futures_lite::future::or;

use crate::camera::lost::Lost;
use crate::camera::{Camera, State};
use crate::clock::Clock;
use crate::limits::{
    STANDSTILL_DISTANCES, STANDSTILL_FIRST_MAX, STANDSTILL_LATE, STANDSTILL_LOOK, STANDSTILL_MAX,
    STANDSTILL_MIN, STANDSTILL_REOPEN,
};

/// Watches an open camera's pictures. Does not return.
pub(super) async fn watch(camera: &Camera, clock: &Clock) {
    let mut stillness = Stillness::default();
    loop {
        camera.until(is_open).await;
        stillness.begin(camera.frames(), camera.bad());
        while is_open(camera) {
            let before = clock.now();
            clock.sleep(STANDSTILL_LOOK).await;
            let passed = clock.now().since(before);
            if passed > STANDSTILL_LATE {
                stillness.begin(camera.frames(), camera.bad());
                continue;
            }
            let Some(lost) = stillness.look(camera.frames(), camera.bad(), passed) else { continue };
            if camera.stand_still(stillness.frames, lost.clone()) {
                log::warn!("camera {}: lost: {lost}", camera.name());
            }
        }
    }
}

/// Returns once a camera has stood still for so long that reopening it is worth a try.
pub(super) async fn is_stuck(camera: &Camera, clock: &Clock) {
    loop {
        camera.until(stands_still).await;
        let reopens = or(
            async {
                clock.sleep(STANDSTILL_REOPEN).await;
                true
            },
            async {
                camera.until(|camera| !stands_still(camera)).await;
                false
            },
        );
        if reopens.await {
            return;
        }
    }
}

fn is_open(camera: &Camera) -> bool {
    camera.state() == State::Live || stands_still(camera)
}

fn stands_still(camera: &Camera) -> bool {
    matches!(camera.state(), State::Lost(Lost::StandsStill { .. }))
}

/// Measures the time without a picture by polling the frame counter.
#[derive(Debug, Default)]
struct Stillness {
    frames: u64,
    bad: u64,
    quiet: Duration,
    /// The longest recent interval between pictures, as far as polling can tell.
    distance: Option<Duration>,
}

impl Stillness {
    /// The camera has just become live. Known intervals may still apply.
    fn begin(&mut self, frames: u64, bad: u64) {
        (self.frames, self.bad, self.quiet) = (frames, bad, Duration::ZERO);
    }

    /// Polls after some time has passed; returns the reason if the camera stands still.
    fn look(&mut self, frames: u64, bad: u64, passed: Duration) -> Option<Lost> {
        self.quiet += passed;
        if frames != self.frames {
            let before = self.distance.unwrap_or_default();
            self.distance = Some(self.quiet.max(before.saturating_sub(before / 8)));
            self.begin(frames, bad);
            return None;
        }
        let (seconds, damaged) = (self.quiet.as_secs(), bad.saturating_sub(self.bad));
        (self.quiet > self.allowed()).then_some(Lost::StandsStill { seconds, damaged })
    }

    fn allowed(&self) -> Duration {
        self.distance.map_or(STANDSTILL_FIRST_MAX, |distance| {
            (distance * STANDSTILL_DISTANCES).clamp(STANDSTILL_MIN, STANDSTILL_MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Polls a camera that sends pictures at these milliseconds, for so many seconds. Returns when it was
    /// found to stand still, in seconds.
    fn looks(pictures: impl Fn(u64) -> bool, seconds: u64) -> Vec<u64> {
        let mut stillness = Stillness::default();
        let (mut frames, mut still) = (1, Vec::new());
        stillness.begin(frames, 0);
        for second in 1..=seconds {
            frames += (0..1000).filter(|ms| pictures((second - 1) * 1000 + ms)).count() as u64;
            if stillness.look(frames, 0, STANDSTILL_LOOK).is_some() {
                still.push(second);
            }
        }
        still
    }

    #[test]
    fn slow_cameras_do_not_stand_still() {
        for distance in [1, 40, 66, 500, 999, 1000, 1500, 2000, 5000, 7300, 10_000, 11_000] {
            let still = looks(|ms| ms % distance == distance - 1, 300);
            assert!(still.is_empty(), "one picture each {distance} ms: {still:?}");
        }
        // Every second or third picture is missing.
        assert!(looks(|ms| ms % 5000 == 0 && ms % 10_000 != 0, 300).is_empty());
        assert!(looks(|ms| ms % 1000 == 0 && ms % 4000 != 0, 300).is_empty());
    }

    #[test]
    fn a_camera_that_stops_is_detected() {
        let first = |pictures: &dyn Fn(u64) -> bool| looks(pictures, 120).first().copied();
        assert_eq!(first(&|ms| ms < 20_000 && ms % 66 == 0), Some(26), "15 a second");
        assert_eq!(first(&|ms| ms < 20_000 && ms % 2000 == 0), Some(26), "one in 2 s");
        assert_eq!(first(&|ms| ms < 20_000 && ms % 5000 == 0), Some(32), "one in 5 s");
        assert_eq!(first(&|_| false), Some(13), "one picture alone");
        assert!(first(&|ms| ms < 60_000 && ms % 15_000 == 14_000).is_some());
    }
}
