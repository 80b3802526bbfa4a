//! V4L2 capture devices: found, recognised when they come back, opened, captured from.
//!
//! The only module that names the `v4l` crate. That crate panics on driver answers that it does not
//! know, so every call into it runs under `catch_unwind` (here in [`devices`], and on the capture
//! thread).

mod capture;
pub mod controls;
pub mod devices;
pub mod identity;
pub mod modes;
pub mod monitor;
mod offers;
mod reader;
mod roll_call;

use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Arc;

use event_listener::EventListener;

use super::thread;
use crate::camera::lost::Lost;
use crate::camera::stop::Stop;
use crate::config::Picture;
use crate::hub::Hub;
use monitor::{Claim, Monitor};

/// Everything that the device at a node offers.
///
/// # Errors
/// Why it cannot be asked.
pub fn offers_of(node: &Path) -> Result<Vec<modes::Offer>, Lost> {
    let ask = || v4l::Device::with_path(node).and_then(|device| offers::offers(&device));
    catch_unwind(ask)
        .unwrap_or_else(|_| Err(std::io::Error::other("answers that are not V4L2")))
        .map_err(|error| devices::open_error(node, &error))
}

/// The capture device of one camera, wherever it is plugged in at the moment.
#[derive(Debug)]
pub struct Source {
    name: String,
    claim: Arc<Claim>,
    monitor: Arc<Monitor>,
    picture: Picture,
}

impl Source {
    /// A source that opens the device that `claim` stands for.
    pub fn new(name: &str, claim: Arc<Claim>, monitor: Arc<Monitor>, picture: &Picture) -> Self {
        Self { name: name.to_owned(), claim, monitor, picture: picture.clone() }
    }

    /// The device, wherever it is plugged in.
    pub fn claim(&self) -> &Arc<Claim> {
        &self.claim
    }

    /// Captures until `stop` is requested.
    pub async fn run(&self, hub: &Arc<Hub>, stop: &Stop) -> Result<(), Lost> {
        let Some(node) = self.claim.node() else { return Err(self.claim.missing()) };
        let capture = capture::Capture {
            name: self.name.clone(),
            node,
            picture: self.picture.clone(),
            hub: hub.clone(),
            stop: stop.clone(),
        };
        let ended = thread::run(&format!("v4l2 {}", self.name), move || capture.run()).await;
        if ended.is_err() {
            // What the driver said may be the first news of an unplugged device.
            self.monitor.look().await;
        }
        match (ended, self.claim.node()) {
            (Err(Lost::Driver(_) | Lost::Silent { .. }), None) => Err(self.claim.missing()),
            (ended, _) => ended,
        }
    }

    /// Looks whether the device is plugged in.
    pub async fn absent(&self) -> Option<Lost> {
        if self.claim.node().is_none() {
            self.monitor.look().await;
        }
        self.claim.node().is_none().then(|| self.claim.missing())
    }

    /// Hears when devices come or go.
    pub fn news(&self) -> EventListener {
        self.monitor.listen()
    }
}
