//! What a camera reported, for `pinhole probe`.

use crate::rtsp::{Description, Status, Transport};

/// What a camera offers and how its session went.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The camera's description.
    pub description: Option<Description>,
    /// The transport, once the camera plays.
    pub transport: Option<Transport>,
    /// The state of the session.
    pub status: Option<Status>,
}
