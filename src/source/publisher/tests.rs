use super::*;
use crate::draw::TestCard;
use crate::encode::JpegEncoder;
use crate::frame::BufferPool;
use crate::picture::Chroma;
use crate::picture::orientation::{Crop, Mirror, Rotation};
use crate::source::silence::What;
use crate::source::test_camera::TestCamera;
use futures_lite::future::poll_once;

const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn silence_starts_when_the_source_is_open() {
    let TestCamera { publisher, hand, .. } = TestCamera::default();
    smol::block_on(async {
        let mut quiet = Box::pin(publisher.quiet(PATIENCE));
        for _ in 0..60 {
            assert_eq!(poll_once(&mut quiet).await, None, "it is being opened");
            hand.advance(Duration::from_secs(1));
        }
        publisher.expect();
        for _ in 0..5 {
            assert_eq!(poll_once(&mut quiet).await, None, "it may be silent for a while");
            hand.advance(Duration::from_secs(1));
        }
        assert_eq!(quiet.await, Quiet { time: PATIENCE, instead: What::Nothing });
    });
}

#[test]
fn nothing_is_published_after_close_and_changes_reach_the_open_source() {
    let to = TestCamera::default();
    let picture = |width| to.publisher.publish(to.publisher.buffer(), to.clock.now(), width, 2);
    to.publisher.set_format("MJPG");
    picture(4);
    picture(8);
    let opened = to.report_now().opened.unwrap();
    assert_eq!((opened.width, opened.height, opened.format.as_str()), (8, 2, "MJPG"));
    to.publisher.change(&Picture { quality: 12, fps: Some(3), ..Picture::default() });
    assert_eq!((to.publisher.quality(), to.publisher.fps()), (12, Some(3.0)));
    to.publisher.close();
    picture(4);
    assert_eq!(to.frames(), 2);
}

fn jpeg() -> Vec<u8> {
    let mut jpeg = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(80, Chroma::Yuv420).unwrap();
    encoder.encode_planes(&TestCard::new("yard", 64, 48).draw(1, Duration::ZERO), &mut jpeg).unwrap();
    jpeg.to_vec()
}

fn oriented(orientation: Orientation) -> Picture {
    Picture { orientation, ..Picture::default() }
}

fn cropped(x: usize, y: usize, width: usize, height: usize) -> Orientation {
    Orientation { crop: Some(Crop { x, y, width, height }), ..Orientation::NONE }
}

fn newest(to: &TestCamera) -> (Vec<u8>, (u32, u32)) {
    let (frame, _) = to.jpeg.newer_than(0).unwrap();
    (frame.jpeg.to_vec(), (frame.width, frame.height))
}

#[test]
fn a_jpeg_is_turned_without_loss_and_only_where_that_is_configured() {
    let jpeg = jpeg();
    // Padding is cut before.
    let padded = [&[0; 7], &jpeg[..], &[0; 9]].concat();
    for orientation in [
        Orientation::NONE,
        Orientation { rotate: Rotation::Quarter, ..cropped(16, 0, 32, 50) },
        Orientation { mirror: Some(Mirror::Horizontal), ..Orientation::NONE },
    ] {
        let to = TestCamera::new(&oriented(orientation));
        let mut expected = to.publisher.buffer();
        let size = transform_jpeg(&jpeg, &orientation, &mut expected).unwrap();
        let expected = if orientation == Orientation::NONE { jpeg.clone() } else { expected.to_vec() };
        let size = (size.0 as u32, size.1 as u32);
        to.publisher.set_format("MJPG");
        to.publisher.check(&padded, to.clock.now());
        assert_eq!(newest(&to), (expected.clone(), size), "{orientation:?}");
        let mut owned = to.publisher.buffer();
        owned.extend_from_slice(&padded);
        to.publisher.check_owned(owned, to.clock.now());
        assert_eq!(newest(&to), (expected, size), "{orientation:?}");
        let opened = to.report_now().opened.unwrap();
        assert_eq!((opened.width, opened.height), size);
        assert_eq!((to.frames(), to.bad()), (2, 0));
    }
}

#[test]
fn the_size_that_is_shown_is_known_before_the_first_picture() {
    let to =
        TestCamera::new(&oriented(Orientation { rotate: Rotation::ThreeQuarters, ..cropped(0, 0, 40, 60) }));
    to.publisher.opened("YUYV", 64, 48, String::new());
    let opened = to.report_now().opened.unwrap();
    assert_eq!((opened.width, opened.height), (40, 60));
}

#[test]
fn an_orientation_that_does_not_fit_is_the_reason_after_some_pictures_until_it_changes() {
    let (to, jpeg) = (TestCamera::new(&oriented(cropped(0, 0, 9999, 9999))), jpeg());
    let check = || to.publisher.check(&jpeg, to.clock.now());
    for _ in 0..UNFIT_MAX {
        assert_eq!(smol::block_on(poll_once(to.publisher.refused())), None);
        check();
    }
    let lost = smol::block_on(to.publisher.refused());
    assert_eq!(
        lost.to_string(),
        "cannot turn or crop its pictures as configured: crop 0,0,9999,9999 lies outside of the camera's 64x48 pixels"
    );
    assert_eq!((to.frames(), to.bad(), to.report_now().dropped), (0, 0, 3));
    to.publisher.change(&oriented(cropped(3, 0, 12, 12)));
    assert_eq!(to.publisher.refusal(), None);
    for _ in 0..UNFIT_MAX {
        check();
    }
    let lost = smol::block_on(to.publisher.refused()).to_string();
    assert!(lost.contains("no block of 16x16 pixels"), "{lost}");
    to.publisher.change(&oriented(cropped(0, 0, 32, 32)));
    check();
    assert_eq!((newest(&to).1, to.publisher.refusal()), ((32, 32), None));
}

/// A folder of pictures of many sizes, or a camera whose pictures come with a damaged head now and then.
#[test]
fn single_pictures_that_do_not_fit_are_left_out() {
    let (to, fitting) = (TestCamera::new(&oriented(cropped(0, 0, 64, 48))), jpeg());
    let mut small = fitting.clone();
    let sof = small.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    small[sof + 5..sof + 9].copy_from_slice(&[0, 16, 0, 64]);
    for _ in 0..4 {
        for jpeg in [&fitting, &small, &small] {
            to.publisher.check(jpeg, to.clock.now());
        }
    }
    assert_eq!((to.frames(), to.publisher.refusal()), (4, None));
}
