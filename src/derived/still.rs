//! A single picture of another size or quality.

use std::sync::Arc;

use super::Wanted;
use crate::camera::Camera;
use crate::encode::resize::{JpegResizer, Step};
use crate::frame::{Frame, FrameBuffer};
use crate::offload::BlockingPool;

/// Stills are made one at a time: each takes milliseconds, and memory for a whole picture.
static STILLS: BlockingPool = BlockingPool::new("resize a still", 1);

/// The wanted variant of a frame, or the frame itself if that fails.
pub async fn still(camera: &Arc<Camera>, frame: Arc<Frame>, wanted: Wanted) -> Arc<Frame> {
    let variant = wanted.variant(frame.width);
    let Some(quality) = variant.quality else { return frame };
    let (original, out) = (frame.clone(), camera.jpeg.pool().take());
    let made = STILLS.run(move || {
        let mut resizer = JpegResizer::new(quality).map_err(|error| error.to_string())?;
        resize(&mut resizer, variant.step, &original, out)
    });
    match made.await.map_err(|error| error.to_string()).flatten() {
        Ok(still) => Arc::new(still),
        Err(error) => {
            log::debug!("camera {}: no smaller picture: {error}", camera.name());
            frame
        }
    }
}

/// A frame of another size, captured at the same moment.
pub(super) fn resize(
    resizer: &mut JpegResizer,
    step: Step,
    frame: &Frame,
    mut out: FrameBuffer,
) -> Result<Frame, String> {
    let (width, height) = resizer.resize(&frame.jpeg, step, &mut out).map_err(|error| error.to_string())?;
    let (width, height) = (width as u32, height as u32);
    let Frame { captured, kind, unix_time, .. } = *frame;
    Ok(Frame { jpeg: out, captured, width, height, kind, unix_time })
}
