//! Captures from one open device, on a thread that waits in the kernel.

use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use v4l::buffer::Type;
use v4l::io::mmap::Stream;
use v4l::io::traits::{CaptureStream, Stream as _};
use v4l::video::Capture as _;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use super::modes::{self, Encoding, Mode, Offer, fourcc_text};
use super::reader::{Layout, Reader};
use super::{devices, offers};
use crate::camera::lost::Lost;
use crate::camera::stop::Stop;
use crate::config::Picture;
use crate::hub::{Hub, Opened, State};

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
        let (width, height, format) = (given.width, given.height, fourcc_text(given.fourcc.repr));
        self.hub.set_opened(Opened { width, height, format });
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
        let layout = Layout { format: negotiated.given, encoding: negotiated.encoding };
        let mut reader = Reader::new(&self.name, layout, &self.picture, &self.hub)?;
        let refused = |error: io::Error| refused("give a picture", &error);
        let (fd, mut is_announced) = (descriptor(device), false);
        loop {
            match wait(fd, &self.stop, reader.time_left())? {
                Waited::Stop => return Ok(()),
                Waited::Interrupted => continue,
                Waited::Silence => {}
                Waited::Ready => {
                    let (mut bytes, mut metadata) = stream.next().map_err(refused)?;
                    reader.count_gap(metadata);
                    while reader.is_costly() && is_ready(fd) {
                        self.hub.count_dropped(1);
                        (bytes, metadata) = stream.next().map_err(refused)?;
                        reader.count_gap(metadata);
                    }
                    reader.read(bytes, metadata);
                }
            }
            if let Some(lost) = reader.lost() {
                return Err(lost);
            }
            if !is_announced && self.hub.state() == State::Live {
                is_announced = true;
                self.announce(negotiated);
            }
        }
    }

    /// Says, with the first picture, what was asked for and what came of it.
    fn announce(&self, negotiated: &Negotiated) {
        let Negotiated { asked, given, fps, .. } = negotiated;
        let rate =
            fps.map_or("its own rate".to_owned(), |fps| format!("{} fps", (fps * 100.0).round() / 100.0));
        log::info!(
            "camera {}: live, {} {}x{} at {rate} from {} (asked for {asked})",
            self.name,
            fourcc_text(given.fourcc.repr),
            given.width,
            given.height,
            self.node.display()
        );
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
