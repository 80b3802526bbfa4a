//! The cameras that are served, in the order of the configuration.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, EventListener};

use super::Camera;
use super::lost::Lost;
use crate::clock::Clock;
use crate::hub::{Hub, State};

/// Which camera a request means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By its place, from 0.
    Nth(usize),
    /// By its name.
    Named(String),
}

/// All cameras. Cameras are added (by `auto`) and never taken away: one that is unplugged stays, as
/// lost, until the service ends.
#[derive(Debug)]
pub struct Registry {
    entries: Mutex<Vec<Entry>>,
    changed: Event,
    /// Stands in while there is no camera at all, so that its viewers see a card that says so.
    nobody: Arc<Camera>,
}

#[derive(Debug)]
struct Entry {
    /// Where the configuration names it; cameras found by `auto` share that of `auto`.
    place: usize,
    camera: Arc<Camera>,
}

impl Registry {
    /// A registry without cameras.
    pub fn new(clock: Clock) -> Arc<Self> {
        let hub = Hub::new(clock);
        hub.set_state(State::Lost(Lost::NoCamera));
        let nobody = Camera {
            name: "no camera".to_owned(),
            source: "auto".to_owned(),
            on_demand: true,
            device: None,
            hub,
        };
        Arc::new(Self { entries: Mutex::default(), changed: Event::new(), nobody: Arc::new(nobody) })
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a camera behind those of its place and of the places before.
    pub fn add(&self, place: usize, camera: Arc<Camera>) {
        let mut entries = self.entries();
        let at = entries.partition_point(|entry| entry.place <= place);
        entries.insert(at, Entry { place, camera });
        drop(entries);
        self.changed.notify(usize::MAX);
    }

    /// Every camera, in order.
    pub fn all(&self) -> Vec<Arc<Camera>> {
        self.entries().iter().map(|entry| entry.camera.clone()).collect()
    }

    /// The camera that a request means. While there is no camera at all, the first one is one that
    /// is always lost.
    pub fn find(&self, selector: &Selector) -> Option<Arc<Camera>> {
        let entries = self.entries();
        match selector {
            Selector::Nth(0) if entries.is_empty() => Some(self.nobody.clone()),
            Selector::Nth(n) => entries.get(*n).map(|entry| entry.camera.clone()),
            Selector::Named(name) => {
                entries.iter().find(|entry| entry.camera.name == *name).map(|entry| entry.camera.clone())
            }
        }
    }

    /// The camera that stands in while there is none.
    pub fn nobody(&self) -> &Arc<Camera> {
        &self.nobody
    }

    /// Hears when a camera is added.
    pub fn listen(&self) -> EventListener {
        self.changed.listen()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cameras_stand_in_the_order_of_the_configuration() {
        let clock = Clock::manual().0;
        let registry = Registry::new(clock.clone());
        assert_eq!(registry.find(&Selector::Nth(0)).unwrap().name, "no camera");
        let camera = |name: &str| {
            Arc::new(Camera {
                name: name.to_owned(),
                source: "test:".to_owned(),
                on_demand: true,
                device: None,
                hub: Hub::new(clock.clone()),
            })
        };
        registry.add(1, camera("last"));
        registry.add(0, camera("found"));
        registry.add(0, camera("found later"));
        let names: Vec<_> = registry.all().iter().map(|camera| camera.name.clone()).collect();
        assert_eq!(names, ["found", "found later", "last"]);
        assert_eq!(registry.find(&Selector::Nth(2)).unwrap().name, "last");
        assert_eq!(registry.find(&Selector::Named("found".to_owned())).unwrap().name, "found");
        assert!(registry.find(&Selector::Nth(3)).is_none());
        assert!(registry.find(&Selector::Named("no camera".to_owned())).is_none());
    }
}
