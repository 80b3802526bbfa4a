//! Video files: coded pictures in order, with their due times.

#![allow(unsafe_code, reason = "the binding does not lend a stream's extradata")]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::time::Duration;

use ffmpeg_next::format::context::{Input, StreamIo};
use ffmpeg_next::packet::Ref as _;
use ffmpeg_next::{Dictionary, Error, Packet, Rational, Stream, codec, ffi, format, media};

use super::boxes;
use super::picture::turn_of;
use crate::picture::{PixelAspect, Shape};
use crate::video::framing::Framing;
use crate::video::{ACCESS_UNIT_MAX_BYTES, Codec, UnitBytes};

/// The rate of a file that states none: raw MJPEG, or H.264 without timing information.
const FPS_DEFAULT: u32 = 25;

/// The longest time between two pictures. More is a damaged time stamp; even slow time lapses have less.
const GAP_MAX: Duration = Duration::from_mins(1);

/// How much faster than their rate hidden pictures come: fast enough to reach the cut soon, slow enough for a
/// decoder that barely keeps the rate.
const HIDDEN_SPEED: u32 = 4;

/// Bytes to read to identify a file's content; FFmpeg's default is 5 MB.
const LOOK_MAX_BYTES: &str = "2000000";

/// How many pictures may be shown before one that is decoded earlier (ITU-T H.264 and H.265, annex C).
const REORDERED_MAX: usize = 16;

/// Streams in a file. Cameras write up to five, phones seven.
const STREAMS_MAX: &str = "32";

/// An open video file.
pub struct Demuxer {
    input: Input,
    stream: usize,
    content: Content,
    /// Whether its time stamps are recorded ones.
    has_clock: bool,
    has_display_times_only: bool,
    ahead: Ahead,
    time_base: Rational,
    interval: Duration,
    shape: Shape,
    last: Option<Last>,
}

/// How its pictures are coded.
#[derive(Debug)]
enum Content {
    Video(Codec, Framing),
    Jpeg,
}

/// The previous picture.
struct Last {
    /// Its decoding time stamp, in the stream's time base.
    stamp: Option<i64>,
    due: Duration,
    is_hidden: bool,
}

/// A coded picture of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedPicture {
    /// Its bytes.
    pub data: Coded,
    /// Whether decoding can start with it.
    pub is_key: bool,
    /// Whether it lies before the cut that the file starts with: decoded for others, and not shown.
    pub is_hidden: bool,
    /// When to decode it, after the first one.
    pub due: Duration,
}

/// The bytes of a coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coded {
    /// In byte stream format, with the parameter sets in key pictures.
    Video(Codec, UnitBytes),
    /// One JPEG.
    Jpeg(Vec<u8>),
}

