//! Where pictures come from. A source is opened, delivers into its hub until it is told to stop or
//! loses the camera, and says then why.

pub mod test_card;
mod thread;
pub mod v4l2;

use std::sync::Arc;

use event_listener::EventListener;

use crate::camera::lost::Lost;
use crate::camera::stop::Stop;
use crate::hub::Hub;

/// One camera's source.
#[derive(Debug)]
pub enum Source {
    /// A V4L2 capture device.
    V4l2(v4l2::Source),
    /// The built-in moving test card.
    TestCard(test_card::Source),
}

impl Source {
    /// Opens the source and delivers until `stop` is requested.
    ///
    /// # Errors
    /// Why no more pictures come.
    pub async fn run(&self, hub: &Arc<Hub>, stop: &Stop) -> Result<(), Lost> {
        match self {
            Self::V4l2(source) => source.run(hub, stop).await,
            Self::TestCard(source) => source.run(hub, stop).await,
        }
    }

    /// Looks whether the camera is there at all, without opening it.
    pub async fn absent(&self) -> Option<Lost> {
        match self {
            Self::V4l2(source) => source.absent().await,
            Self::TestCard(_) => None,
        }
    }

    /// Hears when the answer of [`absent`](Self::absent) may have changed; `None` if it never does.
    pub fn news(&self) -> Option<EventListener> {
        match self {
            Self::V4l2(source) => Some(source.news()),
            Self::TestCard(_) => None,
        }
    }
}
