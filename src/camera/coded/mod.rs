//! The coded video of a camera, H.264 or H.265: for viewers that decode it themselves, and for a decoder that
//! is started in the middle of it.
//!
//! The source pushes access units, which share their memory with the decoder's packets. The track keeps them
//! from the last start on. While somebody watches, each unit is muxed once, for all viewers, into a fragment of
//! MP4; the first viewer has that done for the kept units. So cameras whose coded video nobody watches keep
//! one copy of a group of pictures and do no work for it.

mod fragments;
#[cfg(test)]
mod tests;
mod units;
mod viewer;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use event_listener::Event;

use crate::video::AccessUnit;
use fragments::Fragments;
use units::Units;
pub use viewer::{CodedViewer, End};

/// A camera's coded video.
#[derive(Debug, Default)]
pub struct CodedTrack {
    state: Mutex<State>,
    viewers: AtomicUsize,
    /// A unit has come, or the end.
    news: Event,
}

#[derive(Debug, Default)]
struct State {
    content: Content,
    units: Units,
    /// While there are viewers.
    fragments: Option<Fragments>,
    /// Units before the next are missing.
    is_interrupted: bool,
    has_ended: bool,
}

/// What the camera gives.
#[derive(Debug, Default, PartialEq, Eq)]
enum Content {
    /// It has given nothing yet.
    #[default]
    Unknown,
    Coded,
    /// Pictures of this format, and no coded video.
    Other(String),
}

impl CodedTrack {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next unit in decoding order.
    pub fn push(&self, mut unit: AccessUnit) {
        let mut state = self.state();
        state.content = Content::Coded;
        unit.discontinuity |= std::mem::take(&mut state.is_interrupted);
        if let Some(fragments) = &mut state.fragments {
            fragments.push(&unit);
        }
        state.units.push(unit);
        drop(state);
        self.news.notify(usize::MAX);
    }

    /// Notes that the camera gives pictures of this format, and no coded video.
    pub fn set_other(&self, format: &str) {
        let mut state = self.state();
        state.units.clear();
        state.content = Content::Other(format.to_owned());
        drop(state);
        self.news.notify(usize::MAX);
    }

    /// Units from the last one that decoding can begin with. Their bytes are shared.
    pub fn units_since_key(&self) -> Vec<AccessUnit> {
        self.state().units.units_since_key()
    }

    /// The number of viewers.
    pub fn viewers(&self) -> usize {
        self.viewers.load(Ordering::SeqCst)
    }

    /// Forgets what came so far: nothing of it must greet a later viewer. Viewers go on with the next start.
    pub(super) fn forget(&self) {
        let mut state = self.state();
        state.is_interrupted = true;
        state.units.clear();
        if let Some(fragments) = &mut state.fragments {
            fragments.clear();
        }
    }

    /// A source that is opened may give something else than before.
    pub fn expect_anything(&self) {
        self.state().content = Content::Unknown;
    }

    /// Lets viewers leave.
    pub(super) fn end(&self) {
        self.state().has_ended = true;
        self.news.notify(usize::MAX);
    }

    fn count_viewer(&self) {
        let mut state = self.state();
        self.viewers.fetch_add(1, Ordering::SeqCst);
        if state.fragments.is_none() {
            let mut fragments = Fragments::default();
            state.units.iter().for_each(|unit| fragments.push(unit));
            state.fragments = Some(fragments);
        }
    }

    fn uncount_viewer(&self) {
        let mut state = self.state();
        if self.viewers.fetch_sub(1, Ordering::SeqCst) == 1 {
            state.fragments = None;
        }
    }
}
