//! The cameras being served, in the order of the configuration.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_listener::{Event, EventListener};

use super::cards::NoCamera;
use crate::camera::Camera;

/// The camera that a request selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By its index, from 0.
    Nth(usize),
    /// By its name.
    Named(String),
}

/// The result of a selector.
#[derive(Debug)]
pub enum Found {
    /// A camera.
    Camera(Arc<Camera>),
    /// There is no camera at all, and the request would get the first.
    NoneYet,
    /// No such camera.
    Unknown,
}

/// All cameras.
#[derive(Debug, Default)]
pub struct Registry {
    cameras: Mutex<Vec<Arc<Camera>>>,
    changed: Event,
    /// The card that viewers see while there is no camera at all.
    pub no_camera: NoCamera,
}

impl Registry {
    /// A registry without cameras.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn cameras(&self) -> MutexGuard<'_, Vec<Arc<Camera>>> {
        self.cameras.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the cameras, in order.
    pub fn set(&self, cameras: Vec<Arc<Camera>>) {
        *self.cameras() = cameras;
        self.changed.notify(usize::MAX);
    }

    /// Every camera, in order.
    pub fn all(&self) -> Vec<Arc<Camera>> {
        self.cameras().clone()
    }

    /// Finds the camera of a request.
    pub fn find(&self, selector: &Selector) -> Found {
        let cameras = self.cameras();
        let camera = match selector {
            Selector::Nth(0) if cameras.is_empty() => return Found::NoneYet,
            Selector::Nth(n) => cameras.get(*n),
            Selector::Named(name) => cameras.iter().find(|camera| camera.name() == name),
        };
        camera.cloned().map_or(Found::Unknown, Found::Camera)
    }

    /// The camera with this name.
    pub fn named(&self, name: &str) -> Option<Arc<Camera>> {
        match self.find(&Selector::Named(name.to_owned())) {
            Found::Camera(camera) => Some(camera),
            Found::NoneYet | Found::Unknown => None,
        }
    }

    /// Listens for cameras that come or go.
    pub fn listen(&self) -> EventListener {
        self.changed.listen()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cameras_are_found_by_index_and_by_name() {
        let registry = Registry::new();
        assert!(matches!(registry.find(&Selector::Nth(0)), Found::NoneYet));
        registry.set(["found", "found later", "last"].map(Camera::on_demand).to_vec());
        let third = registry.find(&Selector::Nth(2));
        assert!(matches!(third, Found::Camera(camera) if camera.name() == "last"));
        assert_eq!(registry.named("found").unwrap().name(), "found");
        assert!(matches!(registry.find(&Selector::Nth(3)), Found::Unknown));
        assert!(registry.named("no camera").is_none());
    }
}
