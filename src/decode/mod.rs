//! H.264 and H.265 pictures to planes: the door to libavcodec and libavformat.
//!
//! [`Decoder`] takes access units and gives pictures in display order, as soon as the stream allows. It never
//! gives a picture that is damaged or refers to a damaged one: decoding resumes at the next key unit.
//! [`demux`] reads access units from files.
//!
//! Missing data is always detected, and so are violations of the syntax. Flipped bits within a slice are
//! different: any bits are some picture. Of 150 single flipped bits in H.264, the visible ones were detected
//! in 87 % (CABAC) and 94 % (CAVLC) of the cases, in H.265 in 1 %: libavcodec does not check there whether a
//! slice ends where it should, whatever `err_recognition` says. TCP, UDP and Ethernet have checksums, so this
//! takes a faulty camera.

mod account;
mod boxes;
pub mod budget;
pub mod demux;
mod estimate;
mod log;
mod matrix;
mod packet;
mod picture;
mod samples;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ffmpeg_next::codec::decoder::{self, Check, Opened};
use ffmpeg_next::codec::{self, Context, Flags, threading};
use ffmpeg_next::error::EAGAIN;
use ffmpeg_next::{Discard, Error, Packet, frame};

use crate::clock::Monotonic;
use crate::limits;
use crate::video::sps::{self, Sequence};
use crate::video::{AccessUnit, Codec, UnitBytes, nal};

use account::Account;
use budget::{Budget, Refused, Reservation};
use estimate::Estimate;
use log::Complaints;
pub use picture::{Memory, Picture};

/// Pixels of a picture. Cameras have up to 12 megapixels; a decoder keeps up to 17 pictures of this size,
/// each of 25 MB.
pub const PICTURE_MAX_PIXELS: i64 = 4096 * 4096;

/// Decodes one stream.
pub struct Decoder {
    codec: Codec,
    // The context refers to the complaints: drop it first.
    opened: Opened,
    complaints: Box<Complaints>,
    state: State,
    skip: Discard,
    /// Checked parameter sets, by number.
    sequences: Vec<(Vec<u8>, Sequence)>,
    /// The time of the last picture: reordered ones get that of their predecessor.
    last: Monotonic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Every unit can be decoded.
    Running,
    /// Nothing can be decoded until a key unit.
    NeedsKey,
    /// The same, and the library must be reset: after an error, coefficients of the damaged picture remain in
    /// H.264's state, and show up in the next one however it is flushed.
    NeedsKeyAndReset,
}

impl Decoder {
    /// A decoder of H.264 or H.265, bounded by this machine's memory budget.
    ///
    /// It runs on the caller's thread alone: libavcodec's frame threads would hold back as many pictures as
    /// there are threads, and its slice threads do not detect missing slices.
    ///
    /// # Errors
    /// [`DecodeError::Unsupported`] if this build of FFmpeg lacks the codec.
    pub fn new(codec: Codec) -> Result<Self, DecodeError> {
        Self::within(codec, Budget::of_machine())
    }

