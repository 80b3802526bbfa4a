//! Feeds one derived track from its camera's pictures.

use std::sync::Arc;

use futures_lite::future::or;

use super::still::resize;
use super::{Derived, Variant};
use crate::camera::{Camera, Track};
use crate::clock::Clock;
use crate::encode::resize::JpegResizer;
use crate::frame::Frame;
use crate::limits::DERIVED_LINGER;

pub(super) struct Feeder {
    camera: Arc<Camera>,
    track: Arc<Track>,
    variant: Variant,
    clock: Clock,
}

/// What the feeder waits for.
enum Next {
    Frame(Arc<Frame>, u64),
    Unwanted,
    /// The camera was removed.
    Ended,
}

impl Feeder {
    pub fn new(camera: &Arc<Camera>, track: &Arc<Track>, variant: Variant, clock: &Clock) -> Self {
        Self { camera: camera.clone(), track: track.clone(), variant, clock: clock.clone() }
    }

    /// Feeds the track until it has no viewers, or the camera's pictures are of another size.
    pub fn run(self, derived: &Derived) {
        let mut resizer = None;
        let mut seen = 0;
        loop {
            match smol::block_on(self.next(seen)) {
                Next::Frame(frame, serial) => {
                    if frame.width != self.variant.width {
                        return;
                    }
                    seen = serial;
                    let frame = self.make(&mut resizer, &frame);
                    self.camera.publish_derived(&self.track, &frame, &self.clock);
                }
                Next::Unwanted if derived.end(&self.track, true) => return,
                Next::Unwanted => {}
                Next::Ended => return,
            }
        }
    }

    pub fn track(&self) -> &Arc<Track> {
        &self.track
    }

    async fn next(&self, seen: u64) -> Next {
        let frame = async {
            let (frame, serial) = self.camera.jpeg.newer(seen).await;
            Next::Frame(frame, serial)
        };
        let unwanted = async {
            loop {
                self.camera.until(|_| self.track.viewers() == 0).await;
                // A page that is loaded again is back within a moment.
                let is_back = or(
                    async {
                        self.clock.sleep(DERIVED_LINGER).await;
                        false
                    },
                    async {
                        self.camera.until(|_| self.track.viewers() > 0).await;
                        true
                    },
                );
                if !is_back.await {
                    return Next::Unwanted;
                }
            }
        };
        let ended = async {
            self.camera.until(|camera| camera.jpeg.has_ended()).await;
            // The last frame, a card that says so, is passed on first.
            if self.camera.jpeg.newer_than(seen).is_some() {
                std::future::pending().await
            } else {
                Next::Ended
            }
        };
        or(frame, or(ended, unwanted)).await
    }

    /// The variant of a frame, or the frame itself if that fails: too large is better than nothing.
    fn make(&self, resizer: &mut Option<JpegResizer>, frame: &Arc<Frame>) -> Arc<Frame> {
        let Some(quality) = self.variant.quality else { return frame.clone() };
        self.resize(resizer, quality, frame).map_or_else(
            |error| {
                log::debug!("camera {}: no smaller picture: {error}", self.camera.name());
                frame.clone()
            },
            Arc::new,
        )
    }

    fn resize(&self, resizer: &mut Option<JpegResizer>, quality: u8, frame: &Frame) -> Result<Frame, String> {
        let resizer = match resizer {
            Some(resizer) => resizer,
            None => resizer.insert(JpegResizer::new(quality).map_err(|error| error.to_string())?),
        };
        resize(resizer, self.variant.step, frame, self.track.pool().take())
    }
}
