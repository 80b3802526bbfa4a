//! Runs one stage of a frame's path repeatedly, to count instructions, which do not depend on other load.
//!
//! `stages STAGE FRAMES` under `valgrind --tool=callgrind`; `tools/count` runs it twice for each stage and
//! takes the difference, so that only the frames count. `stages` without arguments lists the stages.

#[path = "../tests/support/clips.rs"]
mod clips;
mod rtsp;
mod scene;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use futures_lite::future::poll_once;
use pinhole::camera::Camera;
use pinhole::clock::{Clock, Monotonic};
use pinhole::config::Picture;
use pinhole::decode::Decoder;
use pinhole::encode::JpegEncoder;
use pinhole::encode::resize::{JpegResizer, PlanesResizer, Step};
use pinhole::encode::transform::{PlanesTransformer, transform_jpeg};
use pinhole::frame::{BufferPool, Frame, Kind};
use pinhole::mjpeg;
use pinhole::picture::orientation::{Mirror, Orientation, Rotation};
use pinhole::picture::{Chroma, PixelFormat, RawPicture};
use pinhole::rtp::Picture as Coded;
use pinhole::rtsp::{Event, Input, Output};
use pinhole::source::publisher::Publisher;
use pinhole::video::{AccessUnit, Codec};
use scene::Scene;

const QUALITY: u8 = 80;
const FORMATS: [PixelFormat; 6] = [
    PixelFormat::Yuyv,
    PixelFormat::Nv12,
    PixelFormat::Yu12,
    PixelFormat::Rgb24,
    PixelFormat::Rgb565,
    PixelFormat::Grey,
];
const VIEWERS: [usize; 3] = [1, 10, 50];
const STEPS: [Step; 3] = [Step::Half, Step::Quarter, Step::Eighth];
/// Names of what is done to the picture, without loss as a JPEG.
const ORIENTATIONS: [(&str, Orientation); 4] = [
    ("rotate-90", Orientation { rotate: Rotation::Quarter, mirror: None, crop: None }),
    ("rotate-180", Orientation { rotate: Rotation::Half, mirror: None, crop: None }),
    ("rotate-270", Orientation { rotate: Rotation::ThreeQuarters, mirror: None, crop: None }),
    ("mirror", Orientation { rotate: Rotation::None, mirror: Some(Mirror::Horizontal), crop: None }),
];
/// Pictures of a clip, at least as many as are asked for.
const CLIP: usize = 25;
/// Bytes to read from a connection at once.
const READ_BYTES: usize = 16 << 10;
const NOW: Monotonic = Monotonic::since_zero(Duration::ZERO);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let [stage, frames] = &arguments[..] else {
        println!("planar mend mend-no-dht");
        println!("{}", FORMATS.map(|format| format!("encode-{}", format.name())).join(" "));
        println!("{}", VIEWERS.map(|viewers| format!("track-{viewers}")).join(" "));
        println!("{}", VIEWERS.map(|viewers| format!("publish-{viewers}")).join(" "));
        println!("decode-h264 decode-h265 rtsp-h264 rtsp-decode-h264");
        for prefix in ["", "planes-"] {
            println!("{}", STEPS.map(|step| format!("{prefix}resize-{}", step.divisor())).join(" "));
            println!("{}", ORIENTATIONS.map(|(name, _)| format!("{prefix}{name}")).join(" "));
        }
        return ExitCode::SUCCESS;
    };
    let Ok(frames) = frames.parse() else { return usage(frames) };
    match stage.as_str() {
        "planar" => planar(frames),
        "mend" => mend(&jpeg(), frames),
        "mend-no-dht" => mend(&without_tables(&jpeg()), frames),
        "decode-h264" => decode(Codec::H264, &clips::h264("bframes=0"), frames),
        "decode-h265" => decode(Codec::H265, &clips::h265("bframes=0"), frames),
        "rtsp-h264" => rtsp(frames, false),
        "rtsp-decode-h264" => rtsp(frames, true),
        name if alter(name, frames) => {}
        name => {
            let format = name.strip_prefix("encode-").and_then(PixelFormat::from_name);
            let viewers = |stage| name.strip_prefix(stage).and_then(|number| number.parse().ok());
            match (format, viewers("track-"), viewers("publish-")) {
                (Some(format), ..) => encode(format, frames),
                (_, Some(viewers), _) => track(viewers, frames),
                (_, _, Some(viewers)) => publish(viewers, frames),
                _ => return usage(name),
            }
        }
    }
    ExitCode::SUCCESS
}

fn usage(what: &str) -> ExitCode {
    eprintln!("stages: \"{what}\" is no stage and no number of frames; without arguments, stages are named");
    ExitCode::from(2)
}

fn planar(frames: usize) {
    let scene = Scene::new(1280, 720);
    let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
    let mut out = BufferPool::default().take();
    for _ in 0..frames {
        encoder.encode_planes(black_box(&scene.planes()), &mut out).unwrap();
    }
}

fn encode(format: PixelFormat, frames: usize) {
    let (stride, data) = Scene::new(1280, 720).bytes(format);
    let picture = RawPicture { format, width: 1280, height: 720, stride, data: &data };
    let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
    let mut out = BufferPool::default().take();
    for _ in 0..frames {
        encoder.encode(black_box(&picture), &mut out).unwrap();
    }
}

