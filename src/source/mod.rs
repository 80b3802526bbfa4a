//! Where pictures come from. A source is opened, delivers to its publisher until it is stopped or loses the
//! camera, and then returns the reason.

mod coded;
pub mod connect;
#[cfg(test)]
pub mod fake;
pub mod file;
pub mod http;
pub mod publisher;
mod relay;
pub mod rtsp;
pub mod silence;
mod sources;
#[cfg(test)]
mod test_camera;
pub mod test_card;
mod thread;
pub mod transcode;
pub mod v4l2;

use std::sync::Arc;

use crate::camera::lost::Lost;
use crate::camera::stop::Stop;
use crate::clock::Clock;
use publisher::Publisher;
pub use sources::{Found, Sources};
use v4l2::Presence;

/// One camera's source.
#[derive(Debug)]
pub enum Source {
    /// A V4L2 capture device.
    V4l2(v4l2::Source),
    /// A camera that speaks RTSP.
    Rtsp(Box<rtsp::Source>),
    /// MJPEG of another device.
    Http(http::Source),
    /// A video file, or a folder of JPEGs.
    File(file::Source),
    /// The built-in moving test card.
    TestCard(test_card::Source),
    /// A fake for tests of the rooms above.
    #[cfg(test)]
    Fake(fake::Source),
}

impl Source {
    /// Opens the source and delivers until `stop` is requested.
    ///
    /// # Errors
    /// Why no more pictures come.
    pub async fn run(&self, publisher: &Arc<Publisher>, clock: &Clock, stop: &Stop) -> Result<(), Lost> {
        match self {
            Self::V4l2(source) => source.run(publisher, clock, stop).await,
            Self::Rtsp(source) => source.run(publisher, clock, stop).await,
            Self::Http(source) => source.run(publisher, clock, stop).await,
            Self::File(source) => source.run(publisher, clock, stop).await,
            Self::TestCard(source) => source.run(publisher, clock, stop).await,
            #[cfg(test)]
            Self::Fake(source) => source.run(publisher, clock, stop).await,
        }
    }

    /// The presence of its device, if it has one that can be unplugged.
    pub fn presence(&self) -> Option<&Presence> {
        match self {
            Self::V4l2(source) => Some(source.presence()),
            _ => None,
        }
    }
}
