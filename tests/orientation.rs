//! Pictures turned, mirrored and cropped by the real program: of JPEG, of H.264 and of the test card.

#[path = "support/clips.rs"]
mod clips;
#[path = "support/config_file.rs"]
mod config_file;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/service.rs"]
mod service;
#[allow(dead_code)] // Other tests use the rest.
#[path = "support/stream.rs"]
mod stream;

use std::path::Path;

use config_file::{File, camera};
use pinhole::encode::JpegEncoder;
use pinhole::frame::BufferPool;
use pinhole::picture::{Chroma, PixelFormat, RawPicture};
use service::{Answer, Service};
use stream::Stream;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

const SIZE: (usize, usize) = (128, 96);
/// Light of the corners: left and right at the top, left and right at the bottom.
const CORNERS: [i32; 4] = [250, 170, 90, 10];
/// Light may differ by so much after coding.
const SAME_MAX: i32 = 12;

/// Settings, where the corners go, and width and height.
const CASES: [(&str, [usize; 4], (usize, usize)); 9] = [
    ("rotate = 0", [0, 1, 2, 3], (128, 96)),
    ("rotate = 90", [2, 0, 3, 1], (96, 128)),
    ("rotate = 180", [3, 2, 1, 0], (128, 96)),
    ("rotate = 270", [1, 3, 0, 2], (96, 128)),
    ("mirror = \"horizontal\"", [1, 0, 3, 2], (128, 96)),
    ("mirror = \"vertical\"", [2, 3, 0, 1], (128, 96)),
    ("rotate = 90\nmirror = \"horizontal\"", [0, 2, 1, 3], (96, 128)),
    ("crop = \"64,0,64,48\"", [1, 1, 1, 1], (64, 48)),
    ("rotate = 90\nmirror = \"vertical\"\ncrop = \"48,64,48,64\"", [0, 0, 0, 0], (48, 64)),
];

/// Each quarter of the picture has its own light.
fn jpeg() -> Vec<u8> {
    let (width, height) = SIZE;
    let light = |at: usize| {
        let (x, y) = (at % width, at / width);
        CORNERS[usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2)] as u8
    };
    let data: Vec<u8> = (0..width * height).map(light).collect();
    // In 4:2:0, as cameras have it.
    let data = [&data[..], &vec![128; width * height / 2]].concat();
    let picture = RawPicture { data: &data, format: PixelFormat::Yu12, width, height, stride: width };
    let mut jpeg = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(90, Chroma::Yuv420).expect("an encoder");
    encoder.encode(&picture, &mut jpeg).expect("a picture");
    jpeg.to_vec()
}

/// The light of a JPEG's corners, and its width and height.
fn corners(jpeg: &[u8]) -> ([i32; 4], (usize, usize)) {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma).set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let luma = decoder.decode().expect("a whole JPEG");
    let (width, height) = decoder.dimensions().expect("it is decoded");
    let at = |x: usize, y: usize| i32::from(luma[y * width + x]);
    let (right, bottom) = (width - 5, height - 5);
    ([at(4, 4), at(right, 4), at(4, bottom), at(right, bottom)], (width, height))
}

fn assert_like(actual: [i32; 4], expected: [i32; 4], what: &str) {
    let is_same = actual.iter().zip(expected).all(|(actual, expected)| (actual - expected).abs() <= SAME_MAX);
    assert!(is_same, "{what}: {actual:?}, not {expected:?}");
}

fn snapshot(service: &Service, name: &str) -> Vec<u8> {
    let Answer { status, body, .. } = service.request("GET", &format!("/cameras/{name}/snapshot.jpg"), "");
    assert_eq!(status, 200, "{name}: {}", String::from_utf8_lossy(&body));
    body
}

/// One camera of this source for each case.
fn cameras(source: &str) -> String {
    let each = CASES.iter().enumerate();
    each.map(|(number, (settings, ..))| camera(&format!("c{number}"), source, settings)).collect()
}

fn see_every_case(name: &str, source: &str) {
    let file = File::new(&format!("orientation-{name}"), &cameras(source));
    let service = file.serve_anywhere();
    for (number, (settings, from, size)) in CASES.iter().enumerate() {
        let (actual, shown) = corners(&snapshot(&service, &format!("c{number}")));
        assert_eq!(shown, *size, "{source} {settings}");
        assert_like(actual, from.map(|corner| CORNERS[corner]), &format!("{source} {settings}"));
        let camera = &service.json("/health").1["cameras"][number];
        assert_eq!((&camera["width"], &camera["height"]), (&size.0.into(), &size.1.into()), "{settings}");
    }
    assert_eq!(service.terminate().code(), Some(0));
}

fn source_of(path: &Path) -> String {
    format!("file:{}", path.display())
}

#[test]
fn jpegs_are_turned_mirrored_and_cropped() {
    let folder = clips::Folder::new("orientation-jpegs");
    std::fs::write(folder.file("1.jpg"), jpeg()).expect("it is written");
    see_every_case("jpeg", &source_of(&folder.0));
}

