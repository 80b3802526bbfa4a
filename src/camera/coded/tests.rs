use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_lite::future::poll_once;
use smol::block_on;

use super::fragments::BEHIND_MAX;
use super::units::{KEPT_MAX, KEPT_MAX_BYTES};
use super::*;
use crate::camera::lost::Lost;
use crate::camera::{Camera, State};
use crate::clips;
use crate::clock::Monotonic;
use crate::mp4::{Fragment, Start, Unplayable};
use crate::video::{Codec, nal};

/// Pictures of a group.
const GROUP: usize = 25;

const INTERVAL: Duration = Duration::from_millis(40);

/// The units of a clip that begins a group of pictures each second.
fn units_of(options: &str) -> Vec<(Vec<u8>, bool)> {
    clips::units(&clips::encode((64, 48), 4 * GROUP, &clips::h264(options)), false)
}

static CLIP: LazyLock<Vec<(Vec<u8>, bool)>> = LazyLock::new(|| units_of("bframes=0"));

/// A camera with coded video, which is pushed by hand.
struct Scene {
    camera: Arc<Camera>,
    pushed: usize,
}

impl Scene {
    /// `None` where there is no clip.
    fn new() -> Option<Self> {
        clips::available("coded track").then(|| Self { camera: Camera::on_demand("yard"), pushed: 0 })
    }

    fn unit(&self) -> AccessUnit {
        let (data, is_key) = CLIP[self.pushed % CLIP.len()].clone();
        AccessUnit {
            codec: Codec::H264,
            data: data.into(),
            arrived: Monotonic::since_zero(Duration::from_secs(1) + INTERVAL * self.pushed as u32),
            is_key,
            is_hidden: false,
            discontinuity: false,
        }
    }

    fn push(&mut self, pictures: usize) {
        for _ in 0..pictures {
            self.push_changed(|_| {});
        }
    }

    fn push_changed(&mut self, change: impl FnOnce(&mut AccessUnit)) {
        let mut unit = self.unit();
        change(&mut unit);
        self.camera.coded.push(unit);
        self.pushed += 1;
    }

    /// Units and fragments.
    fn kept(&self) -> (usize, usize) {
        let state = self.camera.coded.state();
        (state.units.iter().count(), state.fragments.as_ref().map_or(0, Fragments::count))
    }

    fn kept_bytes(&self) -> (usize, usize) {
        let state = self.camera.coded.state();
        (state.units.bytes(), state.fragments.as_ref().map_or(0, Fragments::bytes))
    }
}

/// All that has come for a viewer.
fn read(viewer: &mut CodedViewer) -> Vec<Arc<Fragment>> {
    let mut seen = Vec::new();
    while let Some(next) = block_on(poll_once(viewer.next())) {
        seen.push(next.unwrap());
    }
    seen
}

fn starts(fragments: &[Arc<Fragment>]) -> Vec<bool> {
    fragments.iter().map(|fragment| fragment.start == Start::Here).collect()
}

#[test]
fn a_viewer_begins_within_the_group_and_all_share_its_fragments() {
    let Some(mut scene) = Scene::new() else { return };
    scene.push(GROUP + 10);
    assert_eq!(scene.kept_bytes().1, 0, "nobody watches");
    let (mut one, mut two) = (scene.camera.watch_coded(), scene.camera.watch_coded());
    assert_eq!((scene.camera.viewers(), scene.camera.jpeg_viewers()), (2, 0));
    let init = block_on(one.begin()).unwrap();
    assert_eq!((init.size(), init.codecs().starts_with("avc1.")), ((64, 48), true));
    let seen = read(&mut one);
    assert_eq!(starts(&seen), [true].into_iter().chain([false; 9]).collect::<Vec<_>>());
    for (one, two) in seen.iter().zip(read(&mut two)) {
        assert!(Arc::ptr_eq(one, &two), "muxed once");
    }
    scene.push(3);
    assert_eq!((read(&mut one).len(), read(&mut two).len()), (3, 3));
    drop((one, two));
    assert_eq!((scene.camera.viewers(), scene.kept_bytes().1), (0, 0));
}

#[test]
fn a_viewer_before_the_first_picture_waits_for_a_start() {
    let Some(mut scene) = Scene::new() else { return };
    let mut viewer = scene.camera.watch_coded();
    assert!(block_on(poll_once(viewer.begin())).is_none());
    scene.pushed = 20;
    scene.push(5);
    assert!(block_on(poll_once(viewer.begin())).is_none(), "none of these can be decoded");
    scene.push(1);
    assert!(block_on(poll_once(viewer.begin())).is_some());
    assert_eq!(starts(&read(&mut viewer)), [true]);
}

#[test]
fn a_viewer_a_little_behind_misses_nothing_and_one_that_is_far_behind_goes_on_with_a_start() {
    let Some(mut scene) = Scene::new() else { return };
    scene.push(1);
    let (mut slow, mut slower) = (scene.camera.watch_coded(), scene.camera.watch_coded());
    assert_eq!((read(&mut slow).len(), read(&mut slower).len()), (1, 1));
    scene.push(GROUP);
    assert_eq!(read(&mut slow).len(), GROUP, "across the start");
    // More than a second behind the newest picture, and in a group before the last.
    scene.push(GROUP + 10);
    let seen = read(&mut slower);
    assert_eq!(starts(&seen), [true].into_iter().chain([false; 10]).collect::<Vec<_>>());
    let kept = BEHIND_MAX.as_millis() / INTERVAL.as_millis();
    assert_eq!(scene.kept().1, kept as usize + 1);
}

