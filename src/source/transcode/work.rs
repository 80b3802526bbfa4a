//! The work of the two threads.

use super::pacer::Pacer;
use super::queue::LAG_OF_ALL_MAX;
use super::{Shared, Work};
use crate::camera::lost::Lost;
use crate::clock::Monotonic;
use crate::decode::{self, DecodeError, Decoder, Memory};
use crate::encode::alter::AlterError;
use crate::encode::reshape::Reshaper;
use crate::encode::{EncodeError, Encoded, JpegEncoder};
use crate::picture::Shape;
use crate::source::publisher::Publisher;

/// Decodes units; the newest picture waits to be encoded.
pub(super) struct Decoding {
    decoder: Decoder,
    pacer: Pacer,
}

/// A decoded picture.
#[derive(Debug)]
pub(super) struct Decoded {
    picture: decode::Picture,
    /// When it is to be shown.
    due: Monotonic,
}

impl Decoding {
    pub fn new(decoder: Decoder) -> Self {
        Self { decoder, pacer: Pacer::default() }
    }

    /// Pulls every picture that is decoded now that a unit of this moment has come; returns their number.
    fn pull(&mut self, ready: Monotonic, shared: &Shared) -> Result<u64, DecodeError> {
        let mut pictures = 0;
        while let Some(picture) = self.decoder.pull()? {
            pictures += 1;
            let due = self.pacer.due(ready);
            if shared.publisher.admits(due) {
                hand_over(shared, Decoded { picture, due });
            }
        }
        Ok(pictures)
    }
}

impl Work for Decoding {
    fn step(&mut self, shared: &Shared) -> Result<bool, Lost> {
        let Some(unit) = shared.wait_for(&shared.coded, |state| state.queue.pop(shared.clock.now())) else {
            return Ok(false);
        };
        let (arrived, is_hidden) = (unit.arrived, unit.is_hidden);
        let lag = shared.clock.now().since(arrived);
        let skips = lag > LAG_OF_ALL_MAX;
        self.decoder.skip_non_reference(skips);
        match self.decoder.push(unit).and_then(|()| self.pull(arrived, shared)) {
            Ok(0) if is_hidden => {}
            Ok(0) if skips || self.decoder.needs_key() => {
                self.pacer.begin_anew();
                shared.publisher.dropped(1);
            }
            Ok(_) => {}
            Err(DecodeError::Damaged(damage)) => {
                self.pacer.begin_anew();
                shared.publisher.damaged(damage);
            }
            Err(DecodeError::TooLarge(what)) => return Err(Lost::TooLarge(what)),
            Err(error @ DecodeError::Unsupported(_)) => return Err(Lost::Unsupported(error.to_string())),
            Err(error @ DecodeError::Library(_)) => return Err(Lost::Decoder(error.to_string())),
        }
        Ok(true)
    }
}

/// Decoded pictures that may wait: the longest burst that is spread.
const DECODED_MAX: usize = 4;

/// Hands a picture to the encoder. Drops those that it had no time for.
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
    shared.publisher.dropped(late.len() as u64);
}

/// Encodes and publishes.
pub(super) struct Encoding {
    encoder: JpegEncoder,
    memory: Memory,
    reshaper: Reshaper,
    /// The shape according to the file.
    shape: Shape,
}

impl Encoding {
    pub fn new(encoder: JpegEncoder, shape: Shape) -> Self {
        let (memory, reshaper) = (Memory::default(), Reshaper::default());
        Self { encoder, memory, reshaper, shape }
    }

    /// The JPEG, in the shape that the stream or file says, and then turned and cropped as configured.
    fn encode(&mut self, picture: &decode::Picture, publisher: &Publisher) -> Result<Encoded, Spoilt> {
        let planes = picture.planes(&mut self.memory)?;
        let planes = self.reshaper.reshape(&planes, &picture.shape(self.shape));
        let mut jpeg = publisher.buffer();
        self.encoder.set_quality(publisher.quality())?;
        let size = self.encoder.encode_planes_oriented(&planes, &publisher.orientation(), &mut jpeg)?;
        Ok((jpeg, size))
    }
}

/// Why a decoded picture did not become a JPEG.
enum Spoilt {
    Decoded(DecodeError),
    Altered(AlterError),
}

impl From<DecodeError> for Spoilt {
    fn from(error: DecodeError) -> Self {
        Self::Decoded(error)
    }
}

impl From<AlterError> for Spoilt {
    fn from(error: AlterError) -> Self {
        Self::Altered(error)
    }
}

impl From<EncodeError> for Spoilt {
    fn from(error: EncodeError) -> Self {
        Self::Altered(error.into())
    }
}

impl Work for Encoding {
    fn step(&mut self, shared: &Shared) -> Result<bool, Lost> {
        let Some(Decoded { picture, due }) =
            shared.wait_for(&shared.decoded, |state| state.decoded.pop_front())
        else {
            return Ok(false);
        };
        let encoded = self.encode(&picture, &shared.publisher);
        let captured = picture.captured;
        // Return the memory to the decoder.
        drop(picture);
        match encoded {
            Ok(encoded) => {
                shared.wait_until(due);
                // Under the lock: after the handle is dropped, nothing is published.
                let state = shared.lock();
                if !state.is_closed {
                    shared.publisher.publish_encoded(encoded, captured);
                }
            }
            Err(Spoilt::Altered(error)) => shared.publisher.not_altered(&error),
            Err(Spoilt::Decoded(error)) => shared.publisher.damaged(error.to_string()),
        }
        Ok(true)
    }
}
