//! The device behind a camera, as far as the rest of the service needs to know: its lasting path and its
//! controls, such as brightness or focus.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::controls::{Control, Refused};
use super::lost::Lost;

/// A device of this machine.
pub trait Device: Debug + Send + Sync {
    /// Its most lasting path, where it was found and not configured.
    fn found_at(&self) -> Option<PathBuf>;

    /// Locked for one request to its controls at a time, so that a device that hangs blocks only one thread.
    fn turn(&self) -> Arc<smol::lock::Mutex<()>>;

    /// Its controls. Blocks.
    ///
    /// # Errors
    /// Why the device cannot be asked.
    fn controls(&self) -> Result<Vec<Control>, Lost>;

    /// Sets these of its controls, by name, and returns all. Blocks.
    ///
    /// # Errors
    /// Why none, or not all, were set.
    fn set_controls(&self, wanted: &Map<String, Value>) -> Result<Vec<Control>, Refused>;
}
