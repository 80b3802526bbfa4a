use std::time::Duration;

use super::*;
use futures_lite::future::poll_once;
use smol::block_on;

fn frame(hub: &Hub, kind: Kind, text: &[u8]) -> Frame {
    let mut jpeg = hub.pool().take();
    jpeg.extend_from_slice(text);
    Frame::new(jpeg, hub.clock(), hub.clock().now(), 4, 2, kind)
}

#[test]
fn a_viewer_gets_the_newest_frame_once_and_skips_what_it_missed() {
    let hub = Hub::new(Clock::manual().0);
    let mut viewer = hub.watch();
    block_on(async {
        assert!(poll_once(viewer.next()).await.is_none());
        for text in [b"1", b"2", b"3"] {
            hub.publish(frame(&hub, Kind::Picture, text));
        }
        assert_eq!(&*viewer.next().await.jpeg, b"3");
        assert!(poll_once(viewer.next()).await.is_none());
        let mut waits = Box::pin(viewer.next());
        assert!(poll_once(&mut waits).await.is_none());
        hub.publish(frame(&hub, Kind::Picture, b"4"));
        assert_eq!(&*waits.await.jpeg, b"4");
    });
}

#[test]
fn states_counters_and_viewers_are_those_of_the_camera() {
    let (clock, hand) = Clock::manual();
    let hub = Hub::new(clock);
    assert_eq!(hub.state(), State::Idle);
    assert!(hub.publish(frame(&hub, Kind::Picture, b"a")), "the first picture");
    for _ in 0..30 {
        hand.advance(Duration::from_millis(100));
        assert!(!hub.publish(frame(&hub, Kind::Picture, b"a")));
    }
    let live = hub.snapshot();
    assert_eq!((live.state, live.frames, live.reconnects), (State::Live, 31, 0));
    assert!((live.fps.unwrap() - 10.0).abs() < 0.01, "{:?}", live.fps);

    assert!(hub.set_state(State::Lost(Lost::Unplugged)));
    hub.publish(frame(&hub, Kind::Card, b"card"));
    hand.advance(Duration::from_secs(7));
    let lost = hub.snapshot();
    assert_eq!((lost.state.word(), lost.frames, lost.fps), ("lost", 31, None));
    assert_eq!(lost.last_frame_age, Some(Duration::from_secs(7)));

    hub.publish(frame(&hub, Kind::Picture, b"back"));
    assert_eq!(hub.snapshot().reconnects, 1);
    let (one, two) = (hub.watch(), hub.watch());
    assert_eq!(hub.viewers(), 2);
    drop((one, two));
    assert_eq!(hub.viewers(), 0);
}

#[test]
fn the_log_notes_what_is_not_routine() {
    use log::Level;
    let hub = Hub::new(Clock::manual().0);
    assert_eq!(hub.log_level(), Level::Info, "the first time");
    hub.publish(frame(&hub, Kind::Picture, b"a"));
    hub.set_state(State::Idle);
    hub.ask();
    drop(hub.watch());
    hub.set_state(State::Starting);
    hub.publish(frame(&hub, Kind::Picture, b"b"));
    assert_eq!(hub.log_level(), Level::Debug, "a single picture again");
    hub.set_state(State::Lost(Lost::Unplugged));
    hub.publish(frame(&hub, Kind::Picture, b"c"));
    assert_eq!(hub.log_level(), Level::Info, "it was lost");
}

#[test]
fn a_card_is_kept_only_while_the_camera_is_lost() {
    let hub = Hub::new(Clock::manual().0);
    let card = || Arc::new(frame(&hub, Kind::Card, b"card"));
    hub.keep_card(card());
    assert!(hub.card().is_none(), "it is idle");
    hub.set_state(State::Lost(Lost::Unplugged));
    hub.keep_card(card());
    assert!(hub.card().is_some());
    hub.set_state(State::Lost(Lost::Busy));
    assert!(hub.card().is_none(), "another reason");
    hub.keep_card(card());
    hub.publish(frame(&hub, Kind::Picture, b"back"));
    assert!(hub.card().is_none(), "it is live");
}

#[test]
fn no_old_picture_greets_a_viewer_of_a_camera_that_was_closed() {
    let hub = Hub::new(Clock::manual().0);
    hub.publish(frame(&hub, Kind::Picture, b"old"));
    hub.set_state(State::Idle);
    block_on(async { assert!(poll_once(hub.watch().next()).await.is_none()) });
}