    /// The same, with its own budget.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn within(codec: Codec, budget: Arc<Budget>) -> Result<Self, DecodeError> {
        log::install();
        let complaints = Box::new(Complaints::new(Account::new(Reservation::new(budget))));
        let opened = open(codec, &complaints)?;
        let last = Monotonic::since_zero(Duration::ZERO);
        let (state, skip, sequences) = (State::NeedsKey, Discard::Default, Vec::new());
        Ok(Self { codec, opened, complaints, state, skip, sequences, last })
    }

    /// Bytes reserved for this decoder and its pictures.
    pub fn reserved_bytes(&self) -> u64 {
        self.complaints.account.reserved()
    }

    /// Decodes the next unit. After each push, pull until there is no picture. Key units include their
    /// parameter sets.
    ///
    /// # Errors
    /// [`DecodeError::Damaged`] if its picture is lost, and with it all up to the next key unit; those are
    /// then skipped without an error. [`DecodeError::Unsupported`] if no picture of this stream can be shown,
    /// [`DecodeError::TooLarge`] if it exceeds the memory budget.
    pub fn push(&mut self, unit: AccessUnit) -> Result<(), DecodeError> {
        if unit.discontinuity {
            self.flush();
        }
        if self.state != State::Running && !unit.is_key {
            return Ok(());
        }
        self.look_at_sequences(&unit.data)?;
        if self.state == State::NeedsKeyAndReset {
            self.opened = open(self.codec, &self.complaints)?;
            self.opened.skip_frame(self.skip);
        }
        self.state = State::Running;
        let mut packet = self.packet(unit.data)?;
        // A time stamp stays with its picture: use it for the time of arrival.
        let arrived = unit.arrived.since(Monotonic::since_zero(Duration::ZERO));
        packet.set_pts(i64::try_from(arrived.as_nanos()).ok());
        if unit.is_hidden {
            picture::hide(&mut packet);
        }
        self.complaints.begin_unit();
        match self.opened.send_packet(&packet) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.damaged(&error.to_string())),
        }
    }

    /// The next picture in display order.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn pull(&mut self) -> Result<Option<Picture>, DecodeError> {
        let mut frame = frame::Video::empty();
        match self.opened.receive_frame(&mut frame) {
            Ok(()) => {}
            Err(Error::Eof | Error::Other { errno: EAGAIN }) => {
                return self.complained().map_or(Ok(None), Err);
            }
            Err(error) => return Err(self.damaged(&error.to_string())),
        }
        if let Some(error) = self.complained() {
            return Err(error);
        }
        if frame.is_corrupt() || frame.has_decode_errors() {
            return Err(self.damaged("parts of it could not be decoded"));
        }
        let arrived = frame.pts().and_then(|pts| u64::try_from(pts).ok()).unwrap_or_default();
        self.last = self.last.max(Monotonic::since_zero(Duration::from_nanos(arrived)));
        Picture::new(frame, self.last).map(Some)
    }

    /// Ends the stream: pictures that waited for others can now be pulled. Nothing can be pushed until
    /// [`flush`](Self::flush).
    pub fn end(&mut self) {
        self.complaints.begin_unit();
        // It fails only if already ended.
        let _ = self.opened.send_eof();
    }

    /// Forgets everything; the next unit to be decoded is a key unit.
    pub fn flush(&mut self) {
        self.opened.flush();
        if self.state == State::Running {
            self.state = State::NeedsKey;
        }
    }

    /// Whether units are skipped until the next key unit.
    pub fn needs_key(&self) -> bool {
        self.state != State::Running
    }

    /// Skips pictures that no other refers to, to catch up.
    pub fn skip_non_reference(&mut self, skip: bool) {
        self.skip = if skip { Discard::NonReference } else { Discard::Default };
        self.opened.skip_frame(self.skip);
    }

    /// Checks a unit's parameter sets before the library does, which would allocate the memory that they ask
    /// for, or only report damage.
    fn look_at_sequences(&mut self, unit: &[u8]) -> Result<(), DecodeError> {
        let mut is_news = false;
        for (nal, sequence) in sps::all(self.codec, unit) {
            let sequence = sequence.ok_or_else(|| {
                DecodeError::Damaged(format!("{} parameter sets are damaged", self.codec.name()))
            })?;
            let known = self.sequences.iter_mut().find(|(_, known)| known.id == sequence.id);
            match known {
                Some((bytes, _)) if bytes == nal => {}
                Some(known) => (*known, is_news) = ((nal.to_vec(), sequence), true),
                None => {
                    self.sequences.push((nal.to_vec(), sequence));
                    is_news = true;
                }
            }
        }
        if is_news { self.reserve() } else { Ok(()) }
    }

    /// Reserves the memory for the largest sequence that the stream may use.
    fn reserve(&mut self) -> Result<(), DecodeError> {
        let estimates = self.sequences.iter().map(|(_, sequence)| Estimate::new(self.codec, *sequence));
        let Some(largest) = estimates.max_by_key(Estimate::bytes) else { return Ok(()) };
        let reserved =
            self.sequences.iter().try_for_each(|(_, sequence)| check_size(sequence)).and_then(|()| {
                let account = &self.complaints.account;
                let reserved = account.reserve(largest.bytes(), largest.other_bytes());
                reserved.map_err(|refused| too_large(&largest.to_string(), refused))
            });
        if reserved.is_err() {
            // Check them again if the stream continues.
            self.sequences.clear();
        }
        reserved
    }

    /// The stream's fault, if only the library's log reports it.
    fn complained(&mut self) -> Option<DecodeError> {
        let complaint = self.complaints.take()?;
        Some(self.damaged(complaint))
    }

    fn damaged(&mut self, why: &str) -> DecodeError {
        if let Some(refused) = self.complaints.account.take_refusal() {
            return too_large(
                &format!("{} that keeps more pictures than it says", self.codec.name()),
                refused,
            );
        }
        self.flush();
        self.state = State::NeedsKeyAndReset;
        DecodeError::Damaged(format!("{} picture: {why}", self.codec.name()))
    }

    /// A packet that shares the unit's memory.
    fn packet(&mut self, mut unit: UnitBytes) -> Result<Packet, DecodeError> {
        if self.codec == Codec::H265 {
            remove_sei(&mut unit);
        }
        let bytes = unit.len();
        packet::of(unit).ok_or_else(|| {
            self.flush();
            DecodeError::Library(format!("no memory for a unit of {bytes} bytes"))
        })
    }
}

