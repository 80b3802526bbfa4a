//! Compares the memory used by decoding, measured in separate processes, with the reservation.

#[path = "support/clips.rs"]
mod clips;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clips::Folder;
use pinhole::clock::Monotonic;
use pinhole::decode::budget::Budget;
use pinhole::decode::{DecodeError, Decoder, Memory};
use pinhole::encode::JpegEncoder;
use pinhole::frame::BufferPool;
use pinhole::picture::Chroma;
use pinhole::video::{AccessUnit, Codec};

/// Names the clip for this process to decode: the test runs itself for each.
const CLIP: &str = "PINHOLE_TEST_CLIP";

/// A clip: a name, the codec, the size, pictures, options of ffmpeg.
type Clip = (&'static str, Codec, (usize, usize), usize, &'static str);

const CLIPS: [Clip; 10] = [
    (
        "8bit-ref1",
        Codec::H264,
        (1280, 720),
        24,
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -x264-params ref=1:bframes=0:aud=1",
    ),
    (
        "8bit-ref4-b",
        Codec::H264,
        (1280, 720),
        40,
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -x264-params ref=4:bframes=3:b-pyramid=2:aud=1",
    ),
    (
        "8bit-ref16",
        Codec::H264,
        (1280, 720),
        40,
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -x264-params ref=16:bframes=0:aud=1",
    ),
    (
        "10bit-422-ref8",
        Codec::H264,
        (1280, 720),
        32,
        "-c:v libx264 -preset ultrafast -pix_fmt yuv422p10le -x264-params ref=8:aud=1",
    ),
    (
        "10bit-444-ref16",
        Codec::H264,
        (1280, 720),
        40,
        "-c:v libx264 -preset ultrafast -pix_fmt yuv444p10le -x264-params ref=16:aud=1",
    ),
    (
        "4096-ref16",
        Codec::H264,
        (4096, 4096),
        24,
        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -x264-params ref=16:bframes=0:aud=1",
    ),
    (
        "h265",
        Codec::H265,
        (1280, 720),
        24,
        "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none:aud=1",
    ),
    (
        "h265-ref8",
        Codec::H265,
        (1280, 720),
        40,
        "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=none:aud=1:ref=8:bframes=0",
    ),
    (
        "h265-10bit",
        Codec::H265,
        (1280, 720),
        24,
        "-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params log-level=none:aud=1",
    ),
    (
        "h265-422-10bit",
        Codec::H265,
        (1280, 720),
        24,
        "-c:v libx265 -preset ultrafast -pix_fmt yuv422p10le -x265-params log-level=none:aud=1",
    ),
];

fn units(path: &Path, codec: Codec) -> Vec<AccessUnit> {
    let stream = std::fs::read(path).unwrap();
    let units = clips::units(&stream, codec == Codec::H265);
    let unit = |(i, (data, is_key)): (usize, (Vec<u8>, bool))| AccessUnit {
        is_hidden: false,
        codec,
        data: data.into(),
        arrived: Monotonic::since_zero(Duration::from_millis(40 * i as u64)),
        is_key,
        discontinuity: false,
    };
    units.into_iter().enumerate().map(unit).collect()
}

/// The peak resident memory of this process, in bytes (proc(5), status).
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    1024 * line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap()
}

/// Decodes like the service, for a stream whose pictures come faster than they are encoded.
fn decode(path: &Path, codec: Codec) -> (u64, u64) {
    let units = units(path, codec);
    let before = peak_bytes();
    let mut decoder = Decoder::within(codec, Budget::of_bytes(u64::MAX)).unwrap();
    let mut encoder = JpegEncoder::new(80, Chroma::Yuv420).unwrap();
    let (pool, mut memory) = (BufferPool::default(), Memory::default());
    let (mut waiting, mut sent, mut pictures) = (std::collections::VecDeque::new(), Vec::new(), 0);
    for unit in &units {
        decoder.push(unit.clone()).unwrap();
        while let Some(picture) = decoder.pull().unwrap() {
            waiting.push_back(picture);
            if waiting.len() <= 5 {
                continue;
            }
            let picture = waiting.pop_front().unwrap();
            let mut jpeg = pool.take();
            encoder.encode_planes(&picture.planes(&mut memory).unwrap(), &mut jpeg).unwrap();
            sent.push(jpeg);
            sent.truncate(3);
            pictures += 1;
        }
    }
    assert!(pictures > 10, "{pictures} pictures of {}", units.len());
    (decoder.reserved_bytes(), peak_bytes() - before)
}