#[test]
fn video_is_turned_mirrored_and_cropped() {
    if !clips::available("turned video") {
        return;
    }
    let folder = clips::Folder::new("orientation-video");
    let (still, clip) = (folder.file("still.jpg"), folder.file("clip.mp4"));
    std::fs::write(&still, jpeg()).expect("it is written");
    let (still, path) = (still.to_str().expect("a name"), clip.to_str().expect("a name"));
    let coding = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast"];
    clips::ffmpeg(&[&["-loop", "1", "-i", still, "-frames:v", "10"], &coding[..], &[path]].concat());
    see_every_case("video", &source_of(&clip));
}

#[test]
fn the_test_card_is_turned() {
    let card = |name, settings| camera(name, "test:", &format!("size = \"320x240\"\n{settings}"));
    let file = File::new(
        "orientation-card",
        &(card("upright", "") + &card("turned", "rotate = 90\ncrop = \"0,0,240,320\"")),
    );
    let service = file.serve_anywhere();
    let (upright, size) = corners(&snapshot(&service, "upright"));
    assert_eq!(size, (320, 240));
    let (turned, size) = corners(&snapshot(&service, "turned"));
    assert_eq!(size, (240, 320));
    let [left_top, right_top, left_bottom, right_bottom] = upright;
    assert_like(turned, [left_bottom, left_top, right_bottom, right_top], "rotate = 90");
    assert!(left_top > left_bottom + 2 * SAME_MAX, "a card whose top differs from its bottom: {upright:?}");
    assert_eq!(service.terminate().code(), Some(0));
}

/// Reads parts until one has these corners: some of the old kind may be on their way.
fn until_corners(viewer: &mut Stream, from: [usize; 4], size: (usize, usize)) {
    let expected = from.map(|corner| CORNERS[corner]);
    for _ in 0..200 {
        let (actual, shown) = corners(&viewer.part().jpeg);
        if shown == size {
            return assert_like(actual, expected, "after the change");
        }
    }
    panic!("no picture of {size:?}");
}

#[test]
fn a_change_reaches_the_open_camera_and_a_crop_that_does_not_fit_is_a_reason() {
    let folder = clips::Folder::new("orientation-reload");
    std::fs::write(folder.file("1.jpg"), jpeg()).expect("it is written");
    let text = |settings: &str| camera("yard", &source_of(&folder.0), settings);
    let file = File::new("orientation-reload-file", &text(""));
    let service = file.serve_anywhere();
    let mut viewer = Stream::open(service.connect(), "/cameras/yard/stream");
    until_corners(&mut viewer, [0, 1, 2, 3], SIZE);
    for (settings, from, size) in [CASES[1], CASES[8], CASES[7]] {
        file.replace(&text(settings));
        service.log_line("configuration applied: changed yard");
        until_corners(&mut viewer, from, size);
    }
    let camera = &service.json("/health").1["cameras"][0];
    assert_eq!((&camera["reconnects_total"], &camera["width"]), (&0.into(), &64.into()), "{camera:#}");

    file.replace(&text("crop = \"0,0,9999,9999\""));
    let lost = service.until("/health", |health| health["cameras"][0]["state"] == "lost");
    let camera = &lost["cameras"][0];
    assert_eq!(camera["reason_code"], "orientation", "{camera:#}");
    let reason = camera["reason"].as_str().expect("a reason");
    assert!(reason.ends_with("crop 0,0,9999,9999 lies outside of the camera's 128x96 pixels"), "{reason}");
    assert_eq!(camera["frames_bad_total"], 0, "they are not damaged");

    file.replace(&text("rotate = 180"));
    service.log_line("configuration applied: reopened yard");
    service.until("/health", |health| health["cameras"][0]["state"] == "live");
    // Cards and their end come first, on the same connection.
    for _ in 0..200 {
        let (actual, shown) = corners(&viewer.part().jpeg);
        if shown == SIZE && (actual[3] - CORNERS[0]).abs() <= SAME_MAX {
            assert_like(actual, CASES[2].1.map(|corner| CORNERS[corner]), "after it is mended");
            assert_eq!(service.terminate().code(), Some(0));
            return;
        }
    }
    panic!("no picture after it is mended");
}

/// The options of the command line, and a command that takes one picture.
#[test]
fn a_snapshot_is_turned_too() {
    let folder = clips::Folder::new("orientation-snapshot");
    let (still, taken) = (folder.file("1.jpg"), folder.file("taken"));
    std::fs::write(&still, jpeg()).expect("it is written");
    let snapshot = |options: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pinhole"));
        command.args(["snapshot", &source_of(&still), "--output", taken.to_str().expect("a name")]);
        command.args(options).output().expect("it runs")
    };
    let output = snapshot(&["--rotate", "270", "--crop", "0,0,96,128"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (actual, size) = corners(&std::fs::read(&taken).expect("it is written"));
    assert_eq!(size, (96, 128));
    assert_like(actual, CASES[3].1.map(|corner| CORNERS[corner]), "--rotate 270");
    let output = snapshot(&["--crop", "0,0,96,128"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("crop 0,0,96,128 lies outside"), "{error}");
}
