//! One camera: a name, a status, and tracks of pictures to which viewers subscribe.
//!
//! A source fills it and viewers read it; it knows neither.

mod coded;
pub mod controls;
pub mod device;
pub mod lost;
mod meter;
mod report;
mod status;
pub mod stop;
mod subscribers;
mod track;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, EventListener, listener};

use crate::clock::{Clock, Monotonic};
use crate::frame::{Frame, Kind};
pub use coded::{CodedTrack, CodedViewer, End};
use device::Device;
use lost::Lost;
pub use meter::Latency;
pub use report::{Opened, Report, State};
use status::Status;
pub use subscribers::Subscriber;
pub use track::Track;

/// A camera, as the rest of the service sees it.
#[derive(Debug)]
pub struct Camera {
    name: String,
    settings: Mutex<Settings>,
    status: Mutex<Status>,
    /// Its pictures as JPEG.
    pub jpeg: Arc<Track>,
    /// Its coded video, if it has some.
    pub coded: CodedTrack,
    /// Viewers of all its tracks.
    viewers: AtomicUsize,
    /// The state or the number of viewers changed.
    changed: Event,
}

/// A camera's configuration, as far as it matters beyond the source.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its source for display: without secrets.
    pub source: String,
    /// Whether it is open only while watched.
    pub on_demand: bool,
    /// The device behind it, if it has one on this machine.
    pub device: Option<Arc<dyn Device>>,
}

