//! The cost of a picture of H.264 or H.265 on one core, from access unit to JPEG, as a ratio to the floor:
//! libavcodec alone on one thread, and encoding alone of ready planes.
//!
//! `cargo bench --bench decode`; needs the ffmpeg program, which makes the clips.

#[path = "../tests/support/clips.rs"]
mod clips;

use std::hint::black_box;
use std::time::{Duration, Instant};

use ffmpeg_next::{Packet, codec, frame};
use pinhole::clock::Monotonic;
use pinhole::decode::{Decoder, Memory};
use pinhole::encode::JpegEncoder;
use pinhole::frame::{BufferPool, FrameBuffer};
use pinhole::picture::{Chroma, Plane, Planes};
use pinhole::video::{AccessUnit, Codec};

const SIZE: clips::Size = (1920, 1080);
const PICTURES: usize = 100;
const ROUNDS: usize = 5;
const QUALITY: u8 = 80;

/// A stream as access units.
struct Stream {
    codec: Codec,
    units: Vec<AccessUnit>,
}

impl Stream {
    fn new(codec: Codec, options: &str) -> Self {
        let stream = clips::encode(SIZE, PICTURES, options);
        let unit = |(data, is_key): (Vec<u8>, bool)| AccessUnit {
            is_hidden: false,
            codec,
            data: data.into(),
            arrived: Monotonic::since_zero(Duration::ZERO),
            is_key,
            discontinuity: false,
        };
        Self { codec, units: clips::units(&stream, codec == Codec::H265).into_iter().map(unit).collect() }
    }

    fn bytes(&self) -> usize {
        self.units.iter().map(|unit| unit.data.len()).sum()
    }

    /// Decodes with libavcodec alone.
    fn decode_bare(&self) {
        let id = if self.codec == Codec::H264 { codec::Id::H264 } else { codec::Id::HEVC };
        let mut context = codec::Context::new_with_codec(codec::decoder::find(id).unwrap());
        context.set_threading(codec::threading::Config { kind: codec::threading::Type::Slice, count: 1 });
        let mut decoder = context.decoder().open().unwrap();
        let mut frame = frame::Video::empty();
        for unit in &self.units {
            decoder.send_packet(&Packet::copy(&unit.data)).unwrap();
            while decoder.receive_frame(&mut frame).is_ok() {
                black_box(&frame);
            }
        }
        decoder.send_eof().unwrap();
        while decoder.receive_frame(&mut frame).is_ok() {}
    }

    /// Decodes and encodes as in the service.
    fn to_jpeg(&self, encoder: &mut JpegEncoder, jpeg: &mut FrameBuffer) -> usize {
        let mut decoder = Decoder::new(self.codec).unwrap();
        let (mut memory, mut pictures) = (Memory::default(), 0);
        let mut pull = |decoder: &mut Decoder| {
            while let Some(picture) = decoder.pull().unwrap() {
                encoder.encode_planes(&picture.planes(&mut memory).unwrap(), jpeg).unwrap();
                pictures += 1;
            }
        };
        for unit in &self.units {
            decoder.push(unit.clone()).unwrap();
            pull(&mut decoder);
        }
        decoder.end();
        pull(&mut decoder);
        pictures
    }
}

/// Encodes every picture of a scene with full-range samples.
fn encode_bare(pictures: &[Vec<u8>], encoder: &mut JpegEncoder, jpeg: &mut FrameBuffer) {
    let (width, height) = SIZE;
    let (columns, rows) = Chroma::Yuv420.plane_size(width, height);
    for picture in pictures {
        let (y, chroma) = picture.split_at(width * height);
        let (u, v) = chroma.split_at(columns * rows);
        let plane = |stride, data| Plane { stride, data };
        let (y, u, v) = (plane(width, y), plane(columns, u), plane(columns, v));
        encoder.encode_planes(&Planes { width, height, chroma: Chroma::Yuv420, y, u, v }, jpeg).unwrap();
    }
}

/// Milliseconds per picture.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn time(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3 / PICTURES as f64
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    if !clips::available("bench decode") {
        return;
    }
    let scene = clips::Scene::new(SIZE, PICTURES);
    let full: Vec<_> = scene.pictures.iter().map(|picture| clips::full_range(picture, SIZE)).collect();
    let (pool, mut encoder) = (BufferPool::default(), JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap());
    let mut jpeg = pool.take();
    println!(
        "1920x1080, {PICTURES} pictures, quality {QUALITY}, one thread; ms a picture, medians of {ROUNDS} rounds"
    );
    println!("{:<26} {:>8} {:>8} {:>8} {:>8} {:>8}", "", "Mb/s", "decode", "encode", "both", "/ floor");
    let h264 = |options: &str| clips::h264(options).replace("-crf 12", "-b:v 4M");
    let h265 = |options: &str| clips::h265(options).replace("-crf 12", "-b:v 3M");
    let full_range =
        h264("bframes=0").replace("-pix_fmt yuv420p", "-vf scale=out_range=full -pix_fmt yuvj420p");
    for (name, codec, options) in [
        ("H.264 Baseline", Codec::H264, h264("bframes=0:cabac=0:ref=1:8x8dct=0:weightp=0")),
        ("H.264 High", Codec::H264, h264("bframes=0")),
        ("H.264 High, BT.601", Codec::H264, h264("bframes=0:colormatrix=smpte170m")),
        ("H.264 High, full range", Codec::H264, full_range),
        ("H.264 High, B-frames", Codec::H264, h264("bframes=3")),
        ("H.264 High, 4 slices", Codec::H264, h264("bframes=0:slices=4")),
        ("H.265 Main", Codec::H265, h265("bframes=0")),
        ("H.265 Main 10", Codec::H265, h265("bframes=0").replace("yuv420p", "yuv420p10le")),
    ] {
        let stream = Stream::new(codec, &options);
        let (mut decode, mut encode, mut both) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let times = [
                time(|| stream.decode_bare()),
                time(|| encode_bare(&full, &mut encoder, &mut jpeg)),
                time(|| assert_eq!(stream.to_jpeg(&mut encoder, &mut jpeg), PICTURES)),
            ];
            // The first round allocates.
            if round > 0 {
                decode.push(times[0]);
                encode.push(times[1]);
                both.push(times[2]);
            }
        }
        let [decode, encode, both] = [median(decode), median(encode), median(both)];
        let rate = stream.bytes() as f64 * 8.0 * 25.0 / PICTURES as f64 / 1e6;
        let ratio = both / (decode + encode);
        println!("{name:<26} {rate:>8.1} {decode:>8.2} {encode:>8.2} {both:>8.2} {ratio:>8.3}");
    }
}
