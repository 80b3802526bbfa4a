//! Video files: one coded picture after the other, with when it is due.

#![allow(unsafe_code, reason = "the binding does not lend a stream's extradata")]

use std::fs::File;
use std::time::Duration;

use ffmpeg_next::format::context::{Input, StreamIo};
use ffmpeg_next::{Error, Packet, Rational, codec, format, media};

use super::annexb::Framing;
use crate::rtp::Codec;

/// Pictures a second of a file that does not say it: raw MJPEG, or H.264 without timing information.
const FPS_DEFAULT: u32 = 25;

/// The longest time between two pictures. More is a damaged time stamp; slow time lapses have less.
const GAP_MAX: Duration = Duration::from_mins(1);

/// Bytes of a coded picture, as [`crate::rtp::limits::ACCESS_UNIT_MAX_BYTES`].
const PICTURE_MAX_BYTES: usize = crate::rtp::limits::ACCESS_UNIT_MAX_BYTES;

/// A video file being read.
pub struct Demuxer {
    input: Input,
    stream: usize,
    codec: Codec,
    framing: Framing,
    /// Its time stamps are recorded ones.
    has_clock: bool,
    time_base: Rational,
    interval: Duration,
    /// The decoding time stamp of the last picture, in `time_base`, and when it was due.
    last: Option<(Option<i64>, Duration)>,
}

/// A coded picture of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedPicture {
    /// With start codes and, in key pictures, parameter sets; or one JPEG.
    pub data: Vec<u8>,
    /// Decoding can begin with it.
    pub is_key: bool,
    /// When it is to be decoded, after the first one.
    pub due: Duration,
}

impl Demuxer {
    /// Finds the video in a file. `name` helps to recognise raw streams; `fps` is the rate where the
    /// file has none. Reading ends with an error once `interrupted` says so.
    ///
    /// # Errors
    /// What the file holds instead, or what is wrong with it.
    pub fn open(
        file: File,
        name: &str,
        fps: Option<u32>,
        interrupted: impl FnMut() -> bool + Send + 'static,
    ) -> Result<Self, String> {
        super::log::install();
        let words = |error: Error| match error {
            Error::InvalidData => "its format is not known, or it is damaged or incomplete".to_owned(),
            error => error.to_string(),
        };
        let io = StreamIo::from_read_seek(file).map_err(words)?;
        let input =
            format::input_from_stream_with_interrupt(io, Some(name), None, interrupted).map_err(words)?;
        let stream = input.streams().best(media::Type::Video).ok_or("no video in it")?;
        let parameters = stream.parameters();
        let codec = match parameters.id() {
            codec::Id::H264 => Codec::H264,
            codec::Id::HEVC => Codec::H265,
            codec::Id::MJPEG => Codec::Jpeg,
            other => return Err(format!("its video is {}", other.name())),
        };
        let (extra, coded_rate) = beside_the_pictures(&parameters);
        let framing = match codec {
            Codec::Jpeg => Framing::default(),
            _ => Framing::read(codec, &extra).ok_or("its parameter sets are damaged")?,
        };
        // What a raw stream's reader says of time is its own default.
        let has_clock = !matches!(input.format().name(), "mjpeg" | "h264" | "hevc");
        let rates = if has_clock { [stream.avg_frame_rate(), stream.rate()] } else { [coded_rate; 2] };
        let by_fps = Duration::from_secs(1) / fps.unwrap_or(FPS_DEFAULT).max(1);
        let interval = rates.into_iter().find_map(interval_of).unwrap_or(by_fps);
        let (stream, time_base) = (stream.index(), stream.time_base());
        Ok(Self { input, stream, codec, framing, has_clock, time_base, interval, last: None })
    }

    /// How its pictures are coded.
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// The time between two pictures, on average.
    pub const fn interval(&self) -> Duration {
        self.interval
    }

    /// Decoding times are in order; where they are not, or missing (as in raw streams, and in MKV
    /// before the first B-frame), the rate goes on.
    fn due(&mut self, packet: &Packet) -> Duration {
        let stamp = packet.dts().filter(|_| self.has_clock);
        let due = match self.last {
            None => Duration::ZERO,
            Some((before, due)) => {
                let step = before.zip(stamp).and_then(|(before, stamp)| {
                    duration(stamp.checked_sub(before)?, self.time_base).filter(|step| *step <= GAP_MAX)
                });
                due + step.unwrap_or(self.interval)
            }
        };
        self.last = Some((stamp, due));
        due
    }
}

impl Iterator for Demuxer {
    type Item = CodedPicture;

    /// The next picture in the order of decoding; `None` at the end, which is also where a file that
    /// was cut short ends.
    fn next(&mut self) -> Option<CodedPicture> {
        loop {
            let mut packet = Packet::empty();
            packet.read(&mut self.input).ok()?;
            if packet.stream() != self.stream {
                continue;
            }
            let due = self.due(&packet);
            let Some(data) = packet.data().filter(|data| (1..=PICTURE_MAX_BYTES).contains(&data.len()))
            else {
                continue;
            };
            let is_key = packet.is_key() || self.codec == Codec::Jpeg;
            let data = match self.codec {
                Codec::Jpeg => data.to_vec(),
                codec => self.framing.annex_b(codec, data, is_key),
            };
            return Some(CodedPicture { data, is_key, due });
        }
    }
}

