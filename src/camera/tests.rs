use std::time::Duration;

use super::*;
use crate::clock::Hand;
use futures_lite::future::poll_once;
use smol::block_on;

/// A camera and its clock.
struct Scene {
    camera: Arc<Camera>,
    clock: Clock,
    hand: Hand,
}

impl Scene {
    fn new() -> Self {
        let (clock, hand) = Clock::manual();
        Self { camera: Camera::on_demand("yard"), clock, hand }
    }

    fn frame(&self, kind: Kind, text: &[u8]) -> Frame {
        let mut jpeg = self.camera.jpeg.pool().take();
        jpeg.extend_from_slice(text);
        Frame::new(jpeg, &self.clock, self.clock.now(), 4, 2, kind)
    }

    fn publish(&self, kind: Kind, text: &[u8]) -> bool {
        self.camera.publish(self.frame(kind, text), &self.clock)
    }

    fn report(&self) -> Report {
        self.camera.report(self.clock.now())
    }
}

#[test]
fn a_viewer_gets_the_newest_frame_once_and_skips_missed_ones() {
    let scene = Scene::new();
    let camera = &scene.camera;
    let mut viewer = camera.watch();
    block_on(async {
        assert!(poll_once(viewer.next()).await.is_none());
        for text in [b"1", b"2", b"3"] {
            scene.publish(Kind::Picture, text);
        }
        assert_eq!(&*viewer.next().await.jpeg, b"3");
        assert!(poll_once(viewer.next()).await.is_none());
        let mut waits = Box::pin(viewer.next());
        assert!(poll_once(&mut waits).await.is_none());
        scene.publish(Kind::Picture, b"4");
        assert_eq!(&*waits.await.jpeg, b"4");
    });
}

#[test]
fn state_counters_and_viewers_are_reported() {
    let scene = Scene::new();
    let (camera, hand) = (&scene.camera, &scene.hand);
    assert_eq!(camera.state(), State::Idle);
    assert!(scene.publish(Kind::Picture, b"a"), "the first picture");
    for _ in 0..30 {
        hand.advance(Duration::from_millis(100));
        assert!(!scene.publish(Kind::Picture, b"a"));
    }
    let live = scene.report();
    assert_eq!((live.state, live.frames, live.reconnects), (State::Live, 31, 0));
    assert!((live.fps.unwrap() - 10.0).abs() < 0.01, "{:?}", live.fps);

    assert!(camera.set_state(State::Lost(Lost::Unplugged)));
    scene.publish(Kind::Card, b"card");
    hand.advance(Duration::from_secs(7));
    let lost = scene.report();
    assert_eq!((lost.state.word(), lost.frames, lost.fps), ("lost", 31, None));
    assert_eq!(lost.last_frame_age, Some(Duration::from_secs(7)));

    scene.publish(Kind::Picture, b"back");
    assert_eq!(scene.report().reconnects, 1);
    let (one, two) = (camera.watch(), camera.watch());
    assert_eq!(camera.viewers(), 2);
    drop((one, two));
    assert_eq!(camera.viewers(), 0);
}

#[test]
fn routine_opening_is_logged_at_a_lower_level() {
    use log::Level;
    let scene = Scene::new();
    let camera = &scene.camera;
    assert_eq!(camera.log_level(), Level::Info, "the first time");
    scene.publish(Kind::Picture, b"a");
    camera.set_state(State::Idle);
    camera.ask(scene.clock.now());
    drop(camera.watch());
    camera.set_state(State::Starting);
    scene.publish(Kind::Picture, b"b");
    assert_eq!(camera.log_level(), Level::Debug, "a single picture again");
    camera.set_state(State::Lost(Lost::Unplugged));
    scene.publish(Kind::Picture, b"c");
    assert_eq!(camera.log_level(), Level::Info, "it was lost");
}

#[test]
fn a_card_is_kept_only_while_the_camera_is_lost() {
    let scene = Scene::new();
    let camera = &scene.camera;
    let card = || Arc::new(scene.frame(Kind::Card, b"card"));
    camera.keep_card(card());
    assert!(camera.card().is_none(), "it is idle");
    camera.set_state(State::Lost(Lost::Unplugged));
    camera.keep_card(card());
    assert!(camera.card().is_some());
    camera.set_state(State::Lost(Lost::Busy));
    assert!(camera.card().is_none(), "another reason");
    camera.keep_card(card());
    scene.publish(Kind::Picture, b"back");
    assert!(camera.card().is_none(), "it is live");
}

#[test]
fn no_old_picture_greets_a_viewer_after_the_camera_was_closed() {
    let scene = Scene::new();
    let camera = &scene.camera;
    scene.publish(Kind::Picture, b"old");
    camera.set_state(State::Idle);
    block_on(async { assert!(poll_once(camera.watch().next()).await.is_none()) });
}
