//! Coded pictures of a session to frames of the camera.

use std::sync::Arc;

use crate::camera::lost::{Lost, NetworkLost};
use crate::clock::Monotonic;
use crate::config::Picture;
use crate::picture::Shape;
use crate::rtp::{AccessUnit, Codec};
use crate::source::coded::Coded;
use crate::source::publisher::Publisher;
use crate::source::relay::Relay;
use crate::source::silence::{Quiet, What};

/// Turns access units into frames.
pub(super) struct Delivery {
    publisher: Arc<Publisher>,
    picture: Picture,
    way: Option<Way>,
    failure: Option<Lost>,
    /// Units that the session dropped, as they are counted already.
    dropped: u64,
    awaits_key: bool,
}

/// What becomes of the units.
enum Way {
    /// They are decoded and encoded.
    Coded(Coded),
    /// They are JPEG files (RFC 2435), which go through as they are.
    Relay(Relay),
}

impl Delivery {
    pub fn new(publisher: &Arc<Publisher>, picture: &Picture) -> Self {
        Self {
            publisher: publisher.clone(),
            picture: picture.clone(),
            way: None,
            failure: None,
            dropped: 0,
            awaits_key: false,
        }
    }

    /// Pictures come since then, and none can be shown.
    pub fn awaiting_key(&mut self, since: Monotonic) {
        self.awaits_key = true;
        self.publisher.await_key(Some(since));
    }

    /// Takes a unit.
    pub fn unit(&mut self, unit: AccessUnit) {
        if std::mem::take(&mut self.awaits_key) {
            self.publisher.await_key(None);
        }
        if self.way.is_none() && self.failure.is_none() {
            match Way::of(unit.codec, &self.publisher, &self.picture) {
                Ok(way) => self.way = Some(way),
                Err(lost) => self.failure = Some(lost),
            }
        }
        match &self.way {
            // What it drops it counts, and what needs that it drops as well.
            Some(Way::Coded(coded)) => {
                let _ = coded.push(unit);
            }
            Some(Way::Relay(relay)) if self.publisher.admits(unit.arrived) => {
                relay.push(&unit.data, unit.arrived);
            }
            Some(Way::Relay(_)) | None => {}
        }
    }

    /// Counts the units that came incomplete, or need such a one.
    pub fn count_dropped(&mut self, dropped: u64) {
        for _ in self.dropped..dropped {
            self.publisher.camera().count_bad();
        }
        self.dropped = dropped;
    }

    /// Why no picture can come any more.
    pub fn failure(&self) -> Option<Lost> {
        let of_way = match &self.way {
            Some(Way::Coded(coded)) => coded.failure(),
            Some(Way::Relay(_)) | None => None,
        };
        self.failure.clone().or(of_way)
    }
}

impl Way {
    fn of(codec: Codec, publisher: &Arc<Publisher>, picture: &Picture) -> Result<Self, Lost> {
        Ok(match codec {
            Codec::Jpeg => {
                publisher.set_format(codec.name());
                Self::Relay(Relay::start(publisher)?)
            }
            Codec::H264 | Codec::H265 => {
                Self::Coded(Coded::start(publisher, picture, codec, Shape::default())?)
            }
        })
    }
}

/// What it means that data came, and no picture out of them.
pub(super) fn no_picture(quiet: Quiet) -> Lost {
    let problem = match quiet.instead {
        What::NoKey(time) => format!("waiting for a key picture for {} s", time.as_secs()),
        What::Damaged { last, .. } => last,
        What::Nothing | What::Other(_) | What::TooLong { .. } => "no key picture came whole".to_owned(),
    };
    NetworkLost::NoPicture { seconds: quiet.time.as_secs(), problem }.into()
}
