//! Video files and folders of JPEGs, in a loop at the recorded rate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::camera::lost::Lost;
use crate::camera::stop::Stop;
use crate::config::Picture;
use crate::hub::Hub;

/// One file or folder.
#[derive(Debug)]
pub struct Source {
    name: String,
    path: PathBuf,
    picture: Picture,
}

impl Source {
    /// A source that plays this file.
    pub fn new(name: &str, path: &Path, picture: &Picture) -> Self {
        Self { name: name.to_owned(), path: path.to_owned(), picture: picture.clone() }
    }

    /// Delivers until `stop` is requested.
    ///
    /// # Errors
    /// Why no more pictures come.
    #[expect(clippy::unused_async, reason = "a source runs for as long as it delivers")]
    pub async fn run(&self, _hub: &Arc<Hub>, _stop: &Stop) -> Result<(), Lost> {
        log::debug!("camera {}: {} {:?}", self.name, self.path.display(), self.picture);
        Err(Lost::Unsupported("file: sources are not served yet".to_owned()))
    }
}
