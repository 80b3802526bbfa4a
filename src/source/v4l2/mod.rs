//! V4L2 capture devices: finds them, recognises them when they come back, captures from them.
//!
//! The only module that names the `v4l` crate. That crate panics on some driver answers that it does not
//! know (names that are not UTF-8, for one), so every call into it runs under `catch_unwind` (here in
//! [`devices`], and on the capture thread). `kernel` makes the requests whose answers the crate would
//! convert.

pub mod binding;
mod buffers;
mod capture;
pub mod controls;
mod dev_watch;
mod device_probe;
pub mod devices;
mod driver;
mod flow;
mod formats;
pub mod identity;
mod kernel;
pub mod modes;
pub mod monitor;
mod negotiate;
mod reader;

use std::io;
use std::panic::catch_unwind;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use event_listener::EventListener;
use futures_lite::future::or;
use rustix::io::Errno;

use super::publisher::Publisher;
use super::silence::{Quiet, What};
use super::thread;
use crate::camera::lost::{DriverLost, Lost};
use crate::camera::stop::Stop;
use crate::clock::Clock;
use crate::config::Picture;
use crate::limits;
use binding::Binding;
use driver::Api;
use kernel::Kernel;
use monitor::Monitor;

/// The formats, sizes and rates that the device at a node offers.
///
/// # Errors
/// If it cannot be queried.
pub fn formats_of(node: &Path) -> Result<Vec<modes::OfferedFormat>, Lost> {
    ask(node, |device| formats::formats(device, Api::SinglePlanar))
}

/// The formats that the device at a node offers by the multi-planar API, and why it cannot be used.
///
/// # Errors
/// If it cannot be queried.
pub fn multi_planar_formats_of(node: &Path) -> Result<(Vec<modes::OfferedFormat>, Lost), Lost> {
    ask(node, |device| Ok((formats::formats(device, Api::MultiPlanar)?, negotiate::multi_planar(device))))
}

fn ask<T>(node: &Path, question: fn(&Kernel) -> io::Result<T>) -> Result<T, Lost> {
    catch_unwind(|| Kernel::open(node).and_then(|device| question(&device)))
        .unwrap_or_else(|_| Err(io::Error::other("answers that are not V4L2")))
        .map_err(|error| devices::open_error(node, &error))
}

/// The reason for a refused request.
fn refused(request: &'static str, error: &io::Error) -> Lost {
    match Errno::from_io_error(error) {
        Some(Errno::NODEV | Errno::NXIO) => Lost::Unplugged,
        Some(Errno::BUSY) => Lost::Busy,
        Some(Errno::NOSPC) => Lost::NoBandwidth,
        Some(Errno::ACCESS | Errno::PERM) => Lost::Forbidden,
        Some(Errno::IO | Errno::TIMEDOUT) => {
            DriverLost::DoesNotAnswer { request, error: error.into() }.into()
        }
        _ => DriverLost::Refuses { request, error: error.into() }.into(),
    }
}

enum Capturing {
    Ended(Result<(), Lost>),
    Quiet(Quiet),
}

/// The reason when no good picture came.
fn silent(quiet: Quiet) -> Lost {
    let seconds = quiet.time.as_secs();
    match quiet.instead {
        What::Damaged { pictures, last } => Lost::Damaged { pictures, seconds, last },
        _ => Lost::Silent { seconds },
    }
}

/// The capture device of one camera, wherever it is plugged in.
#[derive(Debug)]
pub struct Source {
    name: String,
    presence: Presence,
    picture: Picture,
}

impl Source {
    /// A source that opens the device of `binding`.
    pub fn new(name: &str, binding: Arc<Binding>, monitor: Arc<Monitor>, picture: &Picture) -> Self {
        Self { name: name.to_owned(), presence: Presence { binding, monitor }, picture: picture.clone() }
    }

    /// Whether the device is there.
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Captures until `stop` is requested.
    pub async fn run(&self, publisher: &Arc<Publisher>, clock: &Clock, stop: &Stop) -> Result<(), Lost> {
        let Some(node) = self.presence.binding.node() else { return Err(self.presence.binding.missing()) };
        let capture = capture::Capture {
            node,
            picture: self.picture.clone(),
            publisher: publisher.clone(),
            clock: clock.clone(),
            stop: stop.clone(),
        };
        let thread = format!("v4l2 {}", self.name);
        let mut capturing = pin!(thread::run(&thread, move || capture.run()));
        let ended = or(async { Capturing::Ended((&mut capturing).await) }, async {
            Capturing::Quiet(publisher.quiet(limits::SILENCE_MAX).await)
        });
        let ended = match ended.await {
            Capturing::Ended(ended) => ended,
            Capturing::Quiet(quiet) => {
                stop.request();
                // Wait until the device is closed: the next run opens it again.
                capturing.await.and(Err(silent(quiet)))
            }
        };
        if ended.is_err() {
            // The driver's error may be the first sign of an unplugged device.
            self.presence.monitor.look().await;
        }
        // The `v4l` crate panics on answers that it does not know.
        let ended = ended.map_err(|lost| match lost {
            Lost::Internal { message } => DriverLost::UnexpectedAnswer { message }.into(),
            lost => lost,
        });
        match (ended, self.presence.binding.node()) {
            (Err(Lost::Driver(_) | Lost::Silent { .. }), None) => Err(self.presence.binding.missing()),
            (ended, _) => ended,
        }
    }
}

/// Whether a device that can be unplugged is present.
#[derive(Debug, Clone)]
pub struct Presence {
    binding: Arc<Binding>,
    monitor: Arc<Monitor>,
}

impl Presence {
    /// The binding to the device.
    pub fn binding(&self) -> &Arc<Binding> {
        &self.binding
    }

    /// Why the camera is lost without an attempt to open it, if its device is absent.
    pub async fn absent(&self) -> Option<Lost> {
        if self.binding.node().is_none() {
            self.monitor.look().await;
        }
        self.binding.node().is_none().then(|| self.binding.missing())
    }

    /// Listens for devices that come or go.
    pub fn news(&self) -> EventListener {
        self.monitor.listen()
    }
}
