use super::*;
use crate::camera::Settings;
use crate::clock::Hand;
use crate::config::Picture;
use crate::draw::TestCard;
use crate::encode::JpegEncoder;
use crate::frame::Kind;
use crate::picture::Chroma;
use crate::source::{file, test_card};
use futures_lite::future::yield_now;
use smol::LocalExecutor;

/// A camera and its surroundings.
struct Scene {
    camera: Arc<Camera>,
    clock: Clock,
    hand: Hand,
}

impl Scene {
    fn new(on_demand: bool) -> Self {
        let (clock, hand) = Clock::manual();
        let settings = Settings { source: "test:".to_owned(), on_demand, device: None };
        Self { camera: Camera::new("card", settings), clock, hand }
    }

    fn supervise(&self, source: Source, shutdown: &Stop) -> impl Future<Output = ()> + use<> {
        let plan = Plan::new(source, Picture::default());
        supervise(self.camera.clone(), plan, self.clock.clone(), shutdown.clone())
    }
}

fn test_card() -> Source {
    let picture = Picture { size: Some((64, 48)), ..Picture::default() };
    Source::TestCard(test_card::Source::new("card", &picture))
}

/// Runs `test` next to the supervisor of a test card; both must end.
fn supervised(on_demand: bool, test: impl AsyncFnOnce(&Arc<Camera>, &Scene)) {
    let scene = Scene::new(on_demand);
    let camera = &scene.camera;
    let shutdown = Stop::new().unwrap();
    let executor = LocalExecutor::new();
    let task = executor.spawn(scene.supervise(test_card(), &shutdown));
    smol::block_on(executor.run(async {
        test(camera, &scene).await;
        shutdown.request();
        task.await;
    }));
    assert_ne!(camera.state(), State::Live, "the source was closed");
}

async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[test]
fn an_on_demand_camera_is_open_while_watched_and_a_little_longer() {
    supervised(true, async |camera, Scene { hand, .. }| {
        settle().await;
        assert_eq!(camera.state(), State::Idle, "nobody watches");
        let mut viewer = camera.watch();
        assert_eq!(viewer.next().await.kind, Kind::Picture);
        drop(viewer);
        settle().await;
        hand.advance(limits::LINGER.checked_sub(Duration::from_millis(1)).unwrap());
        settle().await;
        assert_eq!(camera.state(), State::Live, "somebody may come back");
        let viewer = camera.watch();
        settle().await;
        hand.advance(limits::LINGER * 3);
        settle().await;
        assert_eq!(camera.state(), State::Live, "somebody came back");
        drop(viewer);
        settle().await;
        hand.advance(limits::LINGER);
        camera.until(|camera| camera.state() == State::Idle).await;
    });
}

#[test]
fn consecutive_single_pictures_open_a_camera_once() {
    supervised(true, async |camera, Scene { hand, clock, .. }| {
        for _ in 0..9 {
            camera.ask(clock.now());
            let mut viewer = camera.watch();
            assert_eq!(viewer.next().await.kind, Kind::Picture);
            drop(viewer);
            settle().await;
            // The interval of a page that polls, longer than a viewer of the stream keeps the camera open.
            hand.advance(Duration::from_secs(10));
            settle().await;
            assert_eq!(camera.state(), State::Live, "it stays open for the next picture");
        }
        hand.advance(limits::LINGER_STILL);
        camera.until(|camera| camera.state() == State::Idle).await;
    });
}

/// The source is missing until its folder is created.
#[test]
fn a_lost_camera_is_retried_soon_for_single_pictures() {
    let scene = Scene::new(true);
    let Scene { camera, clock, hand } = &scene;
    let folder = std::env::temp_dir().join(format!("pinhole-asked-{}", std::process::id()));
    let source = Source::File(file::Source::new("folder", &folder, &Picture::default()));
    let shutdown = Stop::new().unwrap();
    let executor = LocalExecutor::new();
    // As after a viewer that left: tried once, then left alone.
    camera.set_state(State::Lost(Lost::Busy));
    let task = executor.spawn(scene.supervise(source, &shutdown));
    smol::block_on(executor.run(async {
        camera.until(|camera| matches!(camera.state(), State::Lost(Lost::File(_)))).await;
        settle().await;
        let mut encoder = JpegEncoder::new(80, Chroma::Yuv420).unwrap();
        let mut jpeg = camera.jpeg.pool().take();
        let mut card = TestCard::new("card", 64, 48);
        encoder.encode_planes(&card.draw(0, Duration::ZERO), &mut jpeg).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("1.jpg"), &jpeg[..]).unwrap();
        hand.advance(limits::RETRY_MAX * 2);
        settle().await;
        assert!(matches!(camera.state(), State::Lost(_)), "nobody asked");
        camera.ask(clock.now());
        camera.until(|camera| camera.state() == State::Live).await;
        shutdown.request();
        task.await;
    }));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_camera_that_is_not_on_demand_is_always_open() {
    supervised(false, async |camera, Scene { hand, .. }| {
        camera.until(|camera| camera.state() == State::Live).await;
        hand.advance(limits::LINGER * 9);
        settle().await;
        assert_eq!(camera.state(), State::Live);
    });
}

#[test]
fn a_crop_outside_of_the_pictures_is_the_reason() {
    let crop = Some(crate::picture::orientation::Crop { x: 0, y: 0, width: 9999, height: 9999 });
    let mut picture = Picture { size: Some((64, 48)), ..Picture::default() };
    picture.orientation.crop = crop;
    let scene = Scene::new(false);
    let Scene { camera, clock, hand } = &scene;
    let plan = Plan::new(Source::TestCard(test_card::Source::new("card", &picture)), picture);
    let shutdown = Stop::new().unwrap();
    let executor = LocalExecutor::new();
    let task = executor.spawn(supervise(camera.clone(), plan.clone(), clock.clone(), shutdown.clone()));
    smol::block_on(executor.run(async {
        camera.until(Camera::is_lost).await;
        let report = camera.report(clock.now());
        let reason = report.reason().unwrap();
        assert!(reason.ends_with("crop 0,0,9999,9999 lies outside of the camera's 64x48 pixels"), "{reason}");
        assert_eq!(report.reason_code().unwrap().word(), "orientation");
        // As `Cameras` does with another crop.
        plan.replace(test_card(), Picture::default());
        camera.until(|camera| camera.state() == State::Live).await;
        hand.advance(Duration::from_secs(1));
        shutdown.request();
        task.await;
    }));
}
