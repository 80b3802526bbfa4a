//! Somebody who watches the coded video of a camera.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use event_listener::listener;

use super::fragments::At;
use super::{Content, State};
use crate::camera::Camera;
use crate::mp4::{Fragment, InitSegment, Start, Unplayable};

/// A viewer of a camera's coded video. While one exists, the camera is kept open.
#[derive(Debug)]
pub struct CodedViewer {
    camera: Arc<Camera>,
    place: Option<Place>,
}

/// Where a viewer is.
#[derive(Debug)]
struct Place {
    init: Arc<InitSegment>,
    /// The next position.
    next: u64,
    /// The start that it began with, or went on with after it had fallen behind.
    began: u64,
    /// Pictures that refer to some before that start are left out, up to the next start.
    leaves_out_leading: bool,
}

/// Why a viewer gets no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The camera was removed.
    Removed,
    /// The camera gives pictures of this format, and no coded video.
    NotCoded(String),
    /// The stream goes on with another size or other parameters.
    OtherParameters,
    /// The stream cannot be played without decoding it here.
    Unplayable(Unplayable),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("this camera was removed from the configuration"),
            Self::NotCoded(format) => write!(f, "this camera gives {format}, not H.264 or H.265"),
            Self::OtherParameters => f.write_str("size or parameters of the camera's video changed"),
            Self::Unplayable(why) => write!(f, "the camera's video cannot be passed on as it is: {why}"),
        }
    }
}

impl CodedViewer {
    pub(in crate::camera) fn new(camera: &Arc<Camera>) -> Self {
        camera.coded.count_viewer();
        Self { camera: camera.clone(), place: None }
    }

    /// The watched camera.
    pub fn camera(&self) -> &Arc<Camera> {
        &self.camera
    }

    /// Waits for the first start, and returns what goes before it.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn begin(&mut self) -> Result<Arc<InitSegment>, End> {
        self.wait_for(Self::begin_now).await
    }

    /// The next picture; waits for it if need be. After pictures that were missed, it is a start.
    ///
    /// # Errors
    /// Why there are no more.
    pub async fn next(&mut self) -> Result<Arc<Fragment>, End> {
        self.wait_for(Self::next_now).await
    }

    /// Why no start has come so far, if pictures have.
    pub fn fault(&self) -> Option<End> {
        let state = self.camera.coded.state();
        state.fragments.as_ref()?.fault().map(End::Unplayable)
    }

    async fn wait_for<T>(
        &mut self,
        look: impl Fn(&mut Self, &State) -> Option<Result<T, End>>,
    ) -> Result<T, End> {
        let camera = self.camera.clone();
        let track = &camera.coded;
        loop {
            listener!(track.news => news);
            if let Some(found) = look(self, &track.state()) {
                return found;
            }
            news.await;
        }
    }

    fn begin_now(&mut self, state: &State) -> Option<Result<Arc<InitSegment>, End>> {
        if let Some(end) = state.end() {
            return Some(Err(end));
        }
        let (start, init) = state.fragments.as_ref()?.start()?;
        self.place = Some(Place { init: init.clone(), next: start, began: start, leaves_out_leading: true });
        Some(Ok(init.clone()))
    }

    fn next_now(&mut self, state: &State) -> Option<Result<Arc<Fragment>, End>> {
        if let Some(end) = state.end() {
            return Some(Err(end));
        }
        if self.place.is_none() {
            self.begin_now(state)?.ok()?;
        }
        let (place, fragments) = (self.place.as_mut()?, state.fragments.as_ref()?);
        loop {
            if let Some(why) = fragments.fault_between(place.began, place.next) {
                return Some(Err(End::Unplayable(why)));
            }
            let entry = match fragments.at(place.next) {
                At::Entry(entry) => entry,
                At::Ahead => return None,
                At::Gone => {
                    let (start, _) = fragments.start()?;
                    (place.next, place.began, place.leaves_out_leading) = (start, start, true);
                    continue;
                }
            };
            if !Arc::ptr_eq(&entry.init, &place.init) && entry.init != place.init {
                return Some(Err(End::OtherParameters));
            }
            place.leaves_out_leading &= entry.fragment.start != Start::Here || place.next == place.began;
            place.next += 1;
            if entry.fragment.start != Start::NotAfterLast || !place.leaves_out_leading {
                return Some(Ok(entry.fragment.clone()));
            }
        }
    }
}

impl State {
    /// Why nothing comes.
    fn end(&self) -> Option<End> {
        match &self.content {
            _ if self.has_ended => Some(End::Removed),
            Content::Other(format) => Some(End::NotCoded(format.clone())),
            Content::Unknown | Content::Coded => None,
        }
    }
}

impl Drop for CodedViewer {
    fn drop(&mut self) {
        self.camera.viewers.fetch_sub(1, Ordering::SeqCst);
        self.camera.coded.uncount_viewer();
        // Only now: in between, it seems that one viewer of JPEG less is there.
        self.camera.changed.notify(usize::MAX);
    }
}
