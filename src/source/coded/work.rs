//! What the two threads do.

use super::queue::LAG_OF_ALL_MAX;
use super::spread::Spread;
use super::{Shared, Work};
use crate::camera::lost::Lost;
use crate::clock::Monotonic;
use crate::decode::{self, DecodeError, Decoder, Memory};
use crate::encode::JpegEncoder;
use crate::encode::reshape::Reshaper;
use crate::frame::{Frame, Kind};
use crate::hub::Opened;
use crate::picture::Shape;
use crate::rtp::Codec;
use crate::source::pace::Pace;

/// Decodes units; the newest picture waits to be encoded.
pub(super) struct Decoding {
    decoder: Decoder,
    spread: Spread,
    pace: Pace,
}

/// A decoded picture.
#[derive(Debug)]
pub(super) struct Decoded {
    picture: decode::Picture,
    /// When it is to be shown.
    due: Monotonic,
}

impl Decoding {
    pub fn new(decoder: Decoder, fps: Option<u32>) -> Self {
        Self { decoder, spread: Spread::default(), pace: Pace::new(fps) }
    }

    /// Every picture that is there now that a unit of this moment has come; how many there were.
    fn pull(&mut self, ready: Monotonic, shared: &Shared) -> Result<u64, DecodeError> {
        let mut pictures = 0;
        while let Some(picture) = self.decoder.pull()? {
            pictures += 1;
            let due = self.spread.due(ready);
            if self.pace.admits(due) {
                hand_over(shared, Decoded { picture, due });
            }
        }
        Ok(pictures)
    }
}

impl Work for Decoding {
    fn step(&mut self, shared: &Shared) -> Result<bool, Lost> {
        let Some(unit) = shared.wait_for(&shared.coded, |state| state.queue.pop()) else { return Ok(false) };
        let lag = shared.hub.clock().now().since(unit.arrived);
        let skips = lag > LAG_OF_ALL_MAX;
        self.decoder.skip_non_reference(skips);
        match self.decoder.push(&unit).and_then(|()| self.pull(unit.arrived, shared)) {
            Ok(0) if skips || self.decoder.needs_key() => {
                self.spread.begin_anew();
                shared.hub.count_dropped(1);
            }
            Ok(_) => {}
            Err(DecodeError::Damaged(damage)) => {
                log::debug!("camera {}: {damage}", shared.name);
                self.spread.begin_anew();
                shared.hub.count_bad();
                shared.lock().damage = Some(damage);
            }
            Err(DecodeError::TooLarge(what)) => return Err(Lost::TooLarge(what)),
            Err(error @ (DecodeError::Unsupported(_) | DecodeError::Library(_))) => {
                return Err(Lost::Unsupported(error.to_string()));
            }
        }
        Ok(true)
    }
}

/// Decoded pictures that wait: the longest burst that is spread.
const DECODED_MAX: usize = 4;

/// Leaves a picture to the encoder. Those that it has had no time for are dropped.
fn hand_over(shared: &Shared, decoded: Decoded) {
    let newest = decoded.due;
    let mut late = Vec::new();
    let mut state = shared.lock();
    let is_late = |waiting: &Decoded| newest.since(waiting.due) > LAG_OF_ALL_MAX;
    while state.decoded.len() >= DECODED_MAX || state.decoded.front().is_some_and(is_late) {
        late.extend(state.decoded.pop_front());
    }
    state.decoded.push_back(decoded);
    drop(state);
    shared.decoded.notify_one();
    shared.hub.count_dropped(late.len() as u64);
}

/// Encodes and publishes.
pub(super) struct Encoding {
    encoder: JpegEncoder,
    memory: Memory,
    reshaper: Reshaper,
    /// What the file says of the shape of its pictures.
    shape: Shape,
    codec: Codec,
    size: (u32, u32),
}

impl Encoding {
    pub fn new(encoder: JpegEncoder, codec: Codec, shape: Shape) -> Self {
        let (memory, reshaper) = (Memory::default(), Reshaper::default());
        Self { encoder, memory, reshaper, shape, codec, size: (0, 0) }
    }

    fn encode(&mut self, picture: &decode::Picture, shared: &Shared) -> Result<Frame, String> {
        let planes = picture.planes(&mut self.memory).map_err(|error| error.to_string())?;
        let planes = self.reshaper.reshape(&planes, &picture.shape(self.shape));
        let hub = &shared.hub;
        let mut jpeg = hub.pool().take();
        self.encoder.encode_planes(&planes, &mut jpeg).map_err(|error| error.to_string())?;
        let (width, height) = (planes.width as u32, planes.height as u32);
        Ok(Frame::new(jpeg, hub.clock(), picture.captured, width, height, Kind::Picture))
    }
}

impl Work for Encoding {
    fn step(&mut self, shared: &Shared) -> Result<bool, Lost> {
        let Some(Decoded { picture, due }) =
            shared.wait_for(&shared.decoded, |state| state.decoded.pop_front())
        else {
            return Ok(false);
        };
        let frame = match self.encode(&picture, shared) {
            Ok(frame) => frame,
            Err(error) => {
                log::debug!("camera {}: {error}", shared.name);
                shared.hub.count_bad();
                return Ok(true);
            }
        };
        // The decoder wants its memory back.
        drop(picture);
        shared.wait_until(due);
        let (width, height) = (frame.width, frame.height);
        let format = self.codec.name();
        // Under the lock: whoever drops the handle may rely on it that nothing comes any more.
        let state = shared.lock();
        if state.is_closed {
            return Ok(false);
        }
        if self.size != (width, height) {
            self.size = (width, height);
            shared.hub.set_opened(Opened { width, height, format: format.to_owned() });
        }
        let is_first = shared.hub.publish(frame);
        drop(state);
        if is_first {
            log::log!(shared.hub.log_level(), "camera {}: live, {format} {width}x{height}", shared.name);
        }
        Ok(true)
    }
}
