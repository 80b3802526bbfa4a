//! A camera for the tests of sources, with a manual clock.

use std::ops::Deref;
use std::sync::Arc;

use super::publisher::Publisher;
use crate::camera::{Camera, Report};
use crate::clock::{Clock, Hand};
use crate::config::Picture;

/// A camera, its publisher and its clock.
pub(super) struct TestCamera {
    pub camera: Arc<Camera>,
    pub publisher: Arc<Publisher>,
    pub clock: Clock,
    pub hand: Hand,
}

impl TestCamera {
    pub fn new(picture: &Picture) -> Self {
        let (clock, hand) = Clock::manual();
        let camera = Camera::on_demand("yard");
        Self { publisher: Publisher::new(&camera, &clock, picture), camera, clock, hand }
    }

    pub fn report_now(&self) -> Report {
        self.camera.report(self.clock.now())
    }
}

impl Default for TestCamera {
    fn default() -> Self {
        Self::new(&Picture::default())
    }
}

impl Deref for TestCamera {
    type Target = Arc<Camera>;

    fn deref(&self) -> &Arc<Camera> {
        &self.camera
    }
}
