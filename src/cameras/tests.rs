//! Checks configuration changes against a model.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::camera::Viewer;
use crate::config::{Config, Picture};
use crate::random::Random;
use crate::source::fake::{self, Ledger};
use futures_lite::future::{poll_once, yield_now};

/// Running cameras with sources recorded in a ledger.
struct Scene {
    executor: Rc<LocalExecutor<'static>>,
    registry: Arc<Registry>,
    cameras: Cameras,
    ledger: Ledger,
    hand: crate::clock::Hand,
}

/// The ledger's name for a source; settings that change in place do not affect it.
fn ledger_name(name: &str, camera: &config::Camera) -> String {
    format!("{name} {} {:?} {:?}", camera.source, camera.picture.size, camera.picture.fps)
}

impl Scene {
    fn new() -> Self {
        let (clock, hand) = Clock::manual();
        let ledger = Ledger::default();
        let of = ledger.clone();
        let sources = Sources::faked(&clock, move |camera, name| {
            Source::Fake(fake::Source { what: ledger_name(name, camera), ledger: of.clone() })
        });
        let (executor, registry) = (Rc::new(LocalExecutor::new()), Registry::new());
        let cameras = Cameras::new(executor.clone(), registry.clone(), sources, clock);
        Self { executor, registry, cameras, ledger, hand }
    }

    /// Applies a configuration and waits until everything settles.
    async fn apply(&mut self, cameras: &[config::Camera]) -> Applied {
        let executor = self.executor.clone();
        let applied = executor.run(self.cameras.apply(cameras)).await;
        executor.run(settle()).await;
        applied
    }

    fn names(&self) -> Vec<String> {
        self.registry.all().iter().map(|camera| camera.name().to_owned()).collect()
    }
}

async fn settle() {
    for _ in 0..40 {
        yield_now().await;
    }
}

fn camera(name: &str, source: &str) -> config::Camera {
    let text = format!("[[camera]]\nname = \"{name}\"\nsource = \"{source}\"\n");
    Config::parse(&text, "f").unwrap().cameras.remove(0)
}

fn always(name: &str, source: &str) -> config::Camera {
    config::Camera { on_demand: false, ..camera(name, source) }
}

#[test]
fn unchanged_cameras_and_those_changed_in_place_keep_running() {
    smol::block_on(async {
        let mut scene = Scene::new();
        let (yard, door) = (always("yard", "test:"), always("door", "rtsp://192.0.2.1/a"));
        let applied = scene.apply(&[yard.clone(), door.clone()]).await;
        assert_eq!(applied, Applied { added: vec!["yard".into(), "door".into()], ..Applied::default() });
        assert_eq!(scene.apply(&[yard.clone(), door.clone()]).await, Applied::default());
        let sharper = Picture { quality: 95, ..yard.picture.clone() };
        let changed = config::Camera { picture: sharper, ..yard.clone() };
        let applied = scene.apply(&[door.clone(), changed]).await;
        assert_eq!(applied, Applied { changed: vec!["yard".into()], ..Applied::default() });
        assert_eq!(scene.names(), ["door", "yard"], "in the order of the file");
        for camera in [&yard, &door] {
            let name = camera.effective_name();
            let entry = scene.ledger.of(&ledger_name(&name, camera));
            assert_eq!(entry, fake::Entry { opened: 1, open: 1 }, "{name}");
        }
        let moved = always("door", "rtsp://192.0.2.2/a");
        let applied = scene.apply(&[moved.clone(), yard.clone()]).await;
        assert_eq!((applied.reopened, applied.changed), (vec!["door".into()], vec!["yard".into()]));
        assert_eq!(scene.ledger.of(&ledger_name("door", &door)), fake::Entry { opened: 1, open: 0 });
        assert_eq!(scene.ledger.of(&ledger_name("door", &moved)), fake::Entry { opened: 1, open: 1 });
    });
}

#[test]
fn viewers_of_a_changed_camera_stay_and_those_of_a_removed_one_see_why_before_the_end() {
    smol::block_on(async {
        let mut scene = Scene::new();
        scene.apply(&[camera("yard", "test:"), camera("door", "test:")]).await;
        let (yard, door) = (scene.registry.named("yard").unwrap(), scene.registry.named("door").unwrap());
        let (mut of_yard, mut of_door) = (yard.watch(), door.watch());
        let executor = scene.executor.clone();
        let picture = |frame: &Arc<crate::frame::Frame>| String::from_utf8_lossy(&frame.jpeg).into_owned();
        assert!(picture(&executor.run(of_yard.next()).await).starts_with("yard test:"));
        executor.run(of_door.next()).await;
        scene.apply(&[camera("yard", "rtsp://192.0.2.1/")]).await;
        assert!(picture(&executor.run(of_yard.next()).await).starts_with("yard rtsp:"));
        assert!(Arc::ptr_eq(&scene.registry.named("yard").unwrap(), &yard), "it is the same camera");
        let card = executor.run(of_door.next()).await;
        assert_eq!(card.kind, crate::frame::Kind::Card);
        assert_eq!(door.report(scene.cameras.clock.now()).reason(), Some(Lost::Removed.to_string()));
        assert!(door.jpeg.has_ended() && !yard.jpeg.has_ended());
    });
}

#[test]
fn a_camera_that_is_lost_for_its_orientation_is_opened_again_once_that_changes() {
    smol::block_on(async {
        let mut scene = Scene::new();
        let crop = |width| {
            let crop = Some(crate::picture::orientation::Crop { x: 0, y: 0, width, height: 1 });
            let mut camera = always("yard", "test:");
            camera.picture.orientation.crop = crop;
            camera
        };
        scene.apply(&[crop(99)]).await;
        let applied = scene.apply(&[crop(98)]).await;
        assert_eq!(applied.changed, ["yard"], "it is live");
        let yard = scene.registry.named("yard").unwrap();
        yard.set_state(State::Lost(Lost::Orientation("crop".to_owned())));
        let applied = scene.apply(&[crop(4)]).await;
        assert_eq!(applied.reopened, ["yard"]);
        assert_eq!(yard.state(), State::Live);
    });
}