impl Demuxer {
    /// Finds the video in a file. `name` helps to recognise raw streams; `fps` is the rate if the file states
    /// none. Reading ends with an error once `interrupted` returns true.
    ///
    /// # Errors
    /// What the file holds instead, or what is wrong with it.
    pub fn open(
        mut file: File,
        name: &str,
        fps: Option<u32>,
        interrupted: impl FnMut() -> bool + Send + 'static,
    ) -> Result<Self, String> {
        super::log::install();
        let words = |error: Error| match error {
            Error::InvalidData => "its format is not known, or it is damaged or incomplete".to_owned(),
            error => error.to_string(),
        };
        boxes::check(&mut file)?;
        let io = StreamIo::from_read_seek(file).map_err(words)?;
        let mut options = Dictionary::new();
        // Only read, never decode: the decoder checks its input elsewhere.
        options.set("codec_whitelist", "none");
        options.set("probesize", LOOK_MAX_BYTES);
        options.set("max_streams", STREAMS_MAX);
        let input = format::input_from_stream_with_interrupt(io, Some(name), Some(options), interrupted)
            .map_err(words)?;
        let stream = input.streams().best(media::Type::Video).ok_or("no video in it")?;
        let parameters = stream.parameters();
        let codec = match parameters.id() {
            codec::Id::H264 => Some(Codec::H264),
            codec::Id::HEVC => Some(Codec::H265),
            codec::Id::MJPEG => None,
            other => return Err(format!("its video is {}", other.name())),
        };
        let (extra, coded_rate) = beside_the_pictures(&parameters);
        let shape = shape_beside(&stream, &parameters);
        let content = match codec {
            None => Content::Jpeg,
            Some(codec) => {
                Content::Video(codec, Framing::read(codec, &extra).ok_or("its parameter sets are damaged")?)
            }
        };
        // Readers of raw streams report only their own default times.
        let has_clock = !matches!(input.format().name(), "mjpeg" | "h264" | "hevc");
        let has_display_times_only = input.format().name().starts_with("matroska");
        let rates = if has_clock { [stream.avg_frame_rate(), stream.rate()] } else { [coded_rate; 2] };
        let by_fps = Duration::from_secs(1) / fps.unwrap_or(FPS_DEFAULT).max(1);
        let interval = rates.into_iter().find_map(interval_of).unwrap_or(by_fps);
        let (stream, time_base) = (stream.index(), stream.time_base());
        Ok(Self {
            input,
            stream,
            content,
            has_clock,
            has_display_times_only,
            ahead: Ahead::default(),
            time_base,
            interval,
            shape,
            last: None,
        })
    }

    /// The mean time between two pictures.
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// The pictures' shape according to the file.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The due time of a picture. Decoding times increase; if they do not, or are missing (as in raw
    /// streams), the rate continues.
    fn due(&mut self, stamp: Option<i64>, is_hidden: bool) -> Duration {
        let due = match &self.last {
            None => Duration::ZERO,
            Some(last) => {
                let step = last.stamp.zip(stamp).and_then(|(before, stamp)| {
                    duration(stamp.checked_sub(before)?, self.time_base).filter(|step| *step <= GAP_MAX)
                });
                let step = step.unwrap_or(self.interval);
                last.due + if last.is_hidden { step / HIDDEN_SPEED } else { step }
            }
        };
        self.last = Some(Last { stamp, due, is_hidden });
        due
    }
}

/// Packets of a file that stores only display times, as Matroska does: read ahead, to give them the display
/// times in order.
#[derive(Default)]
struct Ahead {
    packets: VecDeque<Packet>,
    bytes: usize,
    /// Display times of these packets.
    stamps: BinaryHeap<Reverse<i64>>,
}

impl Ahead {
    fn is_enough(&self) -> bool {
        self.packets.len() > REORDERED_MAX || self.bytes > ACCESS_UNIT_MAX_BYTES
    }

    fn push(&mut self, packet: Packet) {
        self.bytes += packet.size();
        self.stamps.extend(packet.pts().map(Reverse));
        self.packets.push_back(packet);
    }

    /// The first packet, with the earliest display time.
    fn pop(&mut self) -> Option<(Packet, Option<i64>)> {
        let packet = self.packets.pop_front()?;
        self.bytes -= packet.size();
        let stamp = packet.pts().and_then(|_| self.stamps.pop());
        Some((packet, stamp.map(|Reverse(stamp)| stamp)))
    }
}

impl Demuxer {
    /// The next video packet, and its decoding time stamp.
    fn packet(&mut self) -> Option<(Packet, Option<i64>)> {
        if !self.has_display_times_only {
            let packet = self.read()?;
            let stamp = packet.dts().filter(|_| self.has_clock);
            return Some((packet, stamp));
        }
        while !self.ahead.is_enough()
            && let Some(packet) = self.read()
        {
            self.ahead.push(packet);
        }
        self.ahead.pop()
    }

    fn read(&mut self) -> Option<Packet> {
        loop {
            let mut packet = Packet::empty();
            packet.read(&mut self.input).ok()?;
            if packet.stream() == self.stream {
                return Some(packet);
            }
        }
    }
}

impl Iterator for Demuxer {
    type Item = CodedPicture;

