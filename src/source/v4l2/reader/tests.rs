use super::*;
use crate::camera::{Camera, State};
use crate::clock::Clock;
use crate::config::Picture;
use crate::frame::Kind;

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;

/// A reader of grey pictures, and the camera that it publishes to.
fn reader(stride: u32, quantization: u32) -> (Reader, Arc<Camera>) {
    let camera = Camera::on_demand("test");
    let (clock, _) = Clock::manual();
    let publisher = Publisher::new(&camera, &clock, &Picture::default());
    let format = Format { fourcc: *b"GREY", width: WIDTH, height: HEIGHT, stride, quantization };
    let layout = Layout { format, encoding: Encoding::Raw(PixelFormat::Grey) };
    (Reader::new(layout, &Picture::default(), &publisher, &clock).unwrap(), camera)
}

/// The published picture's sides, or the number of damaged pictures.
fn published(camera: &Camera) -> Result<(u32, u32), u64> {
    match camera.jpeg.newer_than(0) {
        Some((frame, _)) if frame.kind == Kind::Picture => Ok((frame.width, frame.height)),
        _ => Err(camera.bad()),
    }
}

fn read(stride: u32, buffer: usize, filled: Filled) -> Result<(u32, u32), u64> {
    let (mut reader, camera) = reader(stride, 0);
    reader.read(&vec![128; buffer], &filled);
    published(&camera)
}

#[test]
fn no_byte_beyond_the_buffer_is_read_whatever_the_driver_reports() {
    let whole = (WIDTH * HEIGHT) as usize;
    let filled = |bytes| Filled { bytes, ..Filled::default() };
    for stride in [0, 1, WIDTH] {
        assert_eq!(read(stride, whole, filled(whole as u32)), Ok((WIDTH, HEIGHT)), "stride {stride}");
    }
    assert_eq!(read(0, whole, filled(u32::MAX)), Ok((WIDTH, HEIGHT)), "more than the buffer has");
    assert_eq!(read(0, whole - 1, filled(whole as u32)), Err(1), "a buffer that is too small");
    assert_eq!(read(0, whole, filled(0)), Err(1), "an empty one");
    assert_eq!(read(u32::MAX, whole, filled(whole as u32)), Err(1), "rows absurdly far apart");
    let flags = flag::ERROR;
    assert_eq!(read(0, whole, Filled { flags, ..filled(whole as u32) }), Err(1), "the driver says so");
}

#[test]
fn implausible_time_stamps_become_the_time_of_arrival() {
    let now = Monotonic::since_zero(Duration::from_secs(100));
    let stamped = |flags, timestamp| captured_at(&Filled { flags, timestamp, ..Filled::default() }, now);
    assert_eq!(now.since(stamped(flag::CLOCK_MONOTONIC, (99, 500_000))), Duration::from_millis(500));
    for timestamp in [(-1, 0), (0, -1), (i64::MAX, i64::MAX), (101, 0), (0, 0)] {
        assert_eq!(stamped(flag::CLOCK_MONOTONIC, timestamp), now, "{timestamp:?}");
    }
    assert_eq!(stamped(0, (99, 500_000)), now, "another clock");
}

#[test]
fn only_plausible_gaps_are_counted() {
    let (mut reader, camera) = reader(0, 0);
    for sequence in [5, 6, 9, 0, 1, u32::MAX, 0] {
        reader.count_gap(sequence);
    }
    assert_eq!(camera.report(Monotonic::since_zero(Duration::ZERO)).dropped, 2, "7 and 8");
    assert_eq!(camera.state(), State::Idle);
}
