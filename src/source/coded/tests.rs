use std::cell::Cell;
use std::sync::LazyLock;

use futures_lite::future::{or, yield_now};

use super::*;
use crate::camera::State as CameraState;
use crate::clips::{self, Size};
use crate::source::test_camera::TestCamera;

const SIZE: Size = (320, 240);
const INTERVAL: Duration = Duration::from_millis(40);

static CLIP: LazyLock<Vec<(Vec<u8>, bool)>> =
    LazyLock::new(|| clips::units(&clips::encode(SIZE, 50, &clips::h264("bframes=0")), false));

/// A camera whose units are pushed by hand, and by a clock that is turned so.
struct Rig {
    to: TestCamera,
    delivery: CodedDelivery,
    pushed: Cell<usize>,
}

impl Rig {
    /// Lets a test push units while the delivery follows what is wanted of its camera.
    fn run(test: impl AsyncFnOnce(&Self)) {
        if !clips::available("coded delivery") {
            return;
        }
        let to = TestCamera::default();
        let delivery = CodedDelivery::new(&to.publisher, &to.clock, &Picture::default());
        let rig = Self { to, delivery, pushed: Cell::new(0) };
        smol::block_on(or(rig.delivery.follow(), test(&rig)));
    }

    fn push(&self, pictures: usize) {
        for _ in 0..pictures {
            let (data, is_key) = CLIP[self.pushed.get() % CLIP.len()].clone();
            let arrived = self.to.clock.now();
            let (codec, data) = (Codec::H264, data.into());
            let unit = AccessUnit { codec, data, arrived, is_key, is_hidden: false, discontinuity: false };
            self.delivery.push(unit, Shape::default()).unwrap();
            self.pushed.set(self.pushed.get() + 1);
            self.to.hand.advance(INTERVAL);
        }
    }

    fn is_decoding(&self) -> bool {
        self.delivery.state().transcoder.is_some()
    }
}

/// Lets the delivery do what it has to.
async fn settle() {
    for _ in 0..8 {
        yield_now().await;
    }
}

#[test]
fn pictures_are_counted_and_not_decoded_while_nobody_wants_jpeg() {
    Rig::run(async |rig| {
        let _viewer = rig.to.watch_coded();
        settle().await;
        rig.push(30);
        settle().await;
        assert!(!rig.is_decoding());
        let seen = rig.to.report_now();
        assert_eq!((seen.state, seen.frames, seen.viewers), (CameraState::Live, 30, 1));
        assert!((seen.fps.unwrap() - 25.0).abs() < 0.1);
        let opened = seen.opened.unwrap();
        assert_eq!((opened.width, opened.height, opened.format.as_str()), (320, 240, "H.264"));
        assert!(rig.to.publisher.quiet_so_far().time <= INTERVAL);
        assert!(rig.to.jpeg.newer_than(0).is_none());
    });
}

#[test]
fn a_viewer_of_jpeg_amid_a_group_sees_the_newest_picture_at_once() {
    Rig::run(async |rig| {
        settle().await;
        rig.push(40);
        let newest = rig.to.clock.now() - INTERVAL;
        let mut viewer = rig.to.watch();
        let frame = viewer.next().await;
        assert_eq!((frame.captured, frame.width, frame.height), (newest, 320, 240));
        let frames = rig.to.frames();
        rig.push(1);
        assert_eq!(viewer.next().await.captured, newest + INTERVAL);
        let seen = rig.to.report_now();
        assert_eq!((seen.frames, seen.dropped, seen.bad), (frames + 1, 0, 0), "what is published counts");
        drop(viewer);
        settle().await;
        assert!(rig.is_decoding(), "a page may be loaded again");
        rig.to.hand.advance(DECODING_LINGER);
        settle().await;
        assert!(!rig.is_decoding());
        assert!(rig.to.jpeg.newer_than(0).is_none(), "no old picture greets a later viewer");
        rig.push(1);
        assert_eq!(rig.to.frames(), frames + 2);
    });
}

#[test]
fn a_camera_lost_because_of_decoding_has_to_be_decoded_to_be_live() {
    Rig::run(async |rig| {
        rig.to.set_state(CameraState::Lost(Lost::TooLarge("8K".to_owned())));
        settle().await;
        rig.push(1);
        rig.to.until(|camera| !camera.is_lost()).await;
        assert!(rig.to.jpeg.newer_than(0).is_some());
    });
    Rig::run(async |rig| {
        rig.to.set_state(CameraState::Lost(Lost::Unplugged));
        settle().await;
        rig.push(1);
        assert!(!rig.is_decoding() && !rig.to.is_lost());
    });
}