fn check_size(sequence: &Sequence) -> Result<(), DecodeError> {
    let (width, height) = sequence.coded;
    let name = sequence.format.codec.name();
    if i64::from(width) * i64::from(height) > PICTURE_MAX_PIXELS {
        return Err(DecodeError::Unsupported(format!(
            "{name} pictures of {width}x{height} pixels, at most {} megapixels can be decoded; choose a smaller stream",
            PICTURE_MAX_PIXELS / 1_000_000
        )));
    }
    let side_max = limits::PICTURE_SIDE_MAX_PIXELS as u32;
    if width.max(height) > side_max {
        return Err(DecodeError::Unsupported(format!(
            "{name} pictures of {width}x{height} pixels: sides must be within 1 to {side_max}"
        )));
    }
    Ok(())
}

fn too_large(stream: &str, refused: Refused) -> DecodeError {
    DecodeError::TooLarge(format!(
        "{stream} takes {refused}; choose the camera's second stream, or a smaller size or fewer reference pictures in the camera"
    ))
}

/// Opens the library's decoder.
fn open(codec: Codec, complaints: &Complaints) -> Result<Opened, DecodeError> {
    let id = match codec {
        Codec::H264 => codec::Id::H264,
        Codec::H265 => codec::Id::HEVC,
    };
    let missing = || DecodeError::Unsupported(format!("this build has no decoder of {}", codec.name()));
    let mut context = Context::new_with_codec(decoder::find(id).ok_or_else(missing)?);
    // Unaligned: a picture cropped on the left starts where it should.
    context.set_flags(Flags::LOW_DELAY | Flags::UNALIGNED);
    context.set_threading(threading::Config { kind: threading::Type::Slice, count: 1 });
    picture::set_up(&mut context, PICTURE_MAX_PIXELS, complaints);
    let mut decoder = context.decoder();
    if codec == Codec::H265 {
        // Nothing else reports a slice that could not be decoded. In H.264, error concealment does so for
        // each picture, and a harmless mistake costs none.
        decoder.check(Check::EXPLODE);
    }
    decoder.open().map_err(|error| DecodeError::Library(error.to_string()))
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("codec", &self.codec).finish_non_exhaustive()
    }
}

/// Removes the SEI NAL units that are still in a unit of H.265 ([`nal::is_left_out`]): those of cameras that
/// send several NAL units as one.
fn remove_sei(unit: &mut UnitBytes) {
    let mut at = 0;
    while let Some(begin) = memchr::memmem::find(&unit[at..], &[0, 0, 1]).map(|begin| at + begin) {
        at = begin + 3;
        if nal::is_left_out(Codec::H265, &unit[at..]) {
            let end = memchr::memmem::find(&unit[at..], &[0, 0, 1]).map_or(unit.len(), |end| at + end);
            unit.remove(begin..end);
            at = begin;
        }
    }
}

/// Why a unit gave no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    /// This picture is lost, and so are those that refer to it.
    Damaged(String),
    /// Pictures of this kind cannot be shown.
    Unsupported(String),
    /// It exceeds the memory budget.
    TooLarge(String),
    /// The library failed, for example for lack of memory.
    Library(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(what) | Self::Unsupported(what) | Self::TooLarge(what) => f.write_str(what),
            Self::Library(what) => write!(f, "decoder: {what}"),
        }
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests;
