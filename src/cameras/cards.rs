//! Shows the viewers of a lost camera a card with the reason, once a second.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures_lite::future::{or, yield_now};

use crate::camera::Camera;
use crate::camera::lost::Lost;
use crate::clock::Clock;
use crate::draw;
use crate::encode::{EncodeError, JpegEncoder};
use crate::frame::{BufferPool, Frame, FrameBuffer, Kind};
use crate::limits;
use crate::offload::BlockingPool;
use crate::picture::Chroma;

const DEFAULT_SIZE: (u32, u32) = (1280, 720);
const QUALITY: u8 = 85;

/// One card at a time: each needs 3 MB while it is drawn, and they are due only once a second.
static DRAWING: BlockingPool = BlockingPool::new("draw a card", 1);

/// Publishes cards while there is a reason for no picture and a viewer. Does not return.
pub async fn show(camera: &Arc<Camera>, clock: &Clock) {
    loop {
        camera.until(|camera| camera.jpeg_viewers() > 0 && camera.has_reason()).await;
        let (state, Some(reason)) = (camera.state(), camera.report(clock.now()).reason()) else {
            // The state changed in between; the task that changed it may need a turn.
            yield_now().await;
            continue;
        };
        let (of, with) = (camera.clone(), clock.clone());
        match DRAWING.run(move || draw_card(&of, &reason, &with)).await {
            // The camera may have come back while the card was drawn.
            Ok(Ok(card)) if camera.has_reason() => {
                camera.publish(card, clock);
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => log::error!("camera {}: no card: {error}", camera.name()),
            Err(error) => log::error!("camera {}: no card: {error}", camera.name()),
        }
        let changed = camera.listen();
        or(clock.sleep(limits::CARD_INTERVAL), async {
            if camera.state() == state {
                changed.await;
            }
        })
        .await;
    }
}

/// Shows the viewers of a removed camera a last card, and ends the camera.
pub async fn say_goodbye(camera: &Arc<Camera>, clock: &Clock) {
    if camera.viewers() > 0 {
        let (of, reason, with) = (camera.clone(), Lost::Removed.to_string(), clock.clone());
        match DRAWING.run(move || draw_card(&of, &reason, &with)).await {
            Ok(Ok(card)) => {
                camera.publish(card, clock);
            }
            Ok(Err(error)) => log::error!("camera {}: no card: {error}", camera.name()),
            Err(error) => log::error!("camera {}: no card: {error}", camera.name()),
        }
    }
    camera.end();
}

/// A card that says `why` this camera gives no picture, for a request for a single picture. While the camera
/// is lost, requests within the same [`limits::CARD_INTERVAL`] share a card.
///
/// # Errors
/// Why the card could not be drawn.
pub async fn card(camera: &Arc<Camera>, why: &str, clock: &Clock) -> io::Result<Arc<Frame>> {
    let (camera, reason, clock) = (camera.clone(), why.to_owned(), clock.clone());
    DRAWING
        .run(move || {
            if let Some(card) = camera.card().filter(|card| is_recent(card, &clock)) {
                return Ok(card);
            }
            let card = Arc::new(draw_card(&camera, &reason, &clock)?);
            camera.keep_card(card.clone());
            Ok(card)
        })
        .await?
        .map_err(|error: EncodeError| io::Error::other(error))
}

/// The card for viewers while there is no camera at all; they share it.
#[derive(Debug, Default)]
pub struct NoCamera {
    newest: Arc<Mutex<Option<Arc<Frame>>>>,
    pool: BufferPool,
}

impl NoCamera {
    /// The current second's card.
    ///
    /// # Errors
    /// Why it could not be drawn.
    pub async fn card(&self, clock: &Clock) -> io::Result<Arc<Frame>> {
        let (newest, memory, clock) = (self.newest.clone(), self.pool.take(), clock.clone());
        DRAWING
            .run(move || {
                let mut newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(card) = newest.as_ref().filter(|card| is_recent(card, &clock)) {
                    return Ok(card.clone());
                }
                let reason = Lost::NoCamera.to_string();
                let card = Arc::new(draw("no camera", &reason, DEFAULT_SIZE, memory, &clock)?);
                *newest = Some(card.clone());
                Ok(card)
            })
            .await?
            .map_err(|error: EncodeError| io::Error::other(error))
    }
}

fn is_recent(card: &Frame, clock: &Clock) -> bool {
    clock.now().since(card.captured) < limits::CARD_INTERVAL
}

fn draw_card(camera: &Camera, reason: &str, clock: &Clock) -> Result<Frame, EncodeError> {
    let opened = camera.report(clock.now()).opened;
    let size = opened.map_or(DEFAULT_SIZE, |opened| (opened.width, opened.height));
    draw(camera.name(), reason, size, camera.jpeg.pool().take(), clock)
}

fn draw(
    name: &str,
    reason: &str,
    (width, height): (u32, u32),
    mut memory: FrameBuffer,
    clock: &Clock,
) -> Result<Frame, EncodeError> {
    let now = clock.now();
    let (title, reason, time) = ("No picture", sentence(reason), clock.unix_time(now));
    let card = draw::lost_card(name, title, &reason, time, width as usize, height as usize);
    JpegEncoder::new(QUALITY, Chroma::Yuv420)?.encode_planes(&card.planes(), &mut memory)?;
    Ok(Frame::new(memory, clock, now, width, height, Kind::Card))
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_becomes_a_sentence() {
        assert_eq!(sentence("camera unplugged"), "Camera unplugged");
        assert_eq!(sentence(""), "");
    }
}
