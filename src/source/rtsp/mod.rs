//! Cameras that speak RTSP.

use std::sync::Arc;

use crate::camera::lost::Lost;
use crate::camera::stop::Stop;
use crate::config::{Network, Picture, SourceUrl};
use crate::hub::Hub;

/// One camera on a network.
#[derive(Debug)]
pub struct Source {
    name: String,
    url: SourceUrl,
    picture: Picture,
    network: Network,
}

impl Source {
    /// A source that connects to this URL.
    pub fn new(name: &str, url: &SourceUrl, picture: &Picture, network: &Network) -> Self {
        Self { name: name.to_owned(), url: url.clone(), picture: picture.clone(), network: network.clone() }
    }

    /// Delivers until `stop` is requested.
    ///
    /// # Errors
    /// Why no more pictures come.
    #[expect(clippy::unused_async, reason = "a source runs for as long as it delivers")]
    pub async fn run(&self, _hub: &Arc<Hub>, _stop: &Stop) -> Result<(), Lost> {
        log::debug!("camera {}: {} {:?} {:?}", self.name, self.url, self.picture, self.network);
        Err(Lost::Unsupported("rtsp:// and rtsps:// sources are not served yet".to_owned()))
    }
}
