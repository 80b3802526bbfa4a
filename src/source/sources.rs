//! Makes sources from the configuration, and finds the devices that some of them need.

use std::fmt;
use std::sync::Arc;

use event_listener::EventListener;

use super::v4l2::binding::Binding;
use super::v4l2::devices::Device;
use super::v4l2::monitor::{self, Monitor};
use super::{Source, file, http, rtsp, test_card, v4l2};
use crate::clock::Clock;
use crate::config::{Camera, SourceSpec};

/// A device that `auto` found.
#[derive(Debug, Clone)]
pub struct Found(Device);

impl Found {
    /// Its name according to the driver.
    pub fn card(&self) -> &str {
        &self.0.card
    }

    /// Its most stable path.
    pub fn path(&self) -> String {
        self.0.stable_path().display().to_string()
    }
}

#[cfg(test)]
type Fake = Arc<dyn Fn(&Camera, &str) -> Source>;

/// Makes sources.
#[derive(Clone)]
pub struct Sources {
    monitor: Arc<Monitor>,
    /// Makes every source in tests of the rooms above.
    #[cfg(test)]
    fake: Option<Fake>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("monitor", &self.monitor).finish_non_exhaustive()
    }
}

impl Sources {
    /// Sources of cameras that run by this clock.
    pub fn new(clock: &Clock) -> Self {
        Self {
            monitor: Monitor::new(clock.clone()),
            #[cfg(test)]
            fake: None,
        }
    }

    /// Sources made by a test.
    #[cfg(test)]
    pub fn faked(clock: &Clock, make: impl Fn(&Camera, &str) -> Source + 'static) -> Self {
        Self { fake: Some(Arc::new(make)), ..Self::new(clock) }
    }

    /// Whether any of these cameras needs a device.
    pub fn need_devices(cameras: &[Camera]) -> bool {
        cameras.iter().any(|camera| matches!(camera.source, SourceSpec::Auto | SourceSpec::V4l2(_)))
    }

    /// The source of a camera; its device is bound at the next [`rescan`](Self::rescan). `None` for `auto`,
    /// which has one for each device found.
    pub fn of(&self, camera: &Camera, name: &str) -> Option<Source> {
        #[cfg(test)]
        if let Some(make) = &self.fake {
            return Some(make(camera, name));
        }
        let picture = &camera.picture;
        Some(match &camera.source {
            SourceSpec::Auto => return None,
            SourceSpec::V4l2(path) => self.bound(Binding::on_path(path, name), camera, name),
            SourceSpec::Rtsp(url) => {
                Source::Rtsp(Box::new(rtsp::Source::new(name, url, picture, &camera.network)))
            }
            SourceSpec::Http(url) => Source::Http(http::Source::new(name, url, &camera.network)),
            SourceSpec::File(path) => Source::File(file::Source::new(name, path, picture)),
            SourceSpec::TestCard => Source::TestCard(test_card::Source::new(name, picture)),
        })
    }

    /// The source of a camera that `auto` found.
    pub fn of_found(&self, found: &Found, camera: &Camera, name: &str) -> Source {
        self.bound(Binding::on_device(&found.0, name), camera, name)
    }

    fn bound(&self, binding: Arc<Binding>, camera: &Camera, name: &str) -> Source {
        self.monitor.add(binding.clone());
        Source::V4l2(v4l2::Source::new(name, binding, self.monitor.clone(), &camera.picture))
    }

    /// The same device with other settings.
    pub fn again(&self, before: &Source, camera: &Camera, name: &str) -> Option<Source> {
        let Some(presence) = before.presence() else { return self.of(camera, name) };
        let (binding, monitor) = (presence.binding().clone(), self.monitor.clone());
        Some(Source::V4l2(v4l2::Source::new(name, binding, monitor, &camera.picture)))
    }

    /// The source for a changed configuration. A device at the same path stays bound.
    pub fn instead_of(&self, before: &Source, camera: &Camera, name: &str) -> Option<Source> {
        if let (Some(presence), SourceSpec::V4l2(path)) = (before.presence(), &camera.source)
            && presence.binding().is_of(path)
        {
            return self.again(before, camera, name);
        }
        self.release(before);
        self.of(camera, name)
    }

    /// Releases the device of a source that is closed or about to be.
    pub fn release(&self, source: &Source) {
        if let Some(presence) = source.presence() {
            self.monitor.remove(presence.binding());
        }
    }

    /// Scans the devices if these cameras need any; returns those that no source is bound to.
    pub async fn rescan(&self, cameras: &[Camera]) -> Vec<Found> {
        if !Self::need_devices(cameras) {
            return Vec::new();
        }
        self.monitor.rescan().await.into_iter().map(Found).collect()
    }

    /// Listens for devices that come or go.
    pub fn listen(&self) -> EventListener {
        self.monitor.listen()
    }

    /// The devices that no source is bound to.
    pub async fn unbound(&self) -> Vec<Found> {
        self.monitor.unbound().await.into_iter().map(Found).collect()
    }

    /// Watches for devices that come or go. Does not return.
    pub async fn watch(&self) {
        self.monitor.clone().watch().await;
    }

    /// A name for each device, unique among them and among `taken`.
    pub fn named(&self, found: Vec<Found>, taken: &[String]) -> Vec<(Found, String)> {
        let devices: Vec<_> = found.iter().map(|found| found.0.clone()).collect();
        let names = monitor::names(&devices, taken);
        found.into_iter().zip(names).collect()
    }
}
