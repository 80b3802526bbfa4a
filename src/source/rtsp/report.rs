//! What is known about a camera, for `pinhole probe`.

use crate::rtsp::{Description, Status, Transport};

/// What a camera offers and what came of it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What the camera described.
    pub description: Option<Description>,
    /// How the packets travel, once the camera plays.
    pub transport: Option<Transport>,
    /// How the session stands.
    pub status: Option<Status>,
}
