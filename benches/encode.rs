//! What a frame costs on one core: conversion and encoding of each pixel format as a ratio to the
//! floor, which is encoding the same picture when it is planar already; and mending a camera's JPEG
//! as a ratio to a plain copy of its bytes.
//!
//! `cargo bench --bench encode`

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use pinhole::encode::JpegEncoder;
use pinhole::encode::convert::Converter;
use pinhole::frame::{BufferPool, FrameBuffer};
use pinhole::mjpeg;
use pinhole::picture::{Chroma, PixelFormat, Plane, Planes, RawPicture};

/// Gives JPEGs of about 130 kB at 720p.
const QUALITY: u8 = 80;
const ROUNDS: usize = 41;

/// A planar 4:2:0 picture.
struct Scene {
    width: usize,
    height: usize,
    y: Vec<u8>,
    u: Vec<u8>,
    v: Vec<u8>,
}

impl Scene {
    /// Gradients, hard edges and the noise of an ordinary sensor indoors.
    fn new(width: usize, height: usize) -> Self {
        let mut state = 0x9e37_79b9_u32;
        let mut noise = move |amplitude: i32| {
            // Sum of four bytes: near enough to a normal distribution. xorshift32.
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            let sum: i32 = state.to_le_bytes().into_iter().map(i32::from).sum();
            (sum - 510) * amplitude / 512
        };
        let shapes = |x: usize, y: usize| (x / 64 * 31 + y / 48 * 57) % 90 + (x + y) * 90 / (width + height);
        let pixels = |w: usize, h: usize| (0..h).flat_map(move |y| (0..w).map(move |x| (x, y)));
        let y =
            pixels(width, height).map(|(x, y)| (shapes(x, y) as i32 + 35 + noise(21)).clamp(0, 255) as u8);
        let y = y.collect();
        let mut chroma = |scale: usize| {
            pixels(width / 2, height / 2)
                .map(|(x, y)| {
                    (100 + (shapes(2 * x, 2 * y) * scale / 8) as i32 + noise(10)).clamp(0, 255) as u8
                })
                .collect()
        };
        Self { width, height, y, u: chroma(3), v: chroma(2) }
    }

    fn planes(&self) -> Planes<'_> {
        let plane = |stride, data| Plane { stride, data };
        Planes {
            width: self.width,
            height: self.height,
            chroma: Chroma::Yuv420,
            y: plane(self.width, &self.y),
            u: plane(self.width / 2, &self.u),
            v: plane(self.width / 2, &self.v),
        }
    }

    fn chroma_at(&self, x: usize, y: usize) -> (u8, u8) {
        let at = y / 2 * (self.width / 2) + x / 2;
        (self.u[at], self.v[at])
    }

    fn rgb(&self, x: usize, y: usize) -> [u8; 3] {
        let (u, v) = self.chroma_at(x, y);
        let (y, u, v) = (f32::from(self.y[y * self.width + x]), f32::from(u) - 128.0, f32::from(v) - 128.0);
        [y + 1.402 * v, y - 0.344 * u - 0.714 * v, y + 1.772 * u].map(|level| level as u8)
    }

    /// Each group of pixels of a row, one after the other.
    fn packed<const BYTES: usize>(
        &self,
        step: usize,
        group: impl Fn(usize, usize) -> [u8; BYTES],
    ) -> Vec<u8> {
        let group = &group;
        (0..self.height).flat_map(|y| (0..self.width).step_by(step).flat_map(move |x| group(x, y))).collect()
    }

    fn pairs(&self, group: impl Fn(u8, u8, u8, u8) -> [u8; 4]) -> Vec<u8> {
        self.packed(2, |x, y| {
            let (u, v) = self.chroma_at(x, y);
            let luma = &self.y[y * self.width + x..];
            group(luma[0], luma[1], u, v)
        })
    }

    fn interleaved(&self, first: &[u8], second: &[u8]) -> Vec<u8> {
        let pairs = first.iter().zip(second).flat_map(|(first, second)| [*first, *second]);
        self.y.iter().copied().chain(pairs).collect()
    }

    /// Stride in bytes, and the bytes.
    fn bytes(&self, format: PixelFormat) -> (usize, Vec<u8>) {
        let width = self.width;
        match format {
            PixelFormat::Yuyv => (2 * width, self.pairs(|y0, y1, u, v| [y0, u, y1, v])),
            PixelFormat::Uyvy => (2 * width, self.pairs(|y0, y1, u, v| [u, y0, v, y1])),
            PixelFormat::Yvyu => (2 * width, self.pairs(|y0, y1, u, v| [y0, v, y1, u])),
            PixelFormat::Vyuy => (2 * width, self.pairs(|y0, y1, u, v| [v, y0, u, y1])),
            PixelFormat::Nv12 => (width, self.interleaved(&self.u, &self.v)),
            PixelFormat::Nv21 => (width, self.interleaved(&self.v, &self.u)),
            PixelFormat::Nv16 => {
                let chroma = self.packed(2, |x, y| <[u8; 2]>::from(self.chroma_at(x, y)));
                (width, [&self.y[..], &chroma].concat())
            }
            PixelFormat::Yu12 => (width, [&self.y[..], &self.u, &self.v].concat()),
            PixelFormat::Yv12 => (width, [&self.y[..], &self.v, &self.u].concat()),
            PixelFormat::Yuv422p => {
                let u = self.packed(2, |x, y| [self.chroma_at(x, y).0]);
                let v = self.packed(2, |x, y| [self.chroma_at(x, y).1]);
                (width, [&self.y[..], &u, &v].concat())
            }
            PixelFormat::Rgb24 => (3 * width, self.packed(1, |x, y| self.rgb(x, y))),
            PixelFormat::Bgr24 => (3 * width, {
                self.packed(1, |x, y| {
                    let [r, g, b] = self.rgb(x, y);
                    [b, g, r]
                })
            }),
            PixelFormat::Rgb565 => (2 * width, {
                self.packed(1, |x, y| {
                    let [r, g, b] = self.rgb(x, y).map(u16::from);
                    ((r >> 3) << 11 | (g >> 2) << 5 | b >> 3).to_le_bytes()
                })
            }),
            PixelFormat::Grey => (width, self.y.clone()),
        }
    }
}

/// Milliseconds that one call takes.
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

/// Medians of every task. Runs take turns, so that a slow moment of the machine falls on all of them.
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

/// The table of one size. "convert" is of a picture that is not in the cache, as a camera's picture
/// is not when it comes by DMA; "cached" is the same at once again, which shows the arithmetic.
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
    // Segments of the encoder: the four tables, 33 and 183 bytes twice, stand right before SOS.
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
