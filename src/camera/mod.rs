//! A camera: a name, a source and a hub, kept going by its supervisor.

mod backoff;
mod cards;
pub mod lost;
pub mod registry;
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
    /// Its source, without secrets.
    pub source: String,
    /// Whether it is open only while somebody watches.
    pub on_demand: bool,
    /// The V4L2 device behind it, whose controls can be set.
    pub device: Option<Arc<Claim>>,
    /// Its frames and its state.
    pub hub: Arc<Hub>,
}
