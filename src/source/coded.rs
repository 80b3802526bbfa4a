//! Where coded video goes: to the camera's coded track always, and through a transcoder while somebody wants
//! JPEG.
//!
//! While nobody does, pictures are counted as they arrive, so that health knows that the camera is live; else
//! as they are published, so that it knows of a decoder that fails. A decoder that is started between two key
//! pictures begins with the units that the track has kept, and shows the newest of them at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_lite::future::or;

use super::publisher::Publisher;
use super::transcode::Transcoder;
use crate::camera::Camera;
use crate::camera::lost::Lost;
use crate::clock::Clock;
use crate::config::Picture;
use crate::picture::Shape;
use crate::video::{AccessUnit, Codec, sps};

/// How long pictures are decoded after nobody wants JPEG any more: for a page that is loaded again, and for
/// snapshots that are asked for each second.
const DECODING_LINGER: Duration = Duration::from_secs(2);

/// Delivers the coded video of one run of a source.
#[derive(Debug)]
pub struct CodedDelivery {
    publisher: Arc<Publisher>,
    clock: Clock,
    settings: Picture,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Codec, and shape according to the container.
    kind: Option<(Codec, Shape)>,
    /// According to the newest parameter sets.
    size: Option<(u32, u32)>,
    is_decoding: bool,
    transcoder: Option<Transcoder>,
    failure: Option<Lost>,
}

impl CodedDelivery {
    /// Nothing has come yet.
    pub fn new(publisher: &Arc<Publisher>, clock: &Clock, settings: &Picture) -> Self {
        let (publisher, clock, settings) = (publisher.clone(), clock.clone(), settings.clone());
        Self { publisher, clock, settings, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers the next unit, in decoding order. `shape` is what a container says of its pictures.
    ///
    /// # Errors
    /// Why no more pictures can come.
    pub fn push(&self, unit: AccessUnit, shape: Shape) -> Result<(), Lost> {
        let mut state = self.state();
        if state.kind != Some((unit.codec, shape)) {
            self.publisher.set_coded_format(unit.codec.name());
            (state.kind, state.transcoder) = (Some((unit.codec, shape)), None);
        }
        let size = if unit.is_key { size(&unit) } else { None };
        let is_other = size.is_some() && state.size != size;
        state.size = size.or(state.size);
        self.publisher.camera().coded.push(unit.clone());
        match &state.transcoder {
            // The transcoder counts what it drops; decoding resumes at the next key unit.
            Some(transcoder) => {
                transcoder.push(unit);
            }
            None if state.is_decoding => self.start(&mut state),
            None => self.publisher.passed_on(unit.arrived, size.filter(|_| is_other)),
        }
        state.failure().map_or(Ok(()), Err)
    }

    /// Why no more pictures can come, if so.
    pub fn failure(&self) -> Option<Lost> {
        self.state().failure()
    }

    /// Decodes while somebody wants JPEG, and a little longer. Does not return.
    pub async fn follow<T>(&self) -> T {
        let camera = self.publisher.camera();
        loop {
            camera.until(Camera::wants_jpeg).await;
            self.begin_decoding();
            while !self.is_unwanted_for_long(camera).await {}
            self.end_decoding();
        }
    }

    /// Waits until nobody wants JPEG; whether that lasts.
    async fn is_unwanted_for_long(&self, camera: &Camera) -> bool {
        camera.until(|camera| !camera.wants_jpeg()).await;
        let lasts = async {
            self.clock.sleep(DECODING_LINGER).await;
            true
        };
        let is_back = async {
            camera.until(Camera::wants_jpeg).await;
            false
        };
        or(is_back, lasts).await
    }

    fn begin_decoding(&self) {
        let mut state = self.state();
        state.is_decoding = true;
        self.start(&mut state);
    }

    /// Starts the transcoder with what the track has kept, if it is known what comes.
    fn start(&self, state: &mut State) {
        let Some((codec, shape)) = state.kind else { return };
        match Transcoder::start(&self.publisher, &self.clock, &self.settings, codec, shape) {
            Ok(transcoder) => {
                transcoder.begin_with(self.publisher.camera().coded.units_since_key());
                state.transcoder = Some(transcoder);
            }
            Err(lost) => state.failure = Some(lost),
        }
    }

    fn end_decoding(&self) {
        let mut state = self.state();
        (state.is_decoding, state.transcoder) = (false, None);
        drop(state);
        self.publisher.camera().forget_jpeg();
    }
}

impl State {
    fn failure(&self) -> Option<Lost> {
        self.failure.clone().or_else(|| self.transcoder.as_ref()?.failure())
    }
}

/// The size of a unit's pictures, if it has parameter sets.
fn size(unit: &AccessUnit) -> Option<(u32, u32)> {
    let (_, sequence) = sps::all(unit.codec, &unit.data).next()?;
    sequence.map(|sequence| (sequence.format.width, sequence.format.height))
}

#[cfg(test)]
mod tests;
