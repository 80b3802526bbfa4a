//! Turns captured buffers into frames: JPEG passes through; raw formats are encoded, and JPEG is turned where that
//! is configured, on the capture thread or, if that is too slow, on more threads.

use std::sync::Arc;
use std::time::Duration;

use super::driver::{Filled, Format, flag};
use super::modes::Encoding;
use crate::camera::lost::{LocalLost, Lost, Task};
use crate::clock::{Clock, Monotonic};
use crate::config::Picture;
use crate::encode::alter::AlterError;
use crate::encode::load::Load;
use crate::encode::pool::{Deliver, Encode, EncoderPool};
use crate::encode::{EncodeError, Encoded, JpegEncoder};
use crate::frame::FrameBuffer;
use crate::limits;
use crate::picture::orientation::Orientation;
use crate::picture::{PixelFormat, RawPicture};
use crate::source::publisher::Publisher;

/// What the frames of one stream have in common.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The format that the driver set.
    pub format: Format,
    /// What its buffers hold.
    pub encoding: Encoding,
}

/// Turns captured buffers into frames.
pub struct Reader {
    layout: Layout,
    picture: Picture,
    encoder: JpegEncoder,
    load: Load,
    pool: Option<EncoderPool<Captured>>,
    sequence: Option<u32>,
    captured: Option<Monotonic>,
    publisher: Arc<Publisher>,
    clock: Clock,
}

/// A buffer's time stamp and sequence number while it is encoded.
struct Captured {
    at: Monotonic,
    sequence: u32,
}

impl Reader {
    /// A reader of one stream's buffers.
    pub fn new(
        layout: Layout,
        picture: &Picture,
        publisher: &Arc<Publisher>,
        clock: &Clock,
    ) -> Result<Self, Lost> {
        let encoder = new_encoder(picture, &layout).map_err(|error| LocalLost::new(Task::Encode, error))?;
        Ok(Self {
            layout,
            picture: picture.clone(),
            encoder,
            load: Load::default(),
            pool: None,
            sequence: None,
            captured: None,
            publisher: publisher.clone(),
            clock: clock.clone(),
        })
    }

    /// Whether encoding or turning is so costly that only the newest buffer is read.
    pub fn is_costly(&self) -> bool {
        self.layout.encoding != Encoding::Jpeg || self.publisher.orientation() != Orientation::NONE
    }

    /// Counts pictures that the driver dropped, for lack of a buffer or because they were damaged.
    pub fn count_gap(&mut self, sequence: u32) {
        if let Some(before) = self.sequence.replace(sequence) {
            let gap = sequence.wrapping_sub(before).wrapping_sub(1);
            // Some drivers restart at 0 after an error: not a gap of four billion frames.
            if gap < 1000 {
                self.publisher.dropped(u64::from(gap));
            }
        }
    }

    /// Publishes the picture in a buffer.
    pub fn read(&mut self, bytes: &[u8], filled: &Filled) {
        let now = self.clock.now();
        let captured = Captured { at: captured_at(filled, now), sequence: filled.sequence };
        if filled.flags & flag::ERROR != 0 {
            return self.publisher.damaged(captured.words("the driver reports it as damaged"));
        }
        // Some drivers report more bytes than the buffer has.
        let bytes = bytes.get(..filled.bytes as usize).unwrap_or(bytes);
        if self.is_costly() {
            return self.encode(bytes, captured);
        }
        // Threads from before the orientation changed deliver their last pictures first.
        self.pool = None;
        self.publisher.check(bytes, captured.at);
    }

    fn encode(&mut self, bytes: &[u8], captured: Captured) {
        let interval = self.captured.replace(captured.at).map(|before| captured.at.since(before));
        if let Some(pool) = &mut self.pool {
            if !pool.hand_in(bytes, captured) {
                self.publisher.dropped(1);
            }
            return;
        }
        let begin = self.clock.now();
        let mut jpeg = self.publisher.buffer();
        let result = encode(&mut self.encoder, &self.publisher, &self.layout, bytes, &mut jpeg);
        publish(&self.publisher, result.map(|size| (jpeg, size)), &captured);
        let took = self.clock.now().since(begin);
        if let Some(interval) = interval {
            self.load.count(took, interval);
            self.call_for_help();
        }
    }

    /// Starts encoder threads if this one is too slow and the machine has more cores.
    fn call_for_help(&mut self) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.load.threads(cores.min(limits::ENCODERS_MAX));
        if threads == 1 {
            return;
        }
        let name = self.publisher.camera().name();
        match self.start_pool(threads) {
            Ok(pool) => {
                log::info!(
                    "camera {name}: one thread is too slow for the rate; encoding on {threads} threads now"
                );
                self.pool = Some(pool);
            }
            Err(error) => {
                log::warn!(
                    "camera {name}: one thread is too slow for the rate, and no more can be started: {error}"
                );
                self.load = Load::default();
            }
        }
    }

    fn start_pool(&self, threads: usize) -> std::io::Result<EncoderPool<Captured>> {
        let encoder = |_| -> std::io::Result<Encode> {
            let mut encoder = new_encoder(&self.picture, &self.layout).map_err(std::io::Error::other)?;
            let (layout, publisher) = (self.layout, self.publisher.clone());
            Ok(Box::new(move |bytes, out| encode(&mut encoder, &publisher, &layout, bytes, out)))
        };
        let encoders = (0..threads).map(encoder).collect::<Result<_, _>>()?;
        let publisher = self.publisher.clone();
        let deliver: Deliver<Captured> =
            Arc::new(move |result, captured| publish(&publisher, result, &captured));
        EncoderPool::start(encoders, self.publisher.camera().jpeg.pool(), &deliver)
    }
}

impl Captured {
    fn words(&self, damage: &str) -> String {
        format!("buffer {}: {damage}", self.sequence)
    }
}

/// Encodes with the current quality and orientation, or turns what is a JPEG already; returns width and height.
fn encode(
    encoder: &mut JpegEncoder,
    publisher: &Publisher,
    layout: &Layout,
    bytes: &[u8],
    out: &mut FrameBuffer,
) -> Result<(usize, usize), AlterError> {
    let Encoding::Raw(format) = layout.encoding else { return publisher.turn(bytes, out) };
    encoder.set_quality(publisher.quality())?;
    encoder.encode_oriented(&layout.picture(format, bytes), &publisher.orientation(), out)
}

fn publish(publisher: &Publisher, result: Result<Encoded, AlterError>, captured: &Captured) {
    match result {
        Ok(encoded) => publisher.publish_encoded(encoded, captured.at),
        Err(error) if error.concerns_setting() => publisher.unfit(&error),
        Err(error) => publisher.damaged(captured.words(&error.to_string())),
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

/// The driver's time stamp if it is plausible and by `CLOCK_MONOTONIC`, else now.
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
