use std::time::Duration;

use futures_lite::future::or;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

use super::*;
use crate::camera::{Opened, Viewer};
use crate::clips::{self, Scene, Size};
use crate::frame::{BufferPool, Frame};
use crate::picture::orientation::{Crop, Orientation, Rotation};
use crate::picture::{Chroma, Plane, Planes};
use crate::rate_limit::RateLimit;
use crate::source::silence::What;
use crate::source::test_camera::TestCamera;

const SIZE: Size = (320, 240);
const INTERVAL: Duration = Duration::from_millis(40);

struct Rig {
    to: TestCamera,
    viewer: Viewer,
    transcoder: Transcoder,
}

impl Rig {
    fn new(codec: Codec, picture: &Picture) -> Self {
        let to = TestCamera::new(picture);
        let transcoder =
            Transcoder::start(&to.publisher, &to.clock, picture, codec, Shape::default()).unwrap();
        Self { viewer: to.watch(), to, transcoder }
    }

    fn unit(&self, codec: Codec, data: &[u8], is_key: bool) -> AccessUnit {
        AccessUnit {
            is_hidden: false,
            codec,
            data: data.to_vec().into(),
            arrived: self.to.clock.now(),
            is_key,
            discontinuity: false,
        }
    }

    /// The next picture; fails with the stage.
    fn next(&mut self) -> Arc<Frame> {
        let transcoder = &self.transcoder;
        smol::block_on(or(self.viewer.next(), async { panic!("{}", transcoder.failed().await) }))
    }
}

/// The best possible picture for a viewer: never video-coded, only a JPEG.
fn ideal(picture: &[u8], (width, height): Size) -> Vec<u8> {
    let samples = clips::full_range(picture, (width, height));
    let (columns, rows) = Chroma::Yuv420.plane_size(width, height);
    let (y, chroma) = samples.split_at(width * height);
    let (u, v) = chroma.split_at(columns * rows);
    let plane = |stride, data| Plane { stride, data };
    let (y, u, v) = (plane(width, y), plane(columns, u), plane(columns, v));
    let mut jpeg = BufferPool::default().take();
    let planes = Planes { width, height, chroma: Chroma::Yuv420, y, u, v };
    JpegEncoder::new(100, Chroma::Yuv420).unwrap().encode_planes(&planes, &mut jpeg).unwrap();
    pixels(&jpeg)
}

fn pixels(jpeg: &[u8]) -> Vec<u8> {
    JpegDecoder::new(ZCursor::new(jpeg)).decode().unwrap()
}

#[test]
fn viewers_see_the_scene() {
    if !clips::available("decoding") {
        return;
    }
    let picture = Picture { quality: 90, ..Picture::default() };
    let scene = Scene::new(SIZE, 30);
    for (codec, options) in [
        (Codec::H264, clips::h264("bframes=0:slices=4")),
        (Codec::H264, clips::h264("bframes=2:b-adapt=0:b-pyramid=none")),
        (Codec::H265, clips::h265("bframes=0")),
        (Codec::H265, clips::h265("bframes=0").replace("yuv420p", "yuv420p10le")),
    ] {
        let mut rig = Rig::new(codec, &picture);
        let units = clips::units(&clips::encode(SIZE, 30, &options), codec == Codec::H265);
        let delay = usize::from(!options.contains("bframes=0"));
        for (i, (data, is_key)) in units.iter().enumerate() {
            assert!(rig.transcoder.push(rig.unit(codec, data, *is_key)));
            if let Some(number) = i.checked_sub(delay) {
                let frame = rig.next();
                let psnr = clips::psnr(&pixels(&frame.jpeg), &ideal(&scene.pictures[number], SIZE));
                assert!(psnr >= 32.0, "{options}: picture {number} has {psnr:.1} dB");
                assert_eq!((frame.width, frame.height), (320, 240));
            }
            rig.to.hand.advance(INTERVAL);
        }
        let seen = rig.to.report_now();
        assert_eq!((seen.bad, seen.dropped), (0, 0), "{options}");
        let opened = Opened { width: 320, height: 240, format: codec.name().to_owned() };
        assert_eq!(seen.opened, Some(opened));
    }
}

/// Decoded pictures are turned to the pixel, and changes take effect with the next one.
#[test]
fn viewers_see_the_scene_turned_as_configured() {
    if !clips::available("decoding") {
        return;
    }
    let turned = |rotate, crop| Picture {
        quality: 90,
        orientation: Orientation { rotate, mirror: None, crop },
        ..Picture::default()
    };
    let (width, height) = SIZE;
    let mut rig = Rig::new(Codec::H264, &turned(Rotation::Half, None));
    let units = clips::units(&clips::encode(SIZE, 2, &clips::h264("bframes=0")), false);
    let scene = Scene::new(SIZE, 2);
    let at = |pixels: &[u8], at: usize| [pixels[3 * at], pixels[3 * at + 1], pixels[3 * at + 2]];
    assert!(rig.transcoder.push(rig.unit(Codec::H264, &units[0].0, true)));
    let (frame, whole) = (rig.next(), ideal(&scene.pictures[0], SIZE));
    assert_eq!((frame.width, frame.height), (320, 240));
    let expected: Vec<u8> = (0..width * height).rev().flat_map(|place| at(&whole, place)).collect();
    let psnr = clips::psnr(&pixels(&frame.jpeg), &expected);
    assert!(psnr >= 32.0, "{psnr:.1} dB");

    let crop = Crop { x: 33, y: 10, width: 101, height: 200 };
    rig.to.publisher.change(&turned(Rotation::Quarter, Some(crop)));
    rig.to.hand.advance(INTERVAL);
    assert!(rig.transcoder.push(rig.unit(Codec::H264, &units[1].0, false)));
    let (frame, whole) = (rig.next(), ideal(&scene.pictures[1], SIZE));
    assert_eq!((frame.width, frame.height), (101, 200));
    let before = |x: usize, y: usize| (height - 1 - (x + crop.x)) * width + y + crop.y;
    let expected: Vec<u8> = (0..crop.height)
        .flat_map(|y| (0..crop.width).map(move |x| before(x, y)))
        .flat_map(|place| at(&whole, place))
        .collect();
    let psnr = clips::psnr(&pixels(&frame.jpeg), &expected);
    assert!(psnr >= 30.0, "{psnr:.1} dB");
    let opened = rig.to.report_now().opened.unwrap();
    assert_eq!((opened.width, opened.height), (101, 200));
}