/// The expected state of one camera.
struct Model {
    config: config::Camera,
    camera: Arc<Camera>,
    viewer: Option<Viewer>,
    /// How often its source has been opened, if it is open.
    open: Option<u64>,
}

/// 10,000 changes: no camera is lost, duplicated, left open or opened needlessly.
#[test]
fn thousands_of_changes_match_the_model() {
    const CHANGES: usize = 10_000;
    const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    const SOURCES: [&str; 3] = ["test:", "rtsp://192.0.2.1/a", "http://192.0.2.2/b"];
    let mut random = Random::new(11);
    let mut pick = move |below: usize| (random.number() % below as u64) as usize;
    smol::block_on(async {
        let mut scene = Scene::new();
        let mut model: BTreeMap<String, Model> = BTreeMap::new();
        let mut configured: Vec<config::Camera> = Vec::new();
        for change in 0..CHANGES {
            match pick(8) {
                0 if !configured.is_empty() => drop(configured.remove(pick(configured.len()))),
                1 => {
                    let name = NAMES[pick(NAMES.len())];
                    if !configured.iter().any(|camera| camera.effective_name() == name) {
                        let at = pick(configured.len() + 1);
                        configured.insert(at, camera(name, SOURCES[pick(SOURCES.len())]));
                    }
                }
                2 if !configured.is_empty() => {
                    let (one, other) = (pick(configured.len()), pick(configured.len()));
                    configured.swap(one, other);
                }
                kind @ 3..=6 if !configured.is_empty() => {
                    let at = pick(configured.len());
                    let chosen = &mut configured[at];
                    match kind {
                        3 => chosen.picture.quality = 1 + pick(100) as u8,
                        4 => chosen.on_demand = pick(2) == 0,
                        5 => chosen.picture.size = [None, Some((640, 480))][pick(2)],
                        _ => {
                            let name = chosen.effective_name();
                            chosen.source = camera(&name, SOURCES[pick(SOURCES.len())]).source;
                        }
                    }
                }
                // A viewer comes or goes.
                _ => {
                    let names: Vec<_> = model.keys().cloned().collect();
                    if !names.is_empty() {
                        let chosen = model.get_mut(&names[pick(names.len())]).unwrap();
                        chosen.viewer = match chosen.viewer.take() {
                            None => Some(chosen.camera.watch()),
                            Some(_) => None,
                        };
                        // An unwatched camera closes after a while.
                        scene.executor.clone().run(settle()).await;
                        scene.hand.advance(limits::LINGER * 2);
                        scene.executor.clone().run(settle()).await;
                    }
                }
            }
            scene.apply(&configured).await;
            hold(&scene, &configured, &mut model).unwrap_or_else(|what| {
                panic!("change {change}: {what}: {configured:?}");
            });
        }
    });
}

/// Compares the service with the model. Updates the model for cameras added, removed or reopened.
fn hold(
    scene: &Scene,
    configured: &[config::Camera],
    model: &mut BTreeMap<String, Model>,
) -> Result<(), String> {
    let names: Vec<_> = configured.iter().map(config::Camera::effective_name).collect();
    if scene.names() != names {
        return Err(format!("the cameras are {:?}", scene.names()));
    }
    model.retain(|name, before| {
        let stays = names.contains(name);
        assert_eq!(before.camera.jpeg.has_ended(), !stays, "{name} ends when it is removed, and not before");
        stays
    });
    let mut expected_open = Vec::new();
    for config in configured {
        let name = config.effective_name();
        let camera = scene.registry.named(&name).ok_or("a camera is missing")?;
        let ledger = ledger_name(&name, config);
        let (viewer, before) = match model.remove(&name) {
            Some(before) if !Arc::ptr_eq(&before.camera, &camera) => {
                return Err(format!("{name} is another camera"));
            }
            Some(before) if ledger_name(&name, &before.config) == ledger => (before.viewer, before.open),
            Some(before) => (before.viewer, None),
            None => (None, None),
        };
        let entry = scene.ledger.of(&ledger);
        // Without a viewer it may stay open for a while.
        if (!config.on_demand || viewer.is_some()) && entry.open != 1 {
            return Err(format!("{name} is not open"));
        }
        if let Some(before) = before
            && entry.opened != before
        {
            return Err(format!("{name} was opened anew"));
        }
        let open = (entry.open > 0).then_some(entry.opened);
        expected_open.extend(open.map(|_| ledger));
        model.insert(name, Model { config: config.clone(), camera, viewer, open });
    }
    expected_open.sort();
    let open = scene.ledger.open();
    if open != expected_open {
        return Err(format!("open are {open:?}"));
    }
    Ok(())
}

#[test]
fn a_camera_that_does_not_close_delays_the_others_only_for_a_while() {
    smol::block_on(async {
        let mut scene = Scene::new();
        scene.apply(&[always("yard", "test:")]).await;
        // Its task does not run, as if the device hung.
        let mut applying = Box::pin(scene.cameras.apply(&[]));
        assert!(poll_once(&mut applying).await.is_none());
        scene.hand.advance(limits::REMOVAL_MAX + Duration::from_millis(1));
        let applied = applying.await;
        assert_eq!(applied.removed, ["yard"]);
        assert_eq!((scene.cameras.closing.len(), scene.names().len()), (1, 0));
    });
}