#[test]
fn the_reservation_matches_the_memory_used() {
    if let Some(path) = std::env::var_os(CLIP) {
        let path = PathBuf::from(path);
        let codec = if path.extension().is_some_and(|it| it == "hevc") { Codec::H265 } else { Codec::H264 };
        let (reserved, taken) = decode(&path, codec);
        return println!("RESULT {reserved} {taken}");
    }
    if !clips::available("decoder memory") {
        return;
    }
    let folder = Folder::new("decoder-memory");
    let mut wrong = Vec::new();
    for (name, codec, size, pictures, options) in CLIPS {
        let format = if codec == Codec::H265 { "hevc" } else { "h264" };
        let path = folder.file(&format!("{name}.{format}"));
        clips::encode_to(&path, size, pictures, &format!("{options} -f {format}"));
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_reservation_matches_the_memory_used", "--nocapture"])
            .env(CLIP, &path)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let line = text
            .lines()
            .find_map(|line| line.split_once("RESULT "))
            .unwrap_or_else(|| panic!("{name}: {text} {errors}"))
            .1;
        let (reserved, taken) = line.split_once(' ').unwrap();
        let (reserved, taken): (u64, u64) = (reserved.parse().unwrap(), taken.parse().unwrap());
        let ratio = reserved as f64 / taken as f64;
        println!("{name}: {} MB reserved, {} MB taken, {ratio:.2}", reserved / 1_000_000, taken / 1_000_000);
        if !(1.0..2.2).contains(&ratio) {
            wrong.push(format!("{name}: {ratio:.2}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// 51 kB of 4096x4096 with 16 reference pictures: if it does not fit, no decoder gets it.
#[test]
fn a_stream_that_does_not_fit_is_refused_before_it_is_decoded() {
    if !clips::available("decoder memory") {
        return;
    }
    let folder = Folder::new("decoder-bomb");
    let path = folder.file("bomb.h264");
    let input = "color=black:size=4096x4096:rate=25";
    clips::ffmpeg(&[
        "-f",
        "lavfi",
        "-i",
        input,
        "-frames:v",
        "3",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-pix_fmt",
        "yuv420p",
        "-x264-params",
        "ref=16:bframes=0:aud=1",
        path.to_str().unwrap(),
    ]);
    let units = units(&path, Codec::H264);
    let budget = Budget::of_bytes(300_000_000);
    let mut decoder = Decoder::within(Codec::H264, budget.clone()).unwrap();
    let before = peak_bytes();
    for unit in units.clone() {
        let error = if unit.is_key { decoder.push(unit).unwrap_err() } else { continue };
        let DecodeError::TooLarge(words) = &error else { panic!("{error}") };
        assert!(
            words.starts_with(
                "H.264 of 4096x4096 pixels, 8 bit 4:2:0, with 16 reference pictures takes about "
            ),
            "{words}"
        );
        assert!(
            words.contains(
                "MB of memory; on this machine decoders may use 300 MB; choose the camera's second stream"
            ),
            "{words}"
        );
    }
    assert!(decoder.pull().unwrap().is_none());
    assert_eq!(budget.taken(), 0);
    assert!(peak_bytes() - before < 20_000_000);
    // A second camera gets the rest of the budget, and all of it once the first is closed.
    let roomy = Budget::of_bytes(1_300_000_000);
    let mut first = Decoder::within(Codec::H264, roomy.clone()).unwrap();
    first.push(units[0].clone()).unwrap();
    let mut second = Decoder::within(Codec::H264, roomy.clone()).unwrap();
    let error = second.push(units[0].clone()).unwrap_err().to_string();
    assert!(error.contains(", of which other cameras have "), "{error}");
    drop(first);
    second.push(units[0].clone()).unwrap();
    drop(second);
    assert_eq!(roomy.taken(), 0);
}
