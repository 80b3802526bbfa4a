use std::sync::Mutex;

use super::*;
use crate::camera::{Subscriber, Viewer};
use crate::clock::Hand;
use crate::encode::JpegEncoder;
use crate::frame::{Frame, Kind};
use crate::limits::DERIVED_LINGER;
use crate::picture::{Chroma, Plane, Planes};

/// A camera with derived tracks, by a clock that is turned by hand.
struct Rig {
    camera: Arc<Camera>,
    derived: Arc<Derived>,
    clock: Clock,
    hand: Hand,
}

/// Notes whether its track has ended.
#[derive(Default)]
struct Watching(Mutex<bool>);

impl Subscriber for Watching {
    fn deliver(&self, _: &Arc<Frame>, _: u64) -> bool {
        true
    }

    fn defer(&self, _: &Arc<Frame>, _: u64) {}

    fn end(&self) {
        *self.0.lock().unwrap() = true;
    }
}

impl Rig {
    fn new() -> Self {
        let (clock, hand) = Clock::manual();
        let derived = Derived::new(clock.clone());
        Self { camera: Camera::on_demand("yard"), derived, clock, hand }
    }

    fn publish(&self, width: usize, kind: Kind) {
        let grey = vec![100; width * 48];
        let plane = |stride| Plane { stride, data: &grey };
        let (y, u, v) = (plane(width), plane(width / 2), plane(width / 2));
        let planes = Planes { width, height: 48, chroma: Chroma::Yuv420, y, u, v };
        let mut jpeg = self.camera.jpeg.pool().take();
        JpegEncoder::new(90, Chroma::Yuv420).unwrap().encode_planes(&planes, &mut jpeg).unwrap();
        self.camera
            .publish(Frame::new(jpeg, &self.clock, self.clock.now(), width as u32, 48, kind), &self.clock);
    }

    fn track(&self, width: u32, of: u32) -> Arc<Track> {
        let wanted = Wanted { width: Some(width), quality: None };
        self.derived.track(&self.camera, wanted.variant(of)).unwrap()
    }

    fn watch(&self, track: &Arc<Track>) -> (Viewer, Arc<Watching>) {
        let watching = Arc::<Watching>::default();
        (self.camera.subscribe_to(track, watching.clone()), watching)
    }

    /// Turns the clock until something holds.
    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        for _ in 0..1_000_000 {
            if holds() {
                return;
            }
            self.hand.advance(std::time::Duration::from_millis(1));
            std::thread::yield_now();
        }
        panic!("never: {what}");
    }
}

fn next(viewer: &mut Viewer) -> Arc<Frame> {
    smol::block_on(viewer.next())
}

#[test]
fn those_who_want_the_same_share_a_track_that_ends_without_them() {
    let rig = Rig::new();
    rig.publish(64, Kind::Picture);
    let track = rig.track(32, 64);
    assert!(Arc::ptr_eq(&track, &rig.track(17, 64)), "the same step");
    assert!(!Arc::ptr_eq(&track, &rig.track(16, 64)), "another step");
    let (mut viewer, _) = rig.watch(&track);
    let frame = next(&mut viewer);
    assert_eq!((frame.width, frame.height, frame.captured), (32, 24, rig.clock.now()));
    assert_eq!(crate::mjpeg::read_size(&frame.jpeg), Some((32, 24)));
    assert_eq!(rig.camera.viewers(), 1, "what makes the pictures is not a viewer");
    rig.hand.advance(DERIVED_LINGER);
    rig.publish(64, Kind::Card);
    assert_eq!(next(&mut viewer).kind, Kind::Card);
    drop(viewer);
    rig.until("the track ends", || track.has_ended() && rig.derived.tracks().is_empty());
    assert!(!Arc::ptr_eq(&track, &rig.track(32, 64)), "one that has ended is not watched again");
}

#[test]
fn whole_pictures_are_passed_on_as_they_are() {
    let rig = Rig::new();
    rig.publish(64, Kind::Picture);
    let (mut viewer, _) = rig.watch(&rig.track(33, 64));
    let (original, _) = rig.camera.jpeg.newer_than(0).unwrap();
    assert!(Arc::ptr_eq(&next(&mut viewer), &original), "nothing is copied");
}

#[test]
fn a_track_ends_with_its_size_and_with_its_camera() {
    let rig = Rig::new();
    rig.publish(64, Kind::Picture);
    let track = rig.track(32, 64);
    let (mut viewer, watching) = rig.watch(&track);
    next(&mut viewer);
    rig.publish(128, Kind::Picture);
    rig.until("the size has ended", || *watching.0.lock().unwrap());
    let (mut viewer, watching) = rig.watch(&rig.track(32, 128));
    assert_eq!(next(&mut viewer).width, 32);
    rig.publish(128, Kind::Card);
    rig.camera.end();
    assert_eq!(next(&mut viewer).kind, Kind::Card, "the last frame comes");
    rig.until("the camera has ended", || *watching.0.lock().unwrap());
}

#[test]
fn a_picture_that_cannot_be_made_smaller_is_shown_as_it_is() {
    let rig = Rig::new();
    let mut jpeg = rig.camera.jpeg.pool().take();
    jpeg.extend_from_slice(b"not a jpeg");
    let frame = Frame::new(jpeg, &rig.clock, rig.clock.now(), 64, 48, Kind::Picture);
    rig.camera.publish(frame, &rig.clock);
    let (mut viewer, _) = rig.watch(&rig.track(16, 64));
    assert_eq!(&*next(&mut viewer).jpeg, b"not a jpeg");
    let (original, _) = rig.camera.jpeg.newer_than(0).unwrap();
    let wanted = Wanted { width: Some(16), quality: None };
    let still = smol::block_on(still(&rig.camera, original.clone(), wanted));
    assert!(Arc::ptr_eq(&still, &original));
}

#[test]
fn there_is_a_ceiling_of_tracks() {
    let rig = Rig::new();
    let variant = |number: usize| Variant {
        width: 64 + number as u32,
        step: crate::encode::resize::Step::Half,
        quality: Some(80),
    };
    let tracks: Vec<_> = (0..DERIVED_TRACKS_MAX)
        .map(|number| rig.derived.track(&rig.camera, variant(number)).unwrap())
        .collect();
    let refused = rig.derived.track(&rig.camera, variant(DERIVED_TRACKS_MAX)).unwrap_err();
    assert!(refused.to_string().contains("are being watched already"), "{refused}");
    rig.until("they end", || tracks.iter().all(|track| track.has_ended()));
    assert!(rig.derived.tracks().is_empty());
}
