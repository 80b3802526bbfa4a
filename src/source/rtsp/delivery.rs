//! Turns the coded pictures of a session into frames of the camera.

use std::sync::Arc;

use crate::camera::lost::{Lost, NetworkLost};
use crate::clock::{Clock, Monotonic};
use crate::config::Picture as Settings;
use crate::picture::Shape;
use crate::rtp::{Encoding, JpegPicture, Picture};
use crate::source::publisher::Publisher;
use crate::source::relay::Relay;
use crate::source::silence::{Quiet, What};
use crate::source::transcode::Transcoder;
use crate::video::AccessUnit;

/// Turns coded pictures into frames.
pub(super) struct Delivery {
    publisher: Arc<Publisher>,
    clock: Clock,
    /// The camera's configuration.
    settings: Settings,
    way: Option<Way>,
    failure: Option<Lost>,
    /// Pictures dropped by the session that are already counted.
    dropped: u64,
    awaits_key: bool,
}

/// How pictures become frames.
enum Way {
    /// Decode and encode them.
    Transcode(Transcoder),
    /// Pass JPEG (RFC 2435) through.
    Relay(Relay),
}

impl Delivery {
    pub fn new(publisher: &Arc<Publisher>, clock: &Clock, settings: &Settings) -> Self {
        Self {
            publisher: publisher.clone(),
            clock: clock.clone(),
            settings: settings.clone(),
            way: None,
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
            Picture::Video(picture) => self.video(picture.unit),
            Picture::Jpeg(picture) => self.jpeg(&picture),
        };
        self.failure = taken.err();
    }

    fn video(&mut self, unit: AccessUnit) -> Result<(), Lost> {
        if self.way.is_none() {
            let (codec, shape) = (unit.codec, Shape::default());
            let transcoder = Transcoder::start(&self.publisher, &self.clock, &self.settings, codec, shape)?;
            self.way = Some(Way::Transcode(transcoder));
        }
        if let Some(Way::Transcode(transcoder)) = &self.way {
            transcoder.push(unit);
        }
        Ok(())
    }

    fn jpeg(&mut self, picture: &JpegPicture) -> Result<(), Lost> {
        if self.way.is_none() {
            self.publisher.set_format(Encoding::Jpeg.name());
            self.way = Some(Way::Relay(Relay::start(&self.publisher)?));
        }
        if let Some(Way::Relay(relay)) = &self.way
            && self.publisher.admits(picture.arrived)
        {
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
        let of_way = match &self.way {
            Some(Way::Transcode(transcoder)) => transcoder.failure(),
            Some(Way::Relay(_)) | None => None,
        };
        self.failure.clone().or(of_way)
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
