//! The device behind a camera, as far as the rest of the service is concerned: its stable path and its
//! controls, such as brightness or focus.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::controls::{Control, Refused};
use super::lost::Lost;

/// A device of this machine.
pub trait Device: Debug + Send + Sync {
    /// Its most stable path, if it was found and not configured.
    fn found_at(&self) -> Option<PathBuf>;

    /// Held during a request to its controls, so that a device that hangs blocks only one thread.
    fn turn(&self) -> Arc<smol::lock::Mutex<()>>;

    /// Its controls. Blocks.
    ///
    /// # Errors
    /// Why the device cannot be queried.
    fn controls(&self) -> Result<Vec<Control>, Lost>;

    /// Sets these controls by name, and returns all of them. Blocks.
    ///
    /// # Errors
    /// Why some or all of them were not set.
    fn set_controls(&self, wanted: &Map<String, Value>) -> Result<Vec<Control>, Refused>;
}
