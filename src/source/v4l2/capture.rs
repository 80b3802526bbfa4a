//! Captures from one open device, on a thread that waits in the kernel.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use v4l::buffer::{Flags, Metadata, Type};
use v4l::io::mmap::Stream;
use v4l::io::traits::{CaptureStream, Stream as _};
use v4l::video::Capture as _;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use super::modes::{self, Encoding, Mode, Offer, fourcc_text};
use super::{devices, offers};
use crate::camera::lost::Lost;
use crate::camera::stop::Stop;
use crate::clock::Monotonic;
use crate::config::Picture;
use crate::encode::JpegEncoder;
use crate::frame::{Frame, FrameBuffer, Kind};
use crate::hub::{Hub, Opened};
use crate::limits;
use crate::mjpeg;
use crate::picture::RawPicture;

/// Driver buffers to ask for: one being read, one being filled, two for a late thread.
const BUFFERS: u32 = 4;

/// The kernel's own ceiling (VIDEO_MAX_FRAME), for drivers that give more than was asked for.
const BUFFERS_MAX: usize = 32;

/// What the capture thread needs.
#[derive(Debug)]
pub struct Capture {
    pub name: String,
    pub node: PathBuf,
    pub picture: Picture,
    pub hub: Arc<Hub>,
    pub stop: Stop,
}

impl Capture {
    /// Opens the device and publishes its pictures until the stop is requested.
    pub fn run(&self) -> Result<(), Lost> {
        let device =
            Device::with_path(&self.node).map_err(|error| devices::open_error(&self.node, &error))?;
        let capabilities = device.query_caps().map_err(|error| devices::open_error(&self.node, &error))?;
        if !devices::is_camera(&capabilities) {
            return Err(Lost::Unsupported(format!(
                "{} ({}) gives no pictures; \"pinhole cameras\" lists what does",
                self.node.display(),
                capabilities.card
            )));
        }
        let negotiated = self.negotiate(&device)?;
        self.stream(&device, &negotiated)
    }

    fn negotiate(&self, device: &Device) -> Result<Negotiated, Lost> {
        let offers = offers::offers(device).map_err(|error| refused("list its formats", &error))?;
        let asked = modes::choose(&offers, &self.picture)
            .ok_or_else(|| Lost::Unsupported(unsuitable(&offers, &self.picture)))?;
        let format = Format::new(asked.width, asked.height, FourCC::new(&asked.fourcc));
        let given = device.set_format(&format).map_err(|error| refused("set its format", &error))?;
        let fps = set_rate(device, asked.fps);
        let encoding = Encoding::from_fourcc(given.fourcc.repr).ok_or_else(|| {
            Lost::Unsupported(format!(
                "it gives the format {}, which cannot be served, when asked for {asked}",
                fourcc_text(given.fourcc.repr)
            ))
        })?;
        Ok(Negotiated { asked, given, fps, encoding })
    }

    fn stream(&self, device: &Device, negotiated: &Negotiated) -> Result<(), Lost> {
        let mut stream = Stream::with_buffers(device, Type::VideoCapture, BUFFERS)
            .map_err(|error| refused("give buffers", &error))?;
        // A wait of its own would not hear the stop; poll below has said that a buffer is ready.
        stream.set_timeout(Duration::from_millis(100));
        // `next` queues buffer 0 itself, the first time too. The others are queued until the driver
        // has no such buffer.
        for index in 1..BUFFERS_MAX {
            if CaptureStream::queue(&mut stream, index).is_err() {
                break;
            }
        }
        stream.start().map_err(|error| refused("start", &error))?;
        let mut reader = Reader {
            capture: self,
            negotiated,
            encoder: JpegEncoder::new(self.picture.quality, self.picture.chroma)
                .map_err(|error| Lost::Driver(error.to_string()))?,
            sequence: None,
            silence: Silence::new(self.hub.clock().now()),
        };
        let fd = descriptor(device);
        loop {
            match wait(fd, &self.stop, reader.silence.time_left(self.hub.clock().now()))? {
                Waited::Stop => return Ok(()),
                Waited::Silence => return Err(reader.silence.lost()),
                Waited::Interrupted => continue,
                Waited::Ready => {}
            }
            let (mut bytes, mut metadata) =
                stream.next().map_err(|error| refused("give a picture", &error))?;
            reader.count_gap(metadata);
            // Behind by whole pictures: only the newest is worth the work.
            while is_ready(fd) {
                self.hub.count_dropped(1);
                (bytes, metadata) = stream.next().map_err(|error| refused("give a picture", &error))?;
                reader.count_gap(metadata);
            }
            reader.read(bytes, metadata)?;
        }
    }
}