#[test]
fn what_is_kept_is_bounded_in_bytes_and_in_time() {
    let Some(mut scene) = Scene::new() else { return };
    let mut viewer = scene.camera.watch_coded();
    scene.push(2);
    read(&mut viewer);
    // A group without an end, of the largest pictures.
    let padding = [&nal::START_CODE[..], &[6], &vec![0x55; KEPT_MAX_BYTES / 10]].concat();
    for _ in 0..30 {
        scene.pushed = 2;
        scene.push_changed(|unit| unit.data.append(&padding));
        let (units, fragments) = scene.kept_bytes();
        assert!(units <= KEPT_MAX_BYTES && fragments <= KEPT_MAX_BYTES, "{units} {fragments}");
    }
    assert_eq!(scene.kept_bytes().0, 0, "nothing of it can be decoded");
    let seen = block_on(poll_once(viewer.next()));
    assert!(seen.is_none(), "it waits for the next start");
    let mut scene = Scene::new().unwrap();
    scene.push(1);
    for n in 0..(KEPT_MAX.as_secs() as usize + 2) * 25 {
        scene.pushed = n + 1;
        scene.push_changed(|unit| (unit.data, unit.is_key) = (CLIP[1].0.clone().into(), false));
    }
    assert!(scene.camera.coded.units_since_key().is_empty());
}

#[test]
fn a_decoder_gets_the_units_from_the_last_key_picture_without_a_copy() {
    let Some(mut scene) = Scene::new() else { return };
    scene.push(GROUP + 7);
    let units = scene.camera.coded.units_since_key();
    assert_eq!((units.len(), units[0].is_key), (7, true));
    let again = scene.camera.coded.units_since_key();
    assert_eq!(units[3].data.as_ptr(), again[3].data.as_ptr());
}

#[test]
fn nothing_old_greets_a_viewer_and_the_stream_goes_on_with_a_start() {
    let Some(mut scene) = Scene::new() else { return };
    scene.push(10);
    let mut viewer = scene.camera.watch_coded();
    read(&mut viewer);
    scene.camera.set_state(State::Lost(Lost::Unplugged));
    assert!(scene.camera.coded.units_since_key().is_empty());
    assert!(block_on(poll_once(scene.camera.watch_coded().begin())).is_none());
    scene.push(10);
    assert!(read(&mut viewer).is_empty(), "units before these are missing");
    scene.push(GROUP);
    assert_eq!(starts(&read(&mut viewer))[..2], [true, false]);
}

#[test]
fn viewers_are_told_of_the_end_of_other_content_and_of_other_parameters() {
    let Some(mut scene) = Scene::new() else { return };
    let mut viewer = scene.camera.watch_coded();
    scene.camera.coded.set_other("MJPG");
    let end = block_on(viewer.begin()).unwrap_err();
    assert_eq!(end, End::NotCoded("MJPG".to_owned()));
    scene.push(1);
    assert_eq!(read(&mut viewer).len(), 1, "another source");
    let other = clips::encode((96, 64), 1, &clips::h264("bframes=0"));
    scene.push_changed(|unit| (unit.data, unit.is_key) = (other.into(), true));
    assert_eq!(block_on(viewer.next()), Err(End::OtherParameters));
    let mut next = scene.camera.watch_coded();
    assert_eq!(block_on(next.begin()).unwrap().size(), (96, 64));
    scene.camera.end();
    assert_eq!(block_on(next.next()), Err(End::Removed));
}

#[test]
fn a_stream_that_cannot_be_played_ends_for_those_who_watch() {
    let Some(mut scene) = Scene::new() else { return };
    scene.push(1);
    let mut viewer = scene.camera.watch_coded();
    read(&mut viewer);
    let pieces = [&nal::START_CODE[..], &[6, 5]].concat().repeat(crate::mp4::NAL_UNITS_MAX + 1);
    scene.push_changed(|unit| unit.data.append(&pieces));
    assert_eq!(block_on(viewer.next()), Err(End::Unplayable(Unplayable::TooLarge)));
    assert_eq!(viewer.fault(), Some(End::Unplayable(Unplayable::TooLarge)));
    scene.pushed = GROUP;
    scene.push(2);
    assert_eq!(read(&mut scene.camera.watch_coded()).len(), 2, "it is playable again");
}

#[test]
fn a_damaged_picture_costs_those_up_to_the_next_start() {
    let Some(mut scene) = Scene::new() else { return };
    let mut viewer = scene.camera.watch_coded();
    scene.push(5);
    let mut seen = read(&mut viewer);
    scene.push_changed(|unit| unit.data = nal::START_CODE.to_vec().into());
    scene.push(GROUP);
    seen.extend(read(&mut viewer));
    let expected: Vec<bool> = (0..5).chain(GROUP..GROUP + 6).map(|n| n % GROUP == 0).collect();
    assert_eq!(starts(&seen), expected);
}