impl std::fmt::Debug for Demuxer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Demuxer").field("codec", &self.codec).finish_non_exhaustive()
    }
}

/// So many units of the time base, if they are a time.
fn duration(units: i64, time_base: Rational) -> Option<Duration> {
    let (num, den) =
        (u64::try_from(time_base.numerator()).ok()?, u64::try_from(time_base.denominator()).ok()?);
    let nanos = u128::from(u64::try_from(units).ok()?) * u128::from(num) * 1_000_000_000;
    nanos.checked_div(u128::from(den)).and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos)
}

/// The time between two pictures at a rate, if it is one that a file can have.
fn interval_of(rate: Rational) -> Option<Duration> {
    let interval = duration(1, rate.invert())?;
    (Duration::from_millis(1)..=GAP_MAX).contains(&interval).then_some(interval)
}

/// What stands beside the pictures: parameter sets, and the rate that those tell.
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
mod tests {
    use super::*;
    use crate::clips::{self, Folder};

    fn read(folder: &Folder, name: &str, fps: Option<u32>) -> Result<(Demuxer, Vec<CodedPicture>), String> {
        let file = File::open(folder.file(name)).unwrap();
        let mut demuxer = Demuxer::open(file, name, fps, || false)?;
        let pictures = demuxer.by_ref().collect();
        Ok((demuxer, pictures))
    }

    #[test]
    fn every_container_at_its_rate() {
        if !clips::available("files") {
            return;
        }
        let folder = Folder::new("demux");
        let h264 = "-r 20 -c:v libx264 -pix_fmt yuv420p -x264-params keyint=10:scenecut=0:bframes=2";
        let h265 =
            "-r 20 -c:v libx265 -pix_fmt yuv420p -x265-params log-level=none:keyint=10:scenecut=0:bframes=2";
        let mjpeg = "-r 20 -c:v mjpeg -pix_fmt yuvj420p";
        for (name, options, codec, fps) in [
            ("a.mp4", h264, Codec::H264, 20),
            ("b.mkv", h264, Codec::H264, 20),
            ("c.avi", h264, Codec::H264, 20),
            ("d.h264", h264, Codec::H264, 20),
            ("e.mp4", h265, Codec::H265, 20),
            ("f.mkv", h265, Codec::H265, 20),
            ("g.h265", h265, Codec::H265, 20),
            ("h.avi", mjpeg, Codec::Jpeg, 20),
            ("i.mkv", mjpeg, Codec::Jpeg, 20),
            ("j.mp4", mjpeg, Codec::Jpeg, 20),
            // Nothing in it says the rate.
            ("k.mjpeg", mjpeg, Codec::Jpeg, 25),
        ] {
            clips::encode_to(&folder.file(name), (160, 120), 25, options);
            let (demuxer, pictures) = read(&folder, name, None).unwrap();
            assert_eq!(demuxer.codec(), codec, "{name}");
            assert_eq!(pictures.len(), 25, "{name}");
            assert!(pictures[0].is_key && pictures.is_sorted_by_key(|picture| picture.due), "{name}");
            let interval = Duration::from_secs(1) / fps;
            for (i, picture) in pictures.iter().enumerate() {
                let off = picture.due.abs_diff(interval * i as u32);
                assert!(off < Duration::from_millis(2), "{name}: {i} is due at {:?}", picture.due);
            }
            let keys = pictures.iter().filter(|picture| picture.is_key).count();
            assert_eq!(keys, if codec == Codec::Jpeg { 25 } else { 3 }, "{name}");
        }
        assert_eq!(read(&folder, "k.mjpeg", Some(5)).unwrap().0.interval(), Duration::from_millis(200));
    }

    #[test]
    fn hostile_files_end_or_are_refused() {
        if !clips::available("files") {
            return;
        }
        let folder = Folder::new("hostile");
        let options = "-c:v libx264 -pix_fmt yuv420p -movflags +faststart";
        clips::encode_to(&folder.file("good.mp4"), (160, 120), 25, options);
        clips::encode_to(&folder.file("sound.mp4"), (160, 120), 25, "-c:v mpeg4");
        let good = std::fs::read(folder.file("good.mp4")).unwrap();
        let refused = |bytes: &[u8]| {
            std::fs::write(folder.file("bad.mp4"), bytes).unwrap();
            read(&folder, "bad.mp4", None).map(|(_, pictures)| pictures.len())
        };
        assert_eq!(refused(&good), Ok(25));
        assert!(refused(&good[..good.len() / 2]).is_ok_and(|pictures| (1..25).contains(&pictures)));
        assert!(refused(&[]).is_err());
        assert!(refused(b"just text, nothing else").unwrap_err().contains("format is not known"));
        assert!(refused(&good[..40]).is_err());
        assert_eq!(read(&folder, "sound.mp4", None).map(|_| ()), Err("its video is mpeg4".to_owned()));
        // One byte after the other is wrong: whatever comes of it, it comes to an end.
        for at in (0..good.len()).step_by(61) {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            let _ = refused(&bad);
        }
    }
}
