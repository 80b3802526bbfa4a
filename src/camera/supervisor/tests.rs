use super::*;
use crate::clock::{Clock, Hand};
use crate::config::Picture;
use crate::draw::TestCard;
use crate::encode::JpegEncoder;
use crate::frame::Kind;
use crate::picture::Chroma;
use crate::source::{file, test_card};
use futures_lite::future::yield_now;
use smol::LocalExecutor;

fn camera(on_demand: bool) -> (Arc<Camera>, Source, Hand) {
    let (clock, hand) = Clock::manual();
    let hub = Hub::new(clock);
    let picture = Picture { size: Some((64, 48)), ..Picture::default() };
    let source = Source::TestCard(test_card::Source::new("card", &picture));
    let camera = Camera { name: "card".to_owned(), source: "test:".to_owned(), on_demand, device: None, hub };
    (Arc::new(camera), source, hand)
}

/// Runs `test` beside the supervisor of a test card; both have to end.
fn supervised(on_demand: bool, test: impl AsyncFnOnce(&Arc<Hub>, &Hand)) {
    let (camera, source, hand) = camera(on_demand);
    let shutdown = Stop::new().unwrap();
    let executor = LocalExecutor::new();
    let task = executor.spawn(supervise(camera.clone(), source, shutdown.clone()));
    smol::block_on(executor.run(async {
        test(&camera.hub, &hand).await;
        shutdown.request();
        task.await;
    }));
    assert_ne!(camera.hub.state(), State::Live, "the source was closed");
}

async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[test]
fn a_camera_on_demand_is_open_while_somebody_watches_and_a_little_longer() {
    supervised(true, async |hub, hand| {
        settle().await;
        assert_eq!(hub.state(), State::Idle, "nobody watches");
        let mut viewer = hub.watch();
        assert_eq!(viewer.next().await.kind, Kind::Picture);
        drop(viewer);
        settle().await;
        hand.advance(limits::LINGER.checked_sub(Duration::from_millis(1)).unwrap());
        settle().await;
        assert_eq!(hub.state(), State::Live, "somebody may come back");
        let viewer = hub.watch();
        settle().await;
        hand.advance(limits::LINGER * 3);
        settle().await;
        assert_eq!(hub.state(), State::Live, "somebody came back");
        drop(viewer);
        settle().await;
        hand.advance(limits::LINGER);
        hub.until(|hub| hub.state() == State::Idle).await;
    });
}

#[test]
fn single_pictures_one_after_the_other_open_a_camera_once() {
    supervised(true, async |hub, hand| {
        for _ in 0..9 {
            hub.ask();
            let mut viewer = hub.watch();
            assert_eq!(viewer.next().await.kind, Kind::Picture);
            drop(viewer);
            settle().await;
            // The page's next question, and more than a stream's viewer leaves it open for.
            hand.advance(Duration::from_secs(10));
            settle().await;
            assert_eq!(hub.state(), State::Live, "it stays open for the next picture");
        }
        hand.advance(limits::LINGER_STILL);
        hub.until(|hub| hub.state() == State::Idle).await;
    });
}

/// Nothing is at the source until its folder is made.
#[test]
fn a_lost_camera_is_tried_again_soon_for_those_who_ask_for_single_pictures() {
    let (clock, hand) = Clock::manual();
    let hub = Hub::new(clock);
    let folder = std::env::temp_dir().join(format!("pinhole-asked-{}", std::process::id()));
    let source = Source::File(file::Source::new("folder", &folder, &Picture::default()));
    let camera = Arc::new(Camera {
        name: "folder".to_owned(),
        source: "file:".to_owned(),
        on_demand: true,
        device: None,
        hub: hub.clone(),
    });
    let shutdown = Stop::new().unwrap();
    let executor = LocalExecutor::new();
    // As after a viewer who is gone: it is tried once, and then left alone.
    hub.set_state(State::Lost(Lost::Busy));
    let task = executor.spawn(supervise(camera, source, shutdown.clone()));
    smol::block_on(executor.run(async {
        hub.until(|hub| matches!(hub.state(), State::Lost(Lost::File(_)))).await;
        settle().await;
        let mut encoder = JpegEncoder::new(80, Chroma::Yuv420).unwrap();
        let mut jpeg = hub.pool().take();
        let mut card = TestCard::new("card", 64, 48);
        encoder.encode_planes(&card.draw(0, Duration::ZERO), &mut jpeg).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("1.jpg"), &jpeg[..]).unwrap();
        hand.advance(limits::RETRY_MAX * 2);
        settle().await;
        assert!(matches!(hub.state(), State::Lost(_)), "nobody asked");
        hub.ask();
        hub.until(|hub| hub.state() == State::Live).await;
        shutdown.request();
        task.await;
    }));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_camera_not_on_demand_is_open_always() {
    supervised(false, async |hub, hand| {
        hub.until(|hub| hub.state() == State::Live).await;
        hand.advance(limits::LINGER * 9);
        settle().await;
        assert_eq!(hub.state(), State::Live);
    });
}
