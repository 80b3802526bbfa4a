//! Coded pictures of a session to frames of the hub.

use std::sync::Arc;
use std::time::Duration;

use crate::camera::lost::{Lost, NetworkLost};
use crate::clock::Monotonic;
use crate::config::Picture;
use crate::frame::{Frame, Kind};
use crate::hub::{Hub, Opened};
use crate::mjpeg;
use crate::picture::Shape;
use crate::rtp::{AccessUnit, Codec};
use crate::source::coded::Coded;
use crate::source::pace::Pace;

/// Data come, and no picture out of them for this long: longer than any camera's distance between
/// key pictures, but for those that send one only to whoever connects anew.
const NO_PICTURE_MAX: Duration = Duration::from_secs(30);

/// Turns access units into frames.
pub(super) struct Delivery {
    name: String,
    hub: Arc<Hub>,
    picture: Picture,
    /// Decodes and encodes, where the camera sends something else than JPEG.
    coded: Option<Coded>,
    failure: Option<Lost>,
    pace: Pace,
    size: (u32, u32),
    good: Monotonic,
    frames: u64,
    problem: Option<String>,
    /// Units that the session dropped, as they are counted already.
    dropped: u64,
    /// Since when pictures come and need a key picture that does not.
    key_awaited: Option<Monotonic>,
}

impl Delivery {
    pub fn new(name: &str, hub: &Arc<Hub>, picture: &Picture) -> Self {
        Self {
            name: name.to_owned(),
            hub: hub.clone(),
            picture: picture.clone(),
            coded: None,
            failure: None,
            pace: Pace::new(picture.fps),
            size: (0, 0),
            good: hub.clock().now(),
            frames: hub.frames(),
            problem: None,
            dropped: 0,
            key_awaited: None,
        }
    }

    /// Pictures come since then, and none can be shown.
    pub fn awaiting_key(&mut self, since: Monotonic) {
        self.key_awaited = Some(since);
        self.hub.set_key_wait(Some(since));
    }

    /// Takes a unit.
    pub fn unit(&mut self, unit: AccessUnit) {
        if self.key_awaited.take().is_some() {
            self.hub.set_key_wait(None);
        }
        match unit.codec {
            Codec::Jpeg => self.jpeg(&unit),
            Codec::H264 | Codec::H265 => self.coded(unit),
        }
    }

    /// Counts the units that came incomplete, or need such a one.
    pub fn count_dropped(&mut self, dropped: u64) {
        for _ in self.dropped..dropped {
            self.hub.count_bad();
        }
        self.dropped = dropped;
    }

    /// When there will have been no picture for too long; now, where none can come.
    pub fn deadline(&mut self) -> Monotonic {
        if self.failure().is_some() {
            return self.hub.clock().now();
        }
        let frames = self.hub.frames();
        if frames != self.frames {
            self.frames = frames;
            self.good = self.hub.clock().now();
        }
        self.good + NO_PICTURE_MAX
    }

    /// Why the camera is lost at the deadline.
    pub fn lost(&self) -> Lost {
        if let Some(failure) = self.failure() {
            return failure;
        }
        let damage = self.coded.as_ref().and_then(Coded::last_damage);
        let awaited = self.key_awaited.map(|since| {
            let seconds = self.hub.clock().now().since(since).as_secs();
            format!("waiting for a key picture for {seconds} s")
        });
        let problem = awaited.or(damage).or(self.problem.clone());
        let problem = problem.unwrap_or_else(|| "no key picture came whole".to_owned());
        NetworkLost::NoPicture { seconds: NO_PICTURE_MAX.as_secs(), problem }.into()
    }

    fn failure(&self) -> Option<Lost> {
        self.failure.clone().or_else(|| self.coded.as_ref().and_then(Coded::failure))
    }

    fn coded(&mut self, unit: AccessUnit) {
        if self.coded.is_none() && self.failure.is_none() {
            let shape = Shape::default();
            match Coded::start(&self.name, &self.hub, &self.picture, unit.codec, shape) {
                Ok(coded) => self.coded = Some(coded),
                Err(lost) => self.failure = Some(lost),
            }
        }
        if let Some(coded) = &self.coded {
            // What it drops it counts, and what needs that it drops as well.
            let _ = coded.push(unit);
        }
    }

    /// RFC 2435 carries whole JPEG files, which go through as they are.
    fn jpeg(&mut self, unit: &AccessUnit) {
        if !self.pace.admits(unit.arrived) {
            return;
        }
        let mut jpeg = self.hub.pool().take();
        let info = match mjpeg::mend(&unit.data, &mut jpeg) {
            Ok(info) => info,
            Err(damaged) => {
                self.problem = Some(damaged.to_string());
                self.hub.count_bad();
                return;
            }
        };
        if self.size != (info.width, info.height) {
            self.size = (info.width, info.height);
            let format = Codec::Jpeg.name().to_owned();
            self.hub.set_opened(Opened { width: info.width, height: info.height, format });
        }
        let frame = Frame::new(jpeg, self.hub.clock(), unit.arrived, info.width, info.height, Kind::Picture);
        if self.hub.publish(frame) {
            let (name, (width, height)) = (&self.name, self.size);
            log::log!(self.hub.log_level(), "camera {name}: live, {} {width}x{height}", Codec::Jpeg.name());
        }
    }
}
