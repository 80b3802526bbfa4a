//! The cost of a frame on one core: conversion and encoding of each pixel format as a ratio to the floor,
//! which is encoding the same picture from planar form; and mending a camera's JPEG as a ratio to a plain
//! copy of its bytes.
//!
//! `cargo bench --bench encode`

mod scene;

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use pinhole::encode::JpegEncoder;
use pinhole::encode::convert::Converter;
use pinhole::frame::{BufferPool, FrameBuffer};
use pinhole::mjpeg;
use pinhole::picture::{Chroma, PixelFormat, RawPicture};
use scene::Scene;

/// Yields JPEGs of about 130 kB at 720p.
const QUALITY: u8 = 80;
const ROUNDS: usize = 41;

/// Milliseconds per call.
#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn time(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// One thing to measure, with its name.
type Task<'a> = (String, Box<dyn FnMut() + 'a>);

/// Medians of all tasks. Runs alternate, so that a slow moment of the machine affects all of them.
fn medians(tasks: &mut [Task<'_>]) -> Vec<f64> {
    let mut times = vec![Vec::new(); tasks.len()];
    for round in 0..=ROUNDS {
        for ((_, task), times) in tasks.iter_mut().zip(&mut times) {
            let elapsed = time(task);
            // The first one allocates.
            if round > 0 {
                times.push(elapsed);
            }
        }
    }
    times.into_iter().map(median).collect()
}

/// Prints the table of one size. "convert" has a picture that is not in the cache, like a camera's picture by
/// DMA; "cached" repeats it at once, which shows the arithmetic.
fn formats(width: usize, height: usize, chroma: Chroma) {
    let scene = Scene::new(width, height);
    let sources = PixelFormat::ALL.map(|format| (format, scene.bytes(format)));
    let mut out = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(QUALITY, chroma).unwrap();
    encoder.encode_planes(&scene.planes(), &mut out).unwrap();
    println!("\n{width}x{height}, quality {QUALITY}, {chroma:?}, {} bytes", out.len());

    let mut tasks: Vec<Task<'_>> = Vec::new();
    tasks.push((
        "floor".into(),
        Box::new(|| encoder.encode_planes(black_box(&scene.planes()), &mut out).unwrap()),
    ));
    for (format, (stride, data)) in &sources {
        let picture = RawPicture { format: *format, width, height, stride: *stride, data };
        let mut converter = Converter::default();
        let convert = Rc::new(RefCell::new(move || {
            black_box(converter.convert(black_box(&picture), chroma).unwrap());
        }));
        let again = convert.clone();
        let mut encoder = JpegEncoder::new(QUALITY, chroma).unwrap();
        let mut out = BufferPool::default().take();
        let encode = move || encoder.encode(black_box(&picture), &mut out).unwrap();
        tasks.push((format.to_string(), Box::new(move || convert.borrow_mut()())));
        tasks.push((format.to_string(), Box::new(move || again.borrow_mut()())));
        tasks.push((format.to_string(), Box::new(encode)));
    }
    let medians = medians(&mut tasks);
    let floor = medians[0];
    println!("{:8} {:>10} {:>10} {:>10} {:>8}", "format", "convert ms", "cached ms", "encode ms", "ratio");
    println!("{:8} {:>10} {:>10} {floor:>10.3} {:>8.2}", "floor", "-", "-", 1.0);
    for (times, (name, _)) in medians[1..].as_chunks::<3>().0.iter().zip(tasks[1..].iter().step_by(3)) {
        let [convert, cached, encode] = times;
        println!("{name:8} {convert:>10.3} {cached:>10.3} {encode:>10.3} {:>8.2}", encode / floor);
    }
}

/// Calls in one measurement: a single one takes microseconds.
const MENDS: usize = 200;

fn mending() {
    let mut jpeg = BufferPool::default().take();
    let mut encoder = JpegEncoder::new(QUALITY, Chroma::Yuv420).unwrap();
    encoder.encode_planes(&Scene::new(1280, 720).planes(), &mut jpeg).unwrap();
    let jpeg = jpeg.to_vec();
    // Segments of the encoder: the four tables, twice 33 and 183 bytes, directly before SOS.
    let scan = jpeg.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
    let stripped = [&jpeg[..scan - 432], &jpeg[scan..]].concat();
    let mut copied = vec![0; jpeg.len()];
    let mend = |data: &'static [u8]| {
        let mut out: FrameBuffer = BufferPool::default().take();
        move || (0..MENDS).for_each(|_| _ = black_box(mjpeg::mend(black_box(data), &mut out).unwrap()))
    };
    let (whole, bare): (&'static [u8], &'static [u8]) = (jpeg.clone().leak(), stripped.leak());
    let mut tasks: Vec<Task<'_>> = vec![
        (
            "copy".into(),
            Box::new(|| {
                (0..MENDS).for_each(|_| black_box(&mut copied[..]).copy_from_slice(black_box(&jpeg)));
            }),
        ),
        ("mend, whole".into(), Box::new(mend(whole))),
        ("mend, no DHT".into(), Box::new(mend(bare))),
    ];
    let medians = medians(&mut tasks);
    println!("\n{:14} {:>8} {:>8}   ({} bytes)", "mjpeg", "us", "ratio", jpeg.len());
    for (median, (name, _)) in medians.iter().zip(&tasks) {
        println!("{name:14} {:>8.1} {:>8.2}", median * 1e3 / MENDS as f64, median / medians[0]);
    }
}

fn main() {
    mending();
    for chroma in [Chroma::Yuv420, Chroma::Yuv422] {
        formats(1280, 720, chroma);
        formats(1920, 1080, chroma);
    }
}