/// What was asked for, and what the driver made of it.
#[derive(Debug)]
struct Negotiated {
    asked: Mode,
    given: Format,
    fps: Option<f64>,
    encoding: Encoding,
}

/// Turns captured buffers into frames.
struct Reader<'a> {
    capture: &'a Capture,
    negotiated: &'a Negotiated,
    encoder: JpegEncoder,
    sequence: Option<u32>,
    silence: Silence,
}

impl Reader<'_> {
    /// Counts the pictures that the driver had no buffer for, or dropped as damaged.
    fn count_gap(&mut self, metadata: &Metadata) {
        if let Some(before) = self.sequence.replace(metadata.sequence) {
            let gap = metadata.sequence.wrapping_sub(before).wrapping_sub(1);
            // Some drivers begin anew after an error: that is no gap of four thousand millions.
            if gap < 1000 {
                self.capture.hub.count_dropped(u64::from(gap));
            }
        }
    }

    fn read(&mut self, bytes: &[u8], metadata: &Metadata) -> Result<(), Lost> {
        let hub = &self.capture.hub;
        let now = hub.clock().now();
        let mut jpeg = hub.pool().take();
        match self.jpeg(bytes, metadata, &mut jpeg) {
            Ok((width, height)) => {
                self.silence.broken(now);
                let captured = captured_at(metadata, now);
                if hub.publish(Frame::new(jpeg, hub.clock(), captured, width, height, Kind::Picture)) {
                    self.announce(width, height);
                }
                Ok(())
            }
            Err(damage) => {
                log::debug!("camera {}: picture {}: {damage}", self.capture.name, metadata.sequence);
                hub.count_bad();
                self.silence.damaged(damage);
                match self.silence.time_left(now) {
                    Duration::ZERO => Err(self.silence.lost()),
                    _ => Ok(()),
                }
            }
        }
    }

    /// The buffer as a JPEG, and its size in pixels.
    fn jpeg(
        &mut self,
        bytes: &[u8],
        metadata: &Metadata,
        out: &mut FrameBuffer,
    ) -> Result<(u32, u32), String> {
        if metadata.flags.contains(Flags::ERROR) {
            return Err("the driver says that it is damaged".to_owned());
        }
        let bytes = bytes.get(..metadata.bytesused as usize).unwrap_or(bytes);
        let given = &self.negotiated.given;
        match self.negotiated.encoding {
            Encoding::Jpeg => {
                let info = mjpeg::mend(bytes, out).map_err(|damaged| damaged.to_string())?;
                Ok((info.width, info.height))
            }
            Encoding::Raw(format) => {
                let picture = RawPicture {
                    format,
                    width: given.width as usize,
                    height: given.height as usize,
                    stride: given.stride as usize,
                    data: bytes,
                };
                self.encoder.encode(&picture, out).map_err(|error| error.to_string())?;
                Ok((given.width, given.height))
            }
        }
    }

    /// Says, with the first picture, what was asked for and what came of it.
    fn announce(&self, width: u32, height: u32) {
        let Negotiated { asked, given, fps, .. } = self.negotiated;
        let format = fourcc_text(given.fourcc.repr);
        let rate =
            fps.map_or("its own rate".to_owned(), |fps| format!("{} fps", (fps * 100.0).round() / 100.0));
        log::info!(
            "camera {}: live, {format} {width}x{height} at {rate} from {} (asked for {asked})",
            self.capture.name,
            self.capture.node.display()
        );
        self.capture.hub.set_opened(Opened { width, height, format });
    }
}

