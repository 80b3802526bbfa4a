//! Where pictures come from. A source is opened, delivers into its hub until it is told to stop or
//! loses the camera, and says then why.

pub mod coded;
pub mod connect;
pub mod file;
pub mod http;
pub mod pace;
pub mod rtsp;
pub mod test_card;
mod thread;
pub mod v4l2;

use std::sync::Arc;

use event_listener::EventListener;

use crate::camera::lost::Lost;
use crate::camera::stop::Stop;
use crate::config::{Camera, SourceSpec};
use crate::hub::Hub;
use v4l2::monitor::Claim;

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
}

impl Source {
    /// The source of a camera; `None` where it is a V4L2 device, which has to be found first.
    pub fn of(camera: &Camera, name: &str) -> Option<Self> {
        let picture = &camera.picture;
        Some(match &camera.source {
            SourceSpec::Auto | SourceSpec::V4l2(_) => return None,
            SourceSpec::Rtsp(url) => {
                Self::Rtsp(Box::new(rtsp::Source::new(name, url, picture, &camera.network)))
            }
            SourceSpec::Http(url) => Self::Http(http::Source::new(name, url, picture, &camera.network)),
            SourceSpec::File(path) => Self::File(file::Source::new(name, path, picture)),
            SourceSpec::TestCard => Self::TestCard(test_card::Source::new(name, picture)),
        })
    }

    /// Opens the source and delivers until `stop` is requested.
    ///
    /// # Errors
    /// Why no more pictures come.
    pub async fn run(&self, hub: &Arc<Hub>, stop: &Stop) -> Result<(), Lost> {
        match self {
            Self::V4l2(source) => source.run(hub, stop).await,
            Self::Rtsp(source) => source.run(hub, stop).await,
            Self::Http(source) => source.run(hub, stop).await,
            Self::File(source) => source.run(hub, stop).await,
            Self::TestCard(source) => source.run(hub, stop).await,
        }
    }

    /// Looks whether the camera is there at all, without opening it.
    pub async fn absent(&self) -> Option<Lost> {
        match self {
            Self::V4l2(source) => source.absent().await,
            Self::Rtsp(_) | Self::Http(_) | Self::File(_) | Self::TestCard(_) => None,
        }
    }

    /// The V4L2 device that it opens, if it is one.
    pub fn device(&self) -> Option<&Arc<Claim>> {
        match self {
            Self::V4l2(source) => Some(source.claim()),
            Self::Rtsp(_) | Self::Http(_) | Self::File(_) | Self::TestCard(_) => None,
        }
    }

    /// Hears when the answer of [`absent`](Self::absent) may have changed; `None` if it never does.
    pub fn news(&self) -> Option<EventListener> {
        match self {
            Self::V4l2(source) => Some(source.news()),
            Self::Rtsp(_) | Self::Http(_) | Self::File(_) | Self::TestCard(_) => None,
        }
    }
}
