//! Captures from one open device, on a thread that waits in the kernel.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::buffers::Buffers;
use super::driver::Filled;
use super::flow::Flow;
use super::kernel::Kernel;
use super::modes::fourcc_text;
use super::negotiate::{self, Negotiated, negotiate};
use super::reader::{Layout, Reader};
use super::{devices, refused};
use crate::camera::lost::{DriverLost, LocalLost, Lost, Task};
use crate::camera::stop::Stop;
use crate::clock::Clock;
use crate::config::Picture;
use crate::config::shown;
use crate::limits;
use crate::source::publisher::Publisher;

/// What the capture thread needs.
#[derive(Debug)]
pub struct Capture {
    pub node: PathBuf,
    pub picture: Picture,
    pub publisher: Arc<Publisher>,
    pub clock: Clock,
    pub stop: Stop,
}

impl Capture {
    /// Opens the device and publishes its pictures until `stop` is requested.
    pub fn run(&self) -> Result<(), Lost> {
        let open_error = |error| devices::open_error(&self.node, &error);
        let device = Kernel::open(&self.node).map_err(open_error)?;
        let capabilities = device.capabilities().map_err(open_error)?;
        if devices::is_multi_planar(&capabilities) {
            return Err(negotiate::multi_planar(&device));
        }
        if !devices::is_camera(&capabilities) {
            return Err(Lost::Unsupported(format!(
                "{} ({}) gives no pictures; \"pinhole cameras\" lists the devices that do",
                shown::device(&self.node),
                capabilities.card
            )));
        }
        let negotiated = negotiate(&device, &self.picture)?;
        let given = &negotiated.given;
        let format = fourcc_text(given.fourcc);
        self.publisher.opened(&format, given.width, given.height, self.words(&negotiated));
        self.stream(&device, &negotiated)
    }

    fn stream(&self, device: &Kernel, negotiated: &Negotiated) -> Result<(), Lost> {
        let give_buffers = |error| refused("give buffers", &error);
        let buffers = Buffers::of(device).map_err(give_buffers)?;
        let mut flow = Flow::of(device, buffers.count()).map_err(give_buffers)?;
        device.start().map_err(|error| refused("start", &error))?;
        self.publisher.expect();
        let layout = Layout { format: negotiated.given, encoding: negotiated.encoding };
        let mut reader = Reader::new(layout, &self.picture, &self.publisher, &self.clock)?;
        loop {
            match wait(device.descriptor(), &self.stop)? {
                Waited::Stop => return Ok(()),
                Waited::Interrupted => {}
                Waited::Ready => match self.newest(device, &mut flow, &mut reader)? {
                    Some(filled) => {
                        reader.read(buffers.bytes(filled.index), &filled);
                        flow.give_back(filled)?;
                    }
                    // poll(2) said that a buffer is ready, but the driver gave none. Retried at once, it
                    // would do the same until it recovers.
                    None => self.pause()?,
                },
            }
        }
    }

    /// The buffer to read: if reading is costly, the newest that is ready.
    fn newest(
        &self,
        device: &Kernel,
        flow: &mut Flow<'_, Kernel>,
        reader: &mut Reader,
    ) -> Result<Option<Filled>, Lost> {
        let Some(mut filled) = flow.take()? else { return Ok(None) };
        reader.count_gap(filled.sequence);
        while reader.is_costly() && is_ready(device.descriptor()) {
            let Some(newer) = flow.take()? else { break };
            flow.give_back(filled)?;
            self.publisher.dropped(1);
            reader.count_gap(newer.sequence);
            filled = newer;
        }
        Ok(Some(filled))
    }

    fn pause(&self) -> Result<(), Lost> {
        let mut stop = [PollFd::from_borrowed_fd(self.stop.readable(), PollFlags::IN)];
        let timeout = timespec(limits::DRIVER_PAUSE)?;
        match poll(&mut stop, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(cannot_be_waited_for(error)),
        }
    }

    /// The requested and the actual mode, for the log.
    fn words(&self, negotiated: &Negotiated) -> String {
        let Negotiated { asked, given, fps, .. } = negotiated;
        let rate =
            fps.map_or("its own rate".to_owned(), |fps| format!("{} fps", (fps * 100.0).round() / 100.0));
        format!(
            "{} {}x{} at {rate} from {} (asked for {asked})",
            fourcc_text(given.fourcc),
            given.width,
            given.height,
            shown::device(&self.node)
        )
    }
}

enum Waited {
    Ready,
    Interrupted,
    Stop,
}

/// Waits for the next picture. The caller's watch on the publisher's silence bounds the wait.
fn wait(device: BorrowedFd<'_>, stop: &Stop) -> Result<Waited, Lost> {
    let mut fds = [
        PollFd::from_borrowed_fd(device, PollFlags::IN),
        PollFd::from_borrowed_fd(stop.readable(), PollFlags::IN),
    ];
    match poll(&mut fds, None) {
        Err(Errno::INTR) => Ok(Waited::Interrupted),
        Err(error) => Err(cannot_be_waited_for(error)),
        Ok(_) if stop.is_requested() => Ok(Waited::Stop),
        // Readable, or in error: dequeuing shows which.
        Ok(_) => Ok(Waited::Ready),
    }
}

fn is_ready(device: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(device, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut fds, Some(&now)).is_ok() && fds[0].revents() == PollFlags::IN
}

fn cannot_be_waited_for(error: Errno) -> Lost {
    DriverLost::CannotBeWaitedFor { error: std::io::Error::from(error).into() }.into()
}

fn timespec(time: Duration) -> Result<Timespec, Lost> {
    Timespec::try_from(time).map_err(|error| LocalLost::new(Task::Wait, error).into())
}