#[test]
fn damage_is_counted_and_pictures_resume_at_the_next_key_unit() {
    if !clips::available("decoding") {
        return;
    }
    let mut rig = Rig::new(Codec::H264, &Picture::default());
    let units = clips::units(&clips::encode(SIZE, 50, &clips::h264("bframes=0")), false);
    for (i, (data, is_key)) in units.iter().enumerate() {
        let cut = if i == 5 { data.len() / 2 } else { data.len() };
        assert!(rig.transcoder.push(rig.unit(Codec::H264, &data[..cut], *is_key)));
        if !(5..25).contains(&i) {
            assert_eq!(rig.next().captured, rig.to.clock.now());
        }
        if i == 24 {
            // The decoder may be behind.
            while rig.to.bad() == 0 {
                std::thread::yield_now();
            }
            let instead = rig.to.publisher.quiet_so_far().instead;
            assert!(matches!(&instead, What::Damaged { last, .. } if last.contains("H.264 picture")));
        }
        rig.to.hand.advance(Duration::from_millis(10));
    }
    let seen = rig.to.report_now();
    assert_eq!((seen.frames, seen.bad, seen.dropped), (30, 1, 19));
}

#[test]
fn the_rate_limit_is_kept() {
    if !clips::available("decoding") {
        return;
    }
    let picture = Picture { fps: Some(5), ..Picture::default() };
    let mut rig = Rig::new(Codec::H264, &picture);
    let units = clips::units(&clips::encode(SIZE, 50, &clips::h264("bframes=0")), false);
    let (mut limit, mut admitted) = (RateLimit::new(Some(5.0)), 0);
    for (data, is_key) in &units {
        assert!(rig.transcoder.push(rig.unit(Codec::H264, data, *is_key)));
        let now = rig.to.clock.now();
        if limit.admits(now) {
            assert_eq!(rig.next().captured, now);
            admitted += 1;
        }
        rig.to.hand.advance(INTERVAL);
    }
    assert_eq!(rig.to.frames(), admitted);
    assert!((9..=11).contains(&admitted), "{admitted} in 2 s");
}

#[test]
fn nothing_is_published_after_drop() {
    if !clips::available("decoding") {
        return;
    }
    let units = clips::units(&clips::encode(SIZE, 25, &clips::h264("bframes=0")), false);
    for stop_at in [1, 5, 25] {
        let rig = Rig::new(Codec::H264, &Picture::default());
        for (data, is_key) in &units[..stop_at] {
            assert!(rig.transcoder.push(rig.unit(Codec::H264, data, *is_key)));
        }
        let shared = Arc::downgrade(&rig.transcoder.shared);
        let camera = rig.to.camera.clone();
        drop(rig);
        let frames = camera.frames();
        // Both threads have ended once they release their shares.
        while shared.strong_count() > 0 {
            std::thread::yield_now();
        }
        assert_eq!(camera.frames(), frames);
    }
}

#[test]
fn a_stream_that_cannot_be_shown_gives_a_reason() {
    if !clips::available("decoding") {
        return;
    }
    // Larger than the ceiling, and the key picture alone.
    let options = clips::h264("bframes=0") + " -preset ultrafast";
    let units = clips::units(&clips::encode((8192, 4096), 1, &options), false);
    let rig = Rig::new(Codec::H264, &Picture::default());
    assert!(rig.transcoder.push(rig.unit(Codec::H264, &units[0].0, true)));
    let lost = smol::block_on(rig.transcoder.failed()).to_string();
    assert!(lost.contains("8192x4096 pixels, at most 16 megapixels"), "{lost}");
    assert!(!rig.transcoder.push(rig.unit(Codec::H264, &units[0].0, true)), "it has ended");
}

/// Pixels that are not square, according to the stream's parameter sets (VUI, sample_aspect_ratio).
#[test]
fn oblong_pixels_are_shown_in_the_right_shape() {
    if !clips::available("decoding") {
        return;
    }
    for (codec, options) in [(Codec::H264, clips::h264("bframes=0")), (Codec::H265, clips::h265("bframes=0"))]
    {
        for (aspect, expected) in [("20/11", (582, 240)), ("1/2", (320, 480)), ("1/1", (320, 240))] {
            let options = format!("-vf setsar={aspect} {options}");
            let units = clips::units(&clips::encode(SIZE, 2, &options), codec == Codec::H265);
            let mut rig = Rig::new(codec, &Picture::default());
            assert!(rig.transcoder.push(rig.unit(codec, &units[0].0, true)));
            let frame = rig.next();
            assert_eq!((frame.width, frame.height), expected, "{codec:?} {aspect}");
            assert_eq!(crate::mjpeg::read_size(&frame.jpeg), Some(expected), "{codec:?} {aspect}");
            let opened = rig.to.report_now().opened.unwrap();
            assert_eq!((opened.width, opened.height), expected, "health says what is shown");
        }
    }
}