/// How long there has been no good picture, and what came instead.
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

/// The device's descriptor, which the binding lends only as a number.
#[allow(unsafe_code)]
fn descriptor(device: &Device) -> BorrowedFd<'_> {
    // SAFETY: the descriptor is open for as long as the device that the result borrows from.
    unsafe { BorrowedFd::borrow_raw(device.handle().fd()) }
}

enum Waited {
    Ready,
    Interrupted,
    Stop,
    Silence,
}

fn wait(device: BorrowedFd<'_>, stop: &Stop, longest: Duration) -> Result<Waited, Lost> {
    let timeout =
        Timespec::try_from(longest).map_err(|error| Lost::Driver(format!("waiting time: {error}")))?;
    let mut fds = [
        PollFd::from_borrowed_fd(device, PollFlags::IN),
        PollFd::from_borrowed_fd(stop.readable(), PollFlags::IN),
    ];
    match poll(&mut fds, Some(&timeout)) {
        Err(Errno::INTR) => Ok(Waited::Interrupted),
        Err(error) => Err(Lost::Driver(format!("cannot be waited for: {error}"))),
        Ok(0) => Ok(Waited::Silence),
        Ok(_) if stop.is_requested() => Ok(Waited::Stop),
        // Readable, or in error: dequeuing says which.
        Ok(_) => Ok(Waited::Ready),
    }
}

fn is_ready(device: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(device, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok() && fds[0].revents() == PollFlags::IN
}

/// The driver's own time of capture where it is one of `CLOCK_MONOTONIC` and can be true.
fn captured_at(metadata: &Metadata, now: Monotonic) -> Monotonic {
    let timestamp = metadata.timestamp;
    let (Ok(seconds), Ok(micros)) = (u64::try_from(timestamp.sec), u64::try_from(timestamp.usec)) else {
        return now;
    };
    let stamped = Monotonic::since_zero(Duration::from_secs(seconds) + Duration::from_micros(micros));
    let monotonic = metadata.flags & Flags::TIMESTAMP_MASK == Flags::TIMESTAMP_MONOTONIC;
    if monotonic && stamped <= now && now.since(stamped) < limits::SILENCE_MAX { stamped } else { now }
}

/// Asks for a rate. The rate that the driver gave; `None` where it does not let itself be told.
fn set_rate(device: &Device, fps: u32) -> Option<f64> {
    let given = device.set_params(&Parameters::with_fps(fps)).or_else(|_| device.params()).ok()?;
    let interval = given.interval;
    (interval.numerator > 0 && interval.denominator > 0)
        .then(|| f64::from(interval.denominator) / f64::from(interval.numerator))
}

/// What it means that the driver refused something.
fn refused(what: &str, error: &io::Error) -> Lost {
    match Errno::from_io_error(error) {
        Some(Errno::NODEV | Errno::NXIO) => Lost::Unplugged,
        Some(Errno::BUSY) => Lost::Busy,
        Some(Errno::NOSPC) => Lost::NoBandwidth,
        Some(Errno::ACCESS | Errno::PERM) => Lost::Forbidden,
        Some(Errno::IO | Errno::TIMEDOUT) => Lost::Driver(format!(
            "it does not answer when asked to {what} ({error}); unplug the camera and plug it in again"
        )),
        _ => Lost::Driver(format!("it refuses to {what}: {error}")),
    }
}

fn unsuitable(offers: &[Offer], picture: &Picture) -> String {
    let offered: Vec<_> = offers.iter().map(|offer| fourcc_text(offer.fourcc)).collect();
    let offered = if offered.is_empty() { "nothing".to_owned() } else { offered.join(", ") };
    format!("it offers {offered}; asked for the format {}", picture.format)
}
