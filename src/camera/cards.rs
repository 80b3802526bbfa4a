//! Shows the viewers of a lost camera a card that says why, once a second.

use std::io;
use std::sync::Arc;

use futures_lite::future::{or, yield_now};

use super::Camera;
use crate::draw;
use crate::encode::{EncodeError, JpegEncoder};
use crate::frame::{Frame, Kind};
use crate::hub::Hub;
use crate::limits;
use crate::offload::Lane;
use crate::picture::Chroma;

const DEFAULT_SIZE: (u32, u32) = (1280, 720);
const QUALITY: u8 = 85;

/// One card after the other: each needs 3 MB while it is drawn, and they are due once a second only.
static DRAWING: Lane = Lane::new("draw a card", 1);

/// Publishes cards whenever there is a reason for no picture and somebody watches. Does not return.
pub async fn show(camera: &Camera) {
    let hub = &camera.hub;
    loop {
        hub.until(|hub| hub.viewers() > 0 && hub.has_reason()).await;
        let (state, Some(reason)) = (hub.state(), hub.snapshot().reason()) else {
            // It has changed in between; whoever changed it may need a turn.
            yield_now().await;
            continue;
        };
        let (name, reason, of) = (camera.name.clone(), sentence(&reason), hub.clone());
        match DRAWING.run(move || draw_card(&of, &name, &reason)).await {
            // The camera may have come back while the card was drawn.
            Ok(Ok(card)) if hub.has_reason() => {
                hub.publish(card);
            }
            Ok(Ok(_)) => {}
            Ok(Err(error)) => log::error!("camera {}: no card: {error}", camera.name),
            Err(error) => log::error!("camera {}: no card: {error}", camera.name),
        }
        let changed = hub.listen();
        or(hub.clock().sleep(limits::CARD_INTERVAL), async {
            if hub.state() == state {
                changed.await;
            }
        })
        .await;
    }
}

/// A card that says `why` this camera gives no picture, for somebody who asked for one picture. While
/// the camera is lost, those who ask within the same [`limits::CARD_INTERVAL`] share one.
///
/// # Errors
/// Why there is no card.
pub async fn card(camera: &Camera, why: &str) -> io::Result<Arc<Frame>> {
    let (name, reason, hub) = (camera.name.clone(), sentence(why), camera.hub.clone());
    DRAWING
        .run(move || {
            let is_recent =
                |card: &Arc<Frame>| hub.clock().now().since(card.captured) < limits::CARD_INTERVAL;
            if let Some(card) = hub.card().filter(is_recent) {
                return Ok(card);
            }
            let card = Arc::new(draw_card(&hub, &name, &reason)?);
            hub.keep_card(card.clone());
            Ok(card)
        })
        .await?
        .map_err(|error: EncodeError| io::Error::other(error))
}

fn draw_card(hub: &Arc<Hub>, name: &str, reason: &str) -> Result<Frame, EncodeError> {
    let (width, height) = hub.snapshot().opened.map_or(DEFAULT_SIZE, |opened| (opened.width, opened.height));
    let now = hub.clock().now();
    let card = draw::lost_card(
        name,
        "No picture",
        reason,
        hub.clock().unix_time(now),
        width as usize,
        height as usize,
    );
    let mut jpeg = hub.pool().take();
    JpegEncoder::new(QUALITY, Chroma::Yuv420)?.encode_planes(&card.planes(), &mut jpeg)?;
    Ok(Frame::new(jpeg, hub.clock(), now, width, height, Kind::Card))
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
