//! The device that a camera is bound to, wherever it is plugged in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use super::controls;
use super::devices::Device;
use super::identity::Identity;
use crate::camera;
use crate::camera::controls::{Control, Refused};
use crate::camera::lost::Lost;

/// Binds a camera to a device, wherever it is plugged in.
#[derive(Debug)]
pub struct Binding {
    /// The camera's name.
    pub(super) name: String,
    /// The configured path; `None` for a camera that `auto` found.
    pub(super) path: Option<PathBuf>,
    seen: Mutex<Seen>,
    turn: Arc<smol::lock::Mutex<()>>,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    pub identity: Option<Identity>,
    pub node: Option<PathBuf>,
    /// The most stable of the device's current paths.
    pub lasting: Option<PathBuf>,
    /// The camera that is bound to the device at the configured path.
    pub same_as: Option<String>,
}

impl Binding {
    /// A binding to a configured path, which may be a link such as those in /dev/v4l/by-id.
    pub fn on_path(path: &Path, name: &str) -> Arc<Self> {
        Self::new(name, Some(path.to_owned()), Seen::default())
    }

    /// A binding to a device that was found.
    pub fn on_device(device: &Device, name: &str) -> Arc<Self> {
        let seen = Seen {
            identity: Some(device.identity.clone()),
            node: Some(device.node.clone()),
            lasting: Some(device.stable_path().to_owned()),
            same_as: None,
        };
        Self::new(name, None, seen)
    }

    fn new(name: &str, path: Option<PathBuf>, seen: Seen) -> Arc<Self> {
        Arc::new(Self { name: name.to_owned(), path, seen: Mutex::new(seen), turn: Arc::default() })
    }

    /// The node to open; `None` while the device is unplugged.
    pub fn node(&self) -> Option<PathBuf> {
        self.seen().node.clone()
    }

    /// Whether this is the configured path.
    pub fn is_of(&self, path: &Path) -> bool {
        self.path.as_deref() == Some(path)
    }

    /// Whether this path leads to the bound device.
    pub fn is_at(&self, path: &Path) -> bool {
        self.node().is_some_and(|node| node == target(path))
    }

    /// Whether the configured path is a udev link that has not led to a device so far.
    pub(super) fn awaits_link(&self) -> bool {
        let is_link = self.path.as_deref().is_some_and(|path| path.starts_with("/dev/v4l"));
        is_link && self.seen().identity.is_none()
    }

    /// Why [`node`](Self::node) is `None`.
    pub fn missing(&self) -> Lost {
        let seen = self.seen();
        match (&seen.same_as, &self.path) {
            (Some(other), _) => Lost::SameDevice(other.clone()),
            (None, Some(path)) if seen.identity.is_none() => Lost::Absent(path.clone()),
            _ => Lost::Unplugged,
        }
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl camera::device::Device for Binding {
    fn found_at(&self) -> Option<PathBuf> {
        if self.path.is_some() {
            return None;
        }
        self.seen().lasting.clone()
    }

    fn turn(&self) -> Arc<smol::lock::Mutex<()>> {
        self.turn.clone()
    }

    fn controls(&self) -> Result<Vec<Control>, Lost> {
        controls::list(&self.node().ok_or_else(|| self.missing())?)
    }

    fn set_controls(&self, wanted: &Map<String, Value>) -> Result<Vec<Control>, Refused> {
        let node = self.node().ok_or_else(|| Refused::Lost(self.missing()))?;
        controls::set(&node, wanted)
    }
}

/// The target of a configured path.
pub(super) fn target(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
