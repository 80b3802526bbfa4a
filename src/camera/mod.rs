//! A camera: a name, a source and a hub, kept going by its supervisor.

mod backoff;
pub mod cards;
pub mod lost;
pub mod registry;
mod standstill;
pub mod stop;
pub mod supervisor;

use std::sync::Arc;

use crate::hub::Hub;
use crate::source::v4l2::monitor::Claim;

/// A camera as the rest of the service sees it.
#[derive(Debug)]
pub struct Camera {
    /// Its name, which is also its place in URLs.
    pub name: String,
    /// Its source as it was when the camera was added, without secrets.
    pub source: String,
    /// Whether it is open only while somebody watches.
    pub on_demand: bool,
    /// The V4L2 device behind it, whose controls can be set.
    pub device: Option<Arc<Claim>>,
    /// Its frames and its state.
    pub hub: Arc<Hub>,
}

impl Camera {
    /// Its source, without secrets. A device that `auto` found before its links were made has a path that
    /// lasts later.
    pub fn source(&self) -> String {
        let found_at = self.device.as_ref().and_then(|claim| claim.found_at());
        found_at.map_or_else(|| self.source.clone(), |path| path.display().to_string())
    }
}
