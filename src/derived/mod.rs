//! JPEG tracks made of a camera's pictures, for viewers that want them smaller or of another quality.
//!
//! Each is made on a thread of its own, exists while it has viewers, and is shared by all who want the same.
//! Viewers of the camera's own track pay nothing for it: the thread takes the newest frame as a viewer does.

mod feeder;
mod still;
mod wanted;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::camera::{Camera, Track};
use crate::clock::Clock;
use crate::limits::DERIVED_TRACKS_MAX;
use feeder::Feeder;
pub use still::still;
pub use wanted::{Variant, Wanted};

/// The derived tracks of all cameras.
#[derive(Debug)]
pub struct Derived {
    clock: Clock,
    tracks: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    camera: Arc<Camera>,
    variant: Variant,
    track: Arc<Track>,
}

/// Why there is no derived track.
#[derive(Debug)]
pub enum Refused {
    /// [`DERIVED_TRACKS_MAX`] are made already.
    TooMany,
    /// The system gives no thread.
    NoThread(std::io::Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(
                f,
                "{DERIVED_TRACKS_MAX} other sizes and qualities are being watched already; leave out width and quality, or try again later"
            ),
            Self::NoThread(error) => write!(f, "this machine cannot start a thread: {error}"),
        }
    }
}

impl Derived {
    /// Makes nothing yet.
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, tracks: Mutex::default() })
    }

    fn tracks(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.tracks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The track of this variant of a camera's pictures. It ends when the pictures' width changes: their
    /// variant is then another one.
    ///
    /// # Errors
    /// Why there is none.
    pub fn track(self: &Arc<Self>, camera: &Arc<Camera>, variant: Variant) -> Result<Arc<Track>, Refused> {
        let mut tracks = self.tracks();
        let is_it = |entry: &&Entry| Arc::ptr_eq(&entry.camera, camera) && entry.variant == variant;
        if let Some(entry) = tracks.iter().find(is_it) {
            return Ok(entry.track.clone());
        }
        if tracks.len() >= DERIVED_TRACKS_MAX {
            return Err(Refused::TooMany);
        }
        let track = Arc::<Track>::default();
        let feeder = Feeder::new(camera, &track, variant, &self.clock);
        let derived = self.clone();
        // The kernel keeps 15 bytes of a thread's name.
        let name = format!("size {}", camera.name()).chars().take(15).collect();
        std::thread::Builder::new()
            .name(name)
            .spawn(move || {
                let ending = Ending { derived, track: feeder.track().clone() };
                feeder.run(&ending.derived);
            })
            .map_err(Refused::NoThread)?;
        tracks.push(Entry { camera: camera.clone(), variant, track: track.clone() });
        Ok(track)
    }

    /// Ends a track, unless somebody has come to watch it and `is_unwanted` is why it ends.
    fn end(&self, track: &Arc<Track>, is_unwanted: bool) -> bool {
        let mut tracks = self.tracks();
        if is_unwanted && track.viewers() > 0 {
            return false;
        }
        tracks.retain(|entry| !Arc::ptr_eq(&entry.track, track));
        drop(tracks);
        track.end();
        true
    }
}

/// Ends a track with its thread, also if that panics: viewers must not wait for a track that nobody feeds.
struct Ending {
    derived: Arc<Derived>,
    track: Arc<Track>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.derived.end(&self.track, false);
    }
}

#[cfg(test)]
mod tests;
