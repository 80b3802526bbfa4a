//! Turns captured buffers into frames: JPEG passes through, raw formats are encoded, on the capture
//! thread or, where that is too slow, on further threads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::driver::{Filled, Format, flag};
use super::modes::Encoding;
use crate::camera::lost::Lost;
use crate::clock::Monotonic;
use crate::config::Picture;
use crate::encode::crew::{Crew, Deliver, Encode};
use crate::encode::load::Load;
use crate::encode::{EncodeError, JpegEncoder};
use crate::frame::{Frame, FrameBuffer, Kind};
use crate::hub::Hub;
use crate::limits;
use crate::mjpeg;
use crate::picture::{PixelFormat, RawPicture};

/// What the frames of one stream have in common.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// What the driver gave.
    pub format: Format,
    /// How its buffers are to be read.
    pub encoding: Encoding,
}

/// Turns captured buffers into frames.
pub struct Reader {
    layout: Layout,
    picture: Picture,
    encoder: JpegEncoder,
    load: Load,
    crew: Option<Crew<Captured>>,
    sequence: Option<u32>,
    captured: Option<Monotonic>,
    delivery: Arc<Delivery>,
}

/// Publishes frames, from any thread.
struct Delivery {
    name: String,
    hub: Arc<Hub>,
    silence: Mutex<Silence>,
    /// Width and height of pictures that are encoded here, in pixels.
    size: (u32, u32),
}

/// A buffer's time and number while it is encoded.
struct Captured {
    at: Monotonic,
    sequence: u32,
}

impl Reader {
    /// A reader of one stream's buffers.
    pub fn new(name: &str, layout: Layout, picture: &Picture, hub: &Arc<Hub>) -> Result<Self, Lost> {
        let encoder = new_encoder(picture, &layout).map_err(|error| Lost::Driver(error.to_string()))?;
        let delivery = Delivery {
            name: name.to_owned(),
            hub: hub.clone(),
            silence: Mutex::new(Silence::new(hub.clock().now())),
            size: (layout.format.width, layout.format.height),
        };
        Ok(Self {
            layout,
            picture: picture.clone(),
            encoder,
            load: Load::default(),
            crew: None,
            sequence: None,
            captured: None,
            delivery: Arc::new(delivery),
        })
    }

    /// Why the camera is lost, once there has been no good picture for too long.
    pub fn lost(&self) -> Option<Lost> {
        self.time_left().is_zero().then(|| self.delivery.silence().lost())
    }

    /// Time left until the camera counts as lost without a good picture.
    pub fn time_left(&self) -> Duration {
        self.delivery.silence().time_left(self.delivery.hub.clock().now())
    }

    /// Whether encoding is so costly that only the newest of several buffers is read.
    pub fn is_costly(&self) -> bool {
        self.layout.encoding != Encoding::Jpeg
    }

    /// Counts pictures that the driver dropped, for want of a buffer or because they were damaged.
    pub fn count_gap(&mut self, sequence: u32) {
        if let Some(before) = self.sequence.replace(sequence) {
            let gap = sequence.wrapping_sub(before).wrapping_sub(1);
            // Some drivers begin anew after an error: not a gap of four billion frames.
            if gap < 1000 {
                self.delivery.hub.count_dropped(u64::from(gap));
            }
        }
    }

    /// Publishes the picture in a buffer.
    pub fn read(&mut self, bytes: &[u8], filled: &Filled) {
        let now = self.delivery.hub.clock().now();
        let captured = Captured { at: captured_at(filled, now), sequence: filled.sequence };
        if filled.flags & flag::ERROR != 0 {
            return self.delivery.damaged(&captured, "the driver reports it as damaged".to_owned());
        }
        // Drivers have counted more bytes than a buffer has.
        let bytes = bytes.get(..filled.bytes as usize).unwrap_or(bytes);
        match self.layout.encoding {
            Encoding::Jpeg => self.pass_through(bytes, &captured),
            Encoding::Raw(format) => self.encode(format, bytes, captured),
        }
    }

    fn pass_through(&self, bytes: &[u8], captured: &Captured) {
        let mut jpeg = self.delivery.hub.pool().take();
        match mjpeg::mend(bytes, &mut jpeg) {
            Ok(info) => self.delivery.publish(jpeg, captured, info.width, info.height),
            Err(damaged) => self.delivery.damaged(captured, damaged.to_string()),
        }
    }

    fn encode(&mut self, format: PixelFormat, bytes: &[u8], captured: Captured) {
        let interval = self.captured.replace(captured.at).map(|before| captured.at.since(before));
        if let Some(crew) = &mut self.crew {
            if !crew.hand_in(bytes, captured) {
                self.delivery.hub.count_dropped(1);
            }
            return;
        }
        let hub = &self.delivery.hub;
        let begin = hub.clock().now();
        let mut jpeg = hub.pool().take();
        let result = self.encoder.encode(&self.layout.picture(format, bytes), &mut jpeg).map(|()| jpeg);
        self.delivery.encoded(result, &captured);
        let took = self.delivery.hub.clock().now().since(begin);
        if let Some(interval) = interval {
            self.load.count(took, interval);
            self.call_for_help(format);
        }
    }

