//! Delivers the pictures of a session.

use std::sync::Arc;

use crate::camera::lost::{Lost, NetworkLost};
use crate::clock::Monotonic;
use crate::picture::Shape;
use crate::rtp::{Encoding, JpegPicture, Picture};
use crate::source::coded::CodedDelivery;
use crate::source::publisher::Publisher;
use crate::source::relay::Relay;
use crate::source::silence::{Quiet, What};

/// Delivers pictures.
pub(super) struct Delivery {
    publisher: Arc<Publisher>,
    /// Where H.264 and H.265 go.
    video: Arc<CodedDelivery>,
    /// Passes JPEG (RFC 2435) through.
    relay: Option<Relay>,
    failure: Option<Lost>,
    /// Pictures dropped by the session that are already counted.
    dropped: u64,
    awaits_key: bool,
}

impl Delivery {
    pub fn new(publisher: &Arc<Publisher>, video: &Arc<CodedDelivery>) -> Self {
        Self {
            publisher: publisher.clone(),
            video: video.clone(),
            relay: None,
            failure: None,
            dropped: 0,
            awaits_key: false,
        }
    }

    /// Notes that since then pictures arrive but none can be decoded.
    pub fn awaiting_key(&mut self, since: Monotonic) {
        self.awaits_key = true;
        self.publisher.await_key(Some(since));
    }

    /// Delivers the next picture.
    pub fn picture(&mut self, picture: Picture) {
        if std::mem::take(&mut self.awaits_key) {
            self.publisher.await_key(None);
        }
        if self.failure.is_some() {
            return;
        }
        let taken = match picture {
            Picture::Video(picture) => self.video.push(picture.unit, Shape::default()),
            Picture::Jpeg(picture) => self.jpeg(&picture),
        };
        self.failure = taken.err();
    }

    fn jpeg(&mut self, picture: &JpegPicture) -> Result<(), Lost> {
        let relay = match &mut self.relay {
            Some(relay) => relay,
            none => {
                self.publisher.set_format(Encoding::Jpeg.name());
                none.insert(Relay::start(&self.publisher)?)
            }
        };
        if self.publisher.admits(picture.arrived) {
            relay.push(&picture.data, picture.arrived);
        }
        Ok(())
    }

    /// Counts pictures that arrived incomplete, or refer to one that did.
    pub fn count_dropped(&mut self, dropped: u64) {
        for _ in self.dropped..dropped {
            self.publisher.camera().count_bad();
        }
        self.dropped = dropped;
    }

    /// Why no more pictures can come.
    pub fn failure(&self) -> Option<Lost> {
        self.failure.clone().or_else(|| self.video.failure())
    }
}

/// The reason when data arrived but no picture.
pub(super) fn no_picture(quiet: Quiet) -> Lost {
    let problem = match quiet.instead {
        What::NoKey(time) => format!("waiting for a key picture for {} s", time.as_secs()),
        What::Damaged { last, .. } => last,
        What::Nothing | What::Other(_) | What::TooLong { .. } => "no key picture came whole".to_owned(),
    };
    NetworkLost::NoPicture { seconds: quiet.time.as_secs(), problem }.into()
}