    /// The next picture in decoding order; `None` at the end, even of a truncated file.
    fn next(&mut self) -> Option<CodedPicture> {
        loop {
            let (packet, stamp) = self.packet()?;
            let is_hidden = is_discarded(&packet);
            let due = self.due(stamp, is_hidden);
            let Some(data) = packet.data().filter(|data| (1..=ACCESS_UNIT_MAX_BYTES).contains(&data.len()))
            else {
                continue;
            };
            let (data, is_key) = match &self.content {
                Content::Jpeg => (Coded::Jpeg(data.to_vec()), true),
                Content::Video(codec, framing) => {
                    (Coded::Video(*codec, framing.unit(*codec, data, packet.is_key())), packet.is_key())
                }
            };
            return Some(CodedPicture { data, is_key, is_hidden, due });
        }
    }
}

impl std::fmt::Debug for Demuxer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Demuxer").field("content", &self.content).finish_non_exhaustive()
    }
}

/// Converts units of the time base, if they are a valid time.
fn duration(units: i64, time_base: Rational) -> Option<Duration> {
    let (num, den) =
        (u64::try_from(time_base.numerator()).ok()?, u64::try_from(time_base.denominator()).ok()?);
    let nanos = u128::from(u64::try_from(units).ok()?) * u128::from(num) * 1_000_000_000;
    nanos.checked_div(u128::from(den)).and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos)
}

/// The time between two pictures at a rate, if the rate is plausible.
fn interval_of(rate: Rational) -> Option<Duration> {
    let interval = duration(1, rate.invert())?;
    (Duration::from_millis(1)..=GAP_MAX).contains(&interval).then_some(interval)
}

/// Whether it lies outside of the file's edit list (ISO/IEC 14496-12, 8.6.6).
fn is_discarded(packet: &Packet) -> bool {
    // SAFETY: the packet is ours, and its flags are a number.
    unsafe { (*packet.as_ptr()).flags & ffi::AV_PKT_FLAG_DISCARD != 0 }
}

/// The pictures' shape according to the file.
fn shape_beside(stream: &Stream<'_>, parameters: &codec::Parameters) -> Shape {
    // SAFETY: both belong to an open file, which they keep open. FFmpeg keeps `size` bytes at the `data` of
    // each of the counted side data.
    let (aspect, turn) = unsafe {
        let (stream, parameters) = (&*stream.as_ptr(), &*parameters.as_ptr());
        let sides = match usize::try_from(parameters.nb_coded_side_data) {
            Ok(count) if !parameters.coded_side_data.is_null() => {
                std::slice::from_raw_parts(parameters.coded_side_data, count)
            }
            _ => &[],
        };
        let matrix = ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX;
        let matrix = sides.iter().find(|side| side.type_ == matrix && !side.data.is_null());
        let turn = matrix.and_then(|side| turn_of(std::slice::from_raw_parts(side.data, side.size)));
        (stream.sample_aspect_ratio, turn)
    };
    let side = |side: i32| u32::try_from(side).unwrap_or(0);
    let aspect = PixelAspect { width: side(aspect.num), height: side(aspect.den) };
    Shape { aspect, turn: turn.unwrap_or_default() }
}

/// The parameter sets in the container, and their rate.
fn beside_the_pictures(parameters: &codec::Parameters) -> (Vec<u8>, Rational) {
    // SAFETY: the parameters are those of an open file, which `parameters` keeps open. FFmpeg keeps
    // `extradata_size` bytes at `extradata`, or null.
    unsafe {
        let parameters = &*parameters.as_ptr();
        let rate = Rational::from(parameters.framerate);
        let len = usize::try_from(parameters.extradata_size).unwrap_or(0);
        if parameters.extradata.is_null() || len == 0 {
            return (Vec::new(), rate);
        }
        (std::slice::from_raw_parts(parameters.extradata, len).to_vec(), rate)
    }
}

#[cfg(test)]
mod tests;