    /// Starts encoder threads if this one is too slow and the machine has more cores.
    fn call_for_help(&mut self, format: PixelFormat) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.load.threads(cores.min(limits::ENCODERS_MAX));
        if threads == 1 {
            return;
        }
        let name = &self.delivery.name;
        match self.start_crew(format, threads) {
            Ok(crew) => {
                log::info!(
                    "camera {name}: one thread is too slow for the rate; encoding on {threads} threads now"
                );
                self.crew = Some(crew);
            }
            Err(error) => {
                log::warn!(
                    "camera {name}: one thread is too slow for the rate, and no more can be started: {error}"
                );
                self.load = Load::default();
            }
        }
    }

    fn start_crew(&self, format: PixelFormat, threads: usize) -> std::io::Result<Crew<Captured>> {
        let encoder = |_| -> std::io::Result<Encode> {
            let mut encoder = new_encoder(&self.picture, &self.layout).map_err(std::io::Error::other)?;
            let layout = self.layout;
            Ok(Box::new(move |bytes, out| encoder.encode(&layout.picture(format, bytes), out)))
        };
        let encoders = (0..threads).map(encoder).collect::<Result<_, _>>()?;
        let delivery = self.delivery.clone();
        let deliver: Deliver<Captured> =
            Arc::new(move |result, captured| delivery.encoded(result, &captured));
        Crew::start(encoders, self.delivery.hub.pool(), &deliver)
    }
}

impl Delivery {
    fn silence(&self) -> MutexGuard<'_, Silence> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn encoded(&self, result: Result<FrameBuffer, EncodeError>, captured: &Captured) {
        match result {
            Ok(jpeg) => self.publish(jpeg, captured, self.size.0, self.size.1),
            Err(error) => self.damaged(captured, error.to_string()),
        }
    }

    fn publish(&self, jpeg: FrameBuffer, captured: &Captured, width: u32, height: u32) {
        self.silence().broken(self.hub.clock().now());
        self.hub.publish(Frame::new(jpeg, self.hub.clock(), captured.at, width, height, Kind::Picture));
    }

    fn damaged(&self, captured: &Captured, damage: String) {
        log::debug!("camera {}: picture {}: {damage}", self.name, captured.sequence);
        self.hub.count_bad();
        self.silence().damaged(damage);
    }
}

fn new_encoder(picture: &Picture, layout: &Layout) -> Result<JpegEncoder, EncodeError> {
    Ok(JpegEncoder::new(picture.quality, picture.chroma)?.of_range(layout.format.range()))
}

impl Layout {
    /// The uncompressed picture in a buffer.
    fn picture<'a>(&self, format: PixelFormat, data: &'a [u8]) -> RawPicture<'a> {
        RawPicture {
            format,
            width: self.format.width as usize,
            height: self.format.height as usize,
            stride: self.format.row_bytes(format),
            data,
        }
    }
}

/// Time without a good picture, and what came instead.
struct Silence {
    since: Monotonic,
    damaged: u64,
    last: String,
}

impl Silence {
    fn new(now: Monotonic) -> Self {
        Self { since: now, damaged: 0, last: String::new() }
    }

    fn broken(&mut self, now: Monotonic) {
        self.since = now;
        self.damaged = 0;
    }

    fn damaged(&mut self, damage: String) {
        self.damaged += 1;
        self.last = damage;
    }

    fn time_left(&self, now: Monotonic) -> Duration {
        limits::SILENCE_MAX.saturating_sub(now.since(self.since))
    }

    fn lost(&self) -> Lost {
        let seconds = limits::SILENCE_MAX.as_secs();
        match self.damaged {
            0 => Lost::Silent { seconds },
            pictures => Lost::Damaged { pictures, seconds, last: self.last.clone() },
        }
    }
}

/// The driver's time stamp if it is of `CLOCK_MONOTONIC` and plausible, else now.
fn captured_at(filled: &Filled, now: Monotonic) -> Monotonic {
    let (Ok(seconds), Ok(micros)) = (u64::try_from(filled.timestamp.0), u64::try_from(filled.timestamp.1))
    else {
        return now;
    };
    let since_boot = Duration::from_secs(seconds).checked_add(Duration::from_micros(micros));
    let Some(stamped) = since_boot.map(Monotonic::since_zero) else { return now };
    let is_monotonic = filled.flags & flag::CLOCK_MASK == flag::CLOCK_MONOTONIC;
    if is_monotonic && stamped <= now && now.since(stamped) < limits::SILENCE_MAX { stamped } else { now }
}

#[cfg(test)]
mod tests;