impl Camera {
    /// An idle camera with this name, which also appears in URLs.
    pub fn new(name: &str, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            settings: Mutex::new(settings),
            status: Mutex::default(),
            jpeg: Arc::default(),
            coded: CodedTrack::default(),
            viewers: AtomicUsize::new(0),
            changed: Event::new(),
        })
    }

    /// A camera that is open only while watched, and has no device.
    pub fn on_demand(name: &str) -> Arc<Self> {
        Self::new(name, Settings { source: String::new(), on_demand: true, device: None })
    }

    /// Its name, which also appears in URLs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its configuration.
    pub fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces its configuration.
    pub fn set_settings(&self, settings: Settings) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
        self.changed.notify(usize::MAX);
    }

    /// Ends the camera: viewers leave after the newest frame.
    pub fn end(&self) {
        self.jpeg.end();
        self.coded.end();
        self.changed.notify(usize::MAX);
    }

    /// Its source for display. A device that `auto` found before its links were created gets a stable path
    /// later.
    pub fn source(&self) -> String {
        let settings = self.settings();
        let found_at = settings.device.as_ref().and_then(|device| device.found_at());
        found_at.as_deref().map(Path::display).map_or(settings.source, |path| path.to_string())
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers a frame to every viewer; to each [`Subscriber`] on this thread. A picture makes the camera
    /// live.
    ///
    /// Returns true for the first picture since the camera was opened.
    pub fn publish(&self, frame: Frame, clock: &Clock) -> bool {
        let is_first = frame.kind == Kind::Picture && self.status().count_picture(frame.captured);
        let captured = frame.captured;
        let is_picture = frame.kind == Kind::Picture;
        self.jpeg.publish(&Arc::new(frame), clock, |now| {
            if is_picture {
                self.status().count_delivery(now.since(captured));
            }
        });
        if is_first {
            self.changed.notify(usize::MAX);
        }
        is_first
    }

    /// Counts a picture that is passed on as it is coded, not as JPEG. It makes the camera live.
    ///
    /// Returns true for the first picture since the camera was opened.
    pub fn count_coded(&self, arrived: Monotonic) -> bool {
        let is_first = self.status().count_picture(arrived);
        if is_first {
            self.changed.notify(usize::MAX);
        }
        is_first
    }

    /// Delivers a frame that was made of one of this camera's to every viewer of another of its tracks.
    pub fn publish_derived(&self, track: &Track, frame: &Arc<Frame>, clock: &Clock) {
        track.publish(frame, clock, |now| {
            if frame.kind == Kind::Picture {
                self.status().count_delivery(now.since(frame.captured));
            }
        });
    }

    /// Notes that a viewer's socket has just accepted the last byte of this frame.
    pub fn delivered(&self, frame: &Frame, now: Monotonic) {
        if frame.kind == Kind::Picture {
            self.status().count_delivery(now.since(frame.captured));
        }
    }

    /// Counts a picture that arrived damaged.
    pub fn count_bad(&self) {
        self.status().count_bad();
    }

    /// Counts pictures that were skipped before they could be published.
    pub fn count_dropped(&self, pictures: u64) {
        if pictures > 0 {
            self.status().count_dropped(pictures);
        }
    }

    /// Sets the negotiated format and size.
    pub fn set_opened(&self, opened: Opened) {
        self.status().set_opened(opened);
    }

    /// Sets the state. Returns true if it changed.
    pub fn set_state(&self, state: State) -> bool {
        // Frames published from here on belong to the new state and stay.
        let serial = self.jpeg.serial();
        let is_live = state == State::Live;
        let is_other = self.status().set_state(state);
        self.changed_to(is_other, (!is_live).then_some(serial))
    }

    /// Makes a live camera lost if it has published no more than `frames` pictures. Returns true if it did.
    pub fn stand_still(&self, frames: u64, lost: Lost) -> bool {
        let serial = self.jpeg.serial();
        let is_other = self.status().stand_still(frames, lost);
        self.changed_to(is_other, Some(serial))
    }

    fn changed_to(&self, is_other: bool, forgotten: Option<u64>) -> bool {
        if is_other {
            if let Some(serial) = forgotten {
                // An old picture must not greet a later viewer.
                self.jpeg.forget(serial);
                self.coded.forget();
            }
            self.changed.notify(usize::MAX);
        }
        is_other
    }

    /// Sets since when the camera has been waiting for a key picture.
    pub fn set_key_wait(&self, since: Option<Monotonic>) {
        if self.status().set_key_wait(since) {
            self.changed.notify(usize::MAX);
        }
    }

    /// The current state.
    pub fn state(&self) -> State {
        self.status().state()
    }

    /// Whether the camera is lost.
    pub fn is_lost(&self) -> bool {
        matches!(self.state(), State::Lost(_))
    }

    /// Whether there is a reason to show instead of a picture.
    pub fn has_reason(&self) -> bool {
        self.status().has_reason()
    }

    /// Pictures published since the camera was added.
    pub fn frames(&self) -> u64 {
        self.status().frames()
    }

    /// Pictures that arrived damaged.
    pub fn bad(&self) -> u64 {
        self.status().bad()
    }

    /// The number of viewers.
    pub fn viewers(&self) -> usize {
        self.viewers.load(Ordering::SeqCst)
    }

    /// Whether pictures are wanted as JPEG: for viewers, or because those of before could not be decoded, and
    /// the camera has to show that it is better now.
    pub fn wants_jpeg(&self) -> bool {
        let is_undecodable = || matches!(self.state(), State::Lost(lost) if lost.is_of_decoding());
        self.jpeg_viewers() > 0 || is_undecodable()
    }

    /// The number of viewers of JPEG, in whichever size.
    pub fn jpeg_viewers(&self) -> usize {
        self.viewers().saturating_sub(self.coded.viewers())
    }

    /// Forgets the newest picture: no newer ones follow it as JPEG, and it must not greet a later viewer.
    pub fn forget_jpeg(&self) {
        self.jpeg.forget(self.jpeg.serial());
    }

    /// Notes a request for a single picture: a lost camera is then retried soon, an open one stays open for
    /// the next request.
    pub fn ask(&self, now: Monotonic) {
        self.status().ask(now);
        self.changed.notify(usize::MAX);
    }

    /// When a single picture was last requested.
    pub fn asked(&self) -> Option<Monotonic> {
        self.status().asked()
    }

    /// Keeps a card for further requests for a single picture, while the camera is lost for the same reason.
    pub fn keep_card(&self, card: Arc<Frame>) {
        self.status().keep_card(card);
    }

    /// The card kept last.
    pub fn card(&self) -> Option<Arc<Frame>> {
        self.status().card()
    }

    /// The log level for opening and closing the camera.
    pub fn log_level(&self) -> log::Level {
        self.status().log_level()
    }

    /// A consistent report for health.
    pub fn report(&self, now: Monotonic) -> Report {
        let (report, latency) = self.status().report(now, self.viewers());
        // Sorting takes longer than a source should wait.
        Report { latency: latency.quantiles(), ..report }
    }

    /// Listens for the next change of the state or the number of viewers. To miss none: listen first, then
    /// check, then wait.
    pub fn listen(&self) -> EventListener {
        self.changed.listen()
    }

    /// Returns once `condition` holds; evaluated again after every change of the state or the number of
    /// viewers.
    pub async fn until(&self, mut condition: impl FnMut(&Self) -> bool) {
        while !condition(self) {
            listener!(self.changed => changed);
            if condition(self) {
                return;
            }
            changed.await;
        }
    }

    /// Starts to watch, with the newest frame if there is one.
    pub fn watch(self: &Arc<Self>) -> Viewer {
        self.watch_track(&self.jpeg)
    }

    /// Starts to watch its coded video.
    pub fn watch_coded(self: &Arc<Self>) -> CodedViewer {
        // The track counts first, so that nobody seems to want JPEG in between.
        let viewer = CodedViewer::new(self);
        self.viewers.fetch_add(1, Ordering::SeqCst);
        self.status().watched();
        self.changed.notify(usize::MAX);
        viewer
    }

    fn watch_track(self: &Arc<Self>, track: &Arc<Track>) -> Viewer {
        track.count_viewer();
        self.viewers.fetch_add(1, Ordering::SeqCst);
        self.changed.notify(usize::MAX);
        Viewer { camera: self.clone(), track: track.clone(), seen: 0, subscriber: None }
    }

    /// Starts to watch with a subscriber that gets every frame until the viewer is dropped.
    pub fn subscribe(self: &Arc<Self>, subscriber: Arc<dyn Subscriber>) -> Viewer {
        self.subscribe_to(&self.jpeg, subscriber)
    }

    /// The same for another of its tracks.
    pub fn subscribe_to(self: &Arc<Self>, track: &Arc<Track>, subscriber: Arc<dyn Subscriber>) -> Viewer {
        let mut viewer = self.watch_track(track);
        self.status().watched();
        track.subscribers().add(subscriber.clone());
        viewer.subscriber = Some(subscriber);
        viewer
    }
}

/// A viewer of a camera's track. While one exists, the camera is kept open.
pub struct Viewer {
    camera: Arc<Camera>,
    track: Arc<Track>,
    seen: u64,
    subscriber: Option<Arc<dyn Subscriber>>,
}

impl Viewer {
    /// The newest frame that this viewer has not had; waits for it if need be.
    pub async fn next(&mut self) -> Arc<Frame> {
        let (frame, serial) = self.track.newer(self.seen).await;
        self.seen = serial;
        frame
    }

    /// The watched camera.
    pub fn camera(&self) -> &Arc<Camera> {
        &self.camera
    }

    /// The watched track.
    pub fn track(&self) -> &Arc<Track> {
        &self.track
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        if let Some(subscriber) = self.subscriber.take() {
            self.track.subscribers().remove(&subscriber);
        }
        self.track.uncount_viewer();
        self.camera.viewers.fetch_sub(1, Ordering::SeqCst);
        self.camera.changed.notify(usize::MAX);
    }
}

#[cfg(test)]
mod tests;