/// A picture made smaller, turned or mirrored, as a JPEG or as planes; false where the name is another one.
fn alter(name: &str, frames: usize) -> bool {
    let (kind, is_planes) = name.strip_prefix("planes-").map_or((name, false), |kind| (kind, true));
    let step = STEPS.into_iter().find(|step| kind == format!("resize-{}", step.divisor()));
    let orientation = ORIENTATIONS.into_iter().find(|(name, _)| kind == *name);
    match (step, orientation) {
        (Some(step), _) if is_planes => resize_planes(step, frames),
        (Some(step), _) => resize(step, frames),
        (_, Some((_, orientation))) if is_planes => transform_planes(&orientation, frames),
        (_, Some((_, orientation))) => transform(&orientation, frames),
        _ => return false,
    }
    true
}

fn resize(step: Step, frames: usize) {
    let jpeg = jpeg();
    let mut resizer = JpegResizer::new(QUALITY).unwrap();
    let mut out = BufferPool::default().take();
    for _ in 0..frames {
        resizer.resize(black_box(&jpeg), step, &mut out).unwrap();
    }
}

fn resize_planes(step: Step, frames: usize) {
    let scene = Scene::new(1280, 720);
    let mut resizer = PlanesResizer::default();
    for _ in 0..frames {
        black_box(resizer.resize(black_box(&scene.planes()), step).unwrap());
    }
}

fn transform(orientation: &Orientation, frames: usize) {
    let jpeg = jpeg();
    let mut out = BufferPool::default().take();
    for _ in 0..frames {
        transform_jpeg(black_box(&jpeg), orientation, &mut out).unwrap();
    }
}

fn transform_planes(orientation: &Orientation, frames: usize) {
    let scene = Scene::new(1280, 720);
    let mut transformer = PlanesTransformer::default();
    for _ in 0..frames {
        black_box(transformer.transform(black_box(&scene.planes()), orientation).unwrap());
    }
}

fn jpeg() -> Vec<u8> {
    let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
    let mut out = BufferPool::default().take();
    encoder.encode_planes(&Scene::new(1280, 720).planes(), &mut out).unwrap();
    out.to_vec()
}

/// Removes the encoder's four tables, twice 33 and 183 bytes, directly before SOS.
fn without_tables(jpeg: &[u8]) -> Vec<u8> {
    let scan = jpeg.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
    [&jpeg[..scan - 432], &jpeg[scan..]].concat()
}

fn mend(jpeg: &[u8], frames: usize) {
    let mut out = BufferPool::default().take();
    for _ in 0..frames {
        mjpeg::mend(black_box(jpeg), &mut out).unwrap();
    }
}

/// Decodes the first pictures of a clip, which the ffmpeg program makes in another process, not counted.
fn decode(codec: Codec, options: &str, frames: usize) {
    let stream = clips::encode((1280, 720), CLIP, options);
    let mut decoder = Decoder::new(codec).unwrap();
    let pull = |decoder: &mut Decoder| {
        while let Some(picture) = decoder.pull().unwrap() {
            black_box(&picture);
        }
    };
    for (data, is_key) in clips::units(&stream, codec == Codec::H265).into_iter().take(frames) {
        let unit = AccessUnit {
            codec,
            data: data.into(),
            arrived: Monotonic::since_zero(Duration::ZERO),
            is_key,
            discontinuity: false,
            is_hidden: false,
        };
        decoder.push(unit).unwrap();
        pull(&mut decoder);
    }
    decoder.end();
    pull(&mut decoder);
}

/// Turns the bytes of a camera's RTSP connection into access units, and optionally into decoded pictures.
fn rtsp(frames: usize, decodes: bool) {
    let mut camera = rtsp::Camera::new(&clips::encode((1280, 720), CLIP, &clips::h264("bframes=0")));
    let mut decoder = Decoder::new(Codec::H264).unwrap();
    for picture in camera.pictures.drain(..).take(frames) {
        // The kernel's part.
        for read in picture.chunks(READ_BYTES) {
            let room = camera.session.room();
            room[..read.len()].copy_from_slice(read);
            camera.session.handle_input(Input::Received(read.len()), NOW);
        }
        while let Output::Event(Event::Picture(Coded::Video(picture))) = camera.session.poll_output() {
            if !decodes {
                black_box(&picture);
                continue;
            }
            decoder.push(picture.unit).unwrap();
            while let Some(picture) = decoder.pull().unwrap() {
                black_box(&picture);
            }
        }
    }
}

/// Frames after which a camera's meters are full.
const METERED: usize = 600;

/// Sends a camera's JPEG through its publisher, which checks it, to viewers that take it at once.
fn publish(viewers: usize, frames: usize) {
    let (camera, clock) = (Camera::on_demand("yard"), Clock::kernel());
    let publisher = Publisher::new(&camera, &clock, &Picture::default());
    let mut viewers: Vec<_> = (0..viewers).map(|_| camera.watch()).collect();
    let jpeg = jpeg();
    smol::block_on(async {
        for _ in 0..METERED + frames {
            publisher.check(black_box(&jpeg), clock.now());
            for viewer in &mut viewers {
                let frame = poll_once(viewer.next()).await.unwrap();
                camera.delivered(black_box(&frame), clock.now());
            }
        }
    });
}

/// Sends a small frame through a track to viewers that take it at once.
fn track(viewers: usize, frames: usize) {
    let (camera, clock) = (Camera::on_demand("yard"), Clock::kernel());
    let mut viewers: Vec<_> = (0..viewers).map(|_| camera.watch()).collect();
    smol::block_on(async {
        for _ in 0..METERED + frames {
            let mut jpeg = camera.jpeg.pool().take();
            jpeg.extend_from_slice(b"a picture");
            camera.publish(Frame::new(jpeg, &clock, clock.now(), 1280, 720, Kind::Picture), &clock);
            for viewer in &mut viewers {
                let frame = poll_once(viewer.next()).await.unwrap();
                camera.delivered(black_box(&frame), clock.now());
            }
        }
    });
}
